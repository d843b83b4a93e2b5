//! Which service of a cluster writes: what heads, file names and alarms call it.

use std::path::{Path, PathBuf};

/// A service that writes a trace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Application {
    /// In the head of a trace file: `AppName`.
    pub name: &'static str,
    /// There too, and in the names of the files: `AppId`, three digits.
    pub number: u16,
    /// Its folder below `activelog/cm/trace`.
    pub folder: &'static str,
    /// What the syslog of alarms calls its process.
    pub process: &'static str,
}

impl Application {
    /// Where its trace is, under a node's data folder.
    pub fn trace_folder(&self, data_dir: &Path) -> PathBuf {
        data_dir.join("activelog/cm/trace").join(self.folder).join("sdl")
    }

    /// The name of a file of its trace.
    pub(crate) fn file_name(&self, number: u64) -> String {
        format!("SDL001_{:03}_{number:06}.txt", self.number)
    }
}

/// The number in a trace file's name, whatever the application: six digits, or more from a million on.
pub(crate) fn file_number(name: &str) -> Option<u64> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (application, number) = name.strip_prefix("SDL001_")?.strip_suffix(".txt")?.split_once('_')?;
    let plain = application.len() == 3 && digits(application) && number.len() >= 6 && digits(number);
    plain.then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_the_name_that_it_was_given_and_no_other_is() {
        let application = Application { name: "ILS", number: 7, folder: "ils", process: "ils" };
        for number in [1, 999_999, 1_000_000] {
            assert_eq!(file_number(&application.file_name(number)), Some(number));
        }
        for name in [
            "SDL001_007_1.txt",
            "SDL001_007_000001.txt.gz",
            "SDL001_7_000001.txt",
            "SDL001_0x7_000001.txt",
            "SDL001_007_00000a.txt",
            "SDL002_007_000001.txt",
            "SDL001_007_99999999999999999999.txt",
            "SDL001_000001.txt",
            "",
        ] {
            assert_eq!(file_number(name), None, "{name}");
        }
    }
}
