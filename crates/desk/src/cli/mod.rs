//! The `admin:` commands: a line of text in, what CUCM would print out.
//!
//! ```text
//! "run sql select …" -> COMMANDS (longest words first come, first served) -> sql::run     -> text
//!                                                                        \-> peers::show -> text
//! ```
//! A command reads a [`Terminal`] and changes nothing.

mod peers;
mod sql;

use std::path::Path;

use ils_core::snapshot::Snapshot;
use ils_store::{QueryError, StoreError};
use ilslab_time::UtcOffset;

pub use sql::query;

/// What a command can see.
#[derive(Clone, Copy)]
pub struct Terminal<'a> {
    /// The node.
    pub snapshot: &'a Snapshot,
    /// Its database, opened only by the commands that read it.
    pub database: &'a Path,
    /// UtcOffset of printed times from UTC.
    pub offset: UtcOffset,
}

/// A command that printed nothing.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// There is no such command.
    #[error("there is no command `{command}`; there are: {}", usages())]
    Unknown {
        /// Its first words, fit for a terminal.
        command: String,
    },
    /// It takes something else.
    #[error("{problem}; usage: {usage}")]
    Usage {
        /// What is wrong.
        problem: String,
        /// How it is used.
        usage: &'static str,
    },
    /// No cluster of that name.
    #[error("the peer info vector has no `{fqdn}`; {known}")]
    NoSuchPeer {
        /// The name asked for, fit for a terminal.
        fqdn: String,
        /// The names there are.
        known: String,
    },
    /// The database did not answer the query.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// The database cannot be opened.
    #[error("{0}")]
    Database(#[from] StoreError),
}

/// A command, found by the words that it begins with.
struct Command {
    words: &'static [&'static str],
    usage: &'static str,
    run: fn(&str, &Terminal<'_>) -> Result<String, CliError>,
}

const COMMANDS: [Command; 2] = [
    Command { words: &["run", "sql"], usage: sql::USAGE, run: sql::run },
    Command { words: &["utils", "ils", "showpeerinfo"], usage: peers::USAGE, run: peers::show },
];

/// Longest part of a wrong command that an error repeats, in characters.
const SHOWN: usize = 60;

/// Runs one command line; reads the database, so not for async code.
///
/// # Errors
/// An unknown command, a wrong argument, or a database that does not answer.
pub fn run(line: &str, terminal: &Terminal<'_>) -> Result<String, CliError> {
    let found = COMMANDS.iter().find_map(|command| Some((command, rest(line, command.words)?)));
    match found {
        Some((command, rest)) => (command.run)(rest, terminal),
        None => Err(CliError::Unknown { command: shown(line) }),
    }
}

/// What follows the words, as it was written: SQL keeps its blanks.
fn rest<'a>(line: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().try_fold(line.trim(), |line, word| {
        let after = line.strip_prefix(word)?;
        (after.is_empty() || after.starts_with(char::is_whitespace)).then(|| after.trim_start())
    })
}

fn usages() -> String {
    COMMANDS.map(|command| format!("`{}`", command.usage)).join(", ")
}

/// Foreign text, cut and escaped.
fn shown(text: &str) -> String {
    let cut: String = text.trim().chars().take(SHOWN).collect();
    ilslab_names::escape(&cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_by_whole_words() {
        for (name, line, want) in [
            ("plain", "run sql select 1", Some("select 1")),
            ("blanks between", "  run   sql   select  1 ", Some("select  1")),
            ("no argument", "run sql", Some("")),
            ("half a word", "run sqlite", None),
            ("too few", "run", None),
            ("upper case", "RUN SQL select 1", None),
            ("nothing", "", None),
        ] {
            assert_eq!(rest(line, &["run", "sql"]), want, "{name}");
        }
    }

    #[test]
    fn an_unknown_command_is_answered_with_those_there_are() {
        let error = CliError::Unknown { command: shown("format c:\u{1b}[2J") }.to_string();
        let want = r"there is no command `format c:\x1b[2J`; there are: `run sql SELECT`, `utils ils showpeerinfo [FQDN]`";
        assert_eq!(error, want);
    }
}
