//! Whom this node dials: one dialler a target, from wherever the targets come.
//!
//! ```text
//! targets -> keep -> a new one: dial, in a part of the era -> it is no target any more: Bye, and the end of that part
//!                    one that is dialled already: left in peace
//! ```

use std::collections::{BTreeMap, BTreeSet};

use ils_core::config::Registration;
use ils_wire::Reason;

use crate::dial::dial;
use crate::era::{Era, PartEnd};

/// The diallers of one era. All of them end with it, also where this is dropped before.
pub(crate) struct Diallers {
    era: Era,
    running: BTreeMap<Registration, PartEnd>,
}

impl Diallers {
    /// None yet.
    pub(crate) fn new(era: Era) -> Self {
        Self { era, running: BTreeMap::new() }
    }

    /// Dials these targets and no others; those that were targets until now are told this reason.
    pub(crate) fn keep(&mut self, targets: BTreeSet<Registration>, reason: Reason) {
        for (_, part) in self.running.extract_if(.., |target, _| !targets.contains(target)) {
            part.finish(reason);
        }
        for target in targets {
            let era = &self.era;
            self.running.entry(target.clone()).or_insert_with(|| begin(era, target));
        }
    }
}

fn begin(era: &Era, target: Registration) -> PartEnd {
    let (era, end) = era.part();
    tokio::spawn(dial(era, target));
    end
}

#[cfg(test)]
#[path = "diallers_tests.rs"]
mod tests;
