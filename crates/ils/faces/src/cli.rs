//! The `admin:` commands of a hub or spoke, as CUCM would print them.
//!
//! ```text
//! "run sql select …" -> desk::cli::run -> sql::run     -> text
//!                                     \-> peers::show -> text
//! ```
//! A command reads a [`Terminal`] and changes nothing.

mod peers;
mod sql;
mod terminal;

use ilslab_desk::cli::{Command, CommandError};

pub use sql::query;
pub use terminal::Terminal;

/// Runs one command line; reads the database, so not for async code.
///
/// # Errors
/// An unknown command, a wrong argument, or a database that does not answer.
pub fn run(line: &str, terminal: &Terminal<'_>) -> Result<String, CommandError> {
    let commands = [
        Command {
            words: &["run", "sql"],
            usage: sql::USAGE,
            run: Box::new(|rest| sql::run(rest, terminal.database)),
        },
        Command {
            words: &["utils", "ils", "showpeerinfo"],
            usage: peers::USAGE,
            run: Box::new(|rest| peers::show(rest, terminal)),
        },
    ];
    ilslab_desk::cli::run(line, &commands)
}
