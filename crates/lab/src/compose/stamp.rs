//! What a folder was set up for. The same stamp stands in the folders of both nodes and of the lab.

use std::fs;
use std::io;
use std::path::Path;

use super::error::ComposeError;
use crate::error::LabError;
use crate::instance::Instance;
use crate::scenario::{Dice, Scenario};
use ilslab_files::write_new;

/// The stamp's file.
const FILE: &str = "stamp";
/// How the folders are laid out: another layout is another stamp, and so a new setup.
const LAYOUT: &str = "2";
/// In place of a number.
const NO_INSTANCE: &str = "-";

/// A scenario, and a number of this setup: folders with different numbers do not belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) scenario: &'static Scenario,
    /// Whose addresses the nodes have; none where they are those of containers.
    instance: Option<Instance>,
    run: String,
}

impl Stamp {
    /// A new one.
    ///
    /// # Errors
    /// [`LabError::Random`].
    pub(super) fn new(scenario: &'static Scenario, instance: Option<Instance>) -> Result<Self, LabError> {
        Ok(Self { scenario, instance, run: Dice::random().map_err(LabError::Random)?.to_string() })
    }

    /// Whether this is what was asked for.
    pub(super) fn is_of(&self, scenario: &Scenario, instance: Option<Instance>) -> bool {
        self.scenario == scenario && self.instance == instance
    }

    /// The stamp of a folder.
    ///
    /// # Errors
    /// There is none, or it is not one of this layout.
    pub(super) fn read(folder: &Path) -> Result<Self, ComposeError> {
        let path = folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).ok_or(ComposeError::NoStamp { path }),
            Err(source) => Err(ComposeError::NotSetUp { path, source }),
        }
    }

    /// Stamps a folder that has none.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        write_new(&folder.join(FILE), self.text().as_bytes())
    }

    fn text(&self) -> String {
        let instance = self.instance.map_or_else(|| NO_INSTANCE.to_owned(), |instance| instance.to_string());
        format!("{LAYOUT} {} {instance} {}\n", self.scenario.id, self.run)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        let (layout, id) = (words.next()?, words.next()?);
        let (instance, run) = (words.next()?, words.next()?);
        let whole = layout == LAYOUT && !run.is_empty() && words.next().is_none();
        let scenario = Scenario::find(id).filter(|_| whole)?;
        let instance = match instance {
            NO_INSTANCE => None,
            number => Some(number.parse().ok()?),
        };
        Some(Self { scenario, instance, run: run.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_and_anything_else_is_none() {
        let scenario = Scenario::find("tls/joined").expect("a scenario");
        for instance in [None, Some("7".parse().expect("a number"))] {
            let stamp = Stamp::new(scenario, instance).expect("random numbers");
            assert_eq!(Stamp::parse(&stamp.text()), Some(stamp));
        }
        for (case, text) in [
            ("empty", ""),
            ("cut off", "2 tls/joined - 7"),
            ("without a number", "2 tls/joined - \n"),
            ("another layout", "1 tls/joined - 7\n"),
            ("no scenario", "2 tls/nothing - 7\n"),
            ("no instance", "2 tls/joined 0 7\n"),
            ("more", "2 tls/joined - 7 8\n"),
        ] {
            assert_eq!(Stamp::parse(text), None, "{case}");
        }
    }

    #[test]
    fn two_setups_of_one_scenario_have_two_stamps() {
        let scenario = Scenario::find("tls/joined").expect("a scenario");
        assert_ne!(Stamp::new(scenario, None).expect("one"), Stamp::new(scenario, None).expect("another"));
    }
}
