//! The frame of the `admin:` commands: a line of text in, what the command prints out.
//!
//! ```text
//! "run sql select …" -> Commands (longest words first come, first served) -> Command::run("select …") -> text
//! ```

/// What a command does with the rest of its line.
pub type Run<'a> = dyn Fn(&str) -> Result<String, CommandError> + 'a;

/// A command, found by the words that it begins with.
pub struct Command<'a> {
    /// Those words.
    pub words: &'static [&'static str],
    /// How it is used.
    pub usage: &'static str,
    /// Runs it on the rest of the line, as it was written.
    pub run: Box<Run<'a>>,
}

/// A command that printed nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such command.
    #[error("there is no command `{command}`; there are: {usages}")]
    Unknown {
        /// Its first words, fit for a terminal.
        command: String,
        /// How those that there are, are used.
        usages: String,
    },
    /// It takes something else.
    #[error("{problem}; usage: {usage}")]
    Usage {
        /// What is wrong.
        problem: String,
        /// How it is used.
        usage: &'static str,
    },
    /// It cannot be done.
    #[error("{0}")]
    Refused(String),
    /// It cannot be done now; a later try may work.
    #[error("{0}")]
    Unavailable(String),
}

/// Longest part of a wrong command that an error repeats, in characters.
const SHOWN: usize = 60;

/// Runs one command line.
///
/// # Errors
/// An unknown command, or whatever the command answers.
pub fn run(line: &str, commands: &[Command<'_>]) -> Result<String, CommandError> {
    let found = commands.iter().find_map(|command| Some((command, rest(line, command.words)?)));
    match found {
        Some((command, rest)) => (command.run)(rest),
        None => Err(CommandError::Unknown { command: shown(line), usages: usages(commands) }),
    }
}

/// What follows the words, as it was written: SQL keeps its blanks.
fn rest<'a>(line: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().try_fold(line.trim(), |line, word| {
        let after = line.strip_prefix(word)?;
        (after.is_empty() || after.starts_with(char::is_whitespace)).then(|| after.trim_start())
    })
}

fn usages(commands: &[Command<'_>]) -> String {
    let usages: Vec<String> = commands.iter().map(|command| format!("`{}`", command.usage)).collect();
    usages.join(", ")
}

/// Foreign text, cut and escaped.
pub fn shown(text: &str) -> String {
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
        let command = |words, usage| Command { words, usage, run: Box::new(|rest| Ok(rest.to_owned())) };
        let commands = [command(&["show", "status"], "show status"), command(&["show"], "show [WHAT]")];
        assert_eq!(run("show status now", &commands).expect("it runs"), "now", "the first that fits");
        assert_eq!(run("show  me", &commands).expect("it runs"), "me");
        let error = run("format c:\u{1b}[2J", &commands).expect_err("there is none").to_string();
        let want = r"there is no command `format c:\x1b[2J`; there are: `show status`, `show [WHAT]`";
        assert_eq!(error, want);
    }
}
