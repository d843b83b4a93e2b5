//! What is done with a pair once it runs: waited for, changed where the method says so, and judged.
//!
//! ```text
//! methods 1 to 3:  start ------------------------------------------------> first attempt of each side
//! method 4:        start -> joined by password -> PATCH one -> PATCH other -> first attempt since, of each side
//! ```

use std::time::Duration;

use ils_core::outcome::Outcome;
use ils_faces::Calls;
use serde_json::{Map, Value};

use super::catalogue::Scenario;
use super::judge::{Connections, Judged, Since};
use super::stage::{Pair, Stage};
use crate::clock::{Deadline, glance};
use crate::error::LabError;
use crate::process::Side;

/// How long a scenario may take, from the start of the first daemon; times `--patience`.
pub(crate) const JUDGED_WITHIN: Duration = Duration::from_secs(30);

/// Who watches while a scenario is performed.
pub(crate) trait Audience {
    /// Something happens that no trace says: in words.
    fn hear(&mut self, words: &str) -> Result<(), LabError>;

    /// Called again and again while something is waited for.
    ///
    /// # Errors
    /// [`LabError::Interrupted`] ends the performance.
    fn look(&mut self) -> Result<(), LabError>;
}

/// Starts both daemons, goes through the method and judges. Both still run afterwards; on an error both are gone.
///
/// # Errors
/// A daemon that does not start or stay, or whose API does not answer; an outcome is no error, nor is its absence.
pub(crate) fn perform(stage: &Stage<'_>, audience: &mut dyn Audience) -> Result<(Pair, Judged), LabError> {
    let deadline = Deadline::within(JUDGED_WITHIN * stage.settings.patience);
    let pair = stage.raise()?;
    let mut play = Play { scenario: stage.scenario, pair, audience, deadline };
    match play.run(stage.settings.spoke_first) {
        Ok([hub, spoke]) => {
            let judged = Judged::new(stage.scenario, hub, spoke, deadline.elapsed());
            Ok((play.pair, judged))
        }
        Err(error) => {
            play.pair.stop();
            Err(error)
        }
    }
}

/// What was seen on the hub, and on the spoke.
type Seen = [Option<Outcome>; 2];

struct Play<'a> {
    scenario: &'static Scenario,
    pair: Pair,
    audience: &'a mut dyn Audience,
    deadline: Deadline,
}

impl Play<'_> {
    fn run(&mut self, spoke_first: bool) -> Result<Seen, LabError> {
        if !self.scenario.method.switches() {
            return self.wait([Since::default(); 2]);
        }
        match self.switch(spoke_first)? {
            Some(since) => self.wait(since),
            None => Ok([None, None]),
        }
    }

    /// Method 4's second half. Nothing where the first half did not join in time.
    fn switch(&mut self, spoke_first: bool) -> Result<Option<[Since; 2]>, LabError> {
        if !self.wait_for_join()? {
            return Ok(None);
        }
        let order = if spoke_first { [Side::Spoke, Side::Hub] } else { Side::BOTH };
        let [first, second] = order;
        self.audience.hear(&format!(
            "both have joined by password; now both are switched to TLS: {first} first, then {second}"
        ))?;
        let changed_first = self.change(first)?;
        let changed_second = self.change(second)?;
        // Whoever changed first may have been refused until the other had changed too.
        let first_since =
            Since { revision: changed_first, refusals_until: self.connections(first)?.latest() };
        let second_since = Since { revision: changed_second, refusals_until: 0 };
        Ok(Some(if spoke_first { [second_since, first_since] } else { [first_since, second_since] }))
    }

    fn wait_for_join(&mut self) -> Result<bool, LabError> {
        loop {
            let joined =
                self.connections(Side::Hub)?.have_joined() && self.connections(Side::Spoke)?.have_joined();
            if joined || self.deadline.has_passed() {
                return Ok(joined);
            }
            self.pause()?;
        }
    }

    /// The change of the ILS Configuration page; answers the revision that it made, once it is in force.
    fn change(&mut self, side: Side) -> Result<u64, LabError> {
        self.audience.hear(&format!("the {side} is switched: Use TLS Certificates on, Use Password off"))?;
        let boxes = [("use_tls", true), ("use_password", false)];
        let patch: Map<_, _> =
            boxes.map(|(name, ticked)| (name.to_owned(), Value::Bool(ticked))).into_iter().collect();
        let config = self.pair.client(side).patch(&patch).map_err(LabError::api(side))?;
        config.get("revision").and_then(Value::as_u64).ok_or_else(|| LabError::Answer {
            side,
            why: "the changed configuration has no revision".to_owned(),
        })
    }

    /// Waits until both sides have an outcome, or time is up.
    fn wait(&mut self, since: [Since; 2]) -> Result<Seen, LabError> {
        let mut seen = Seen::default();
        loop {
            for ((side, since), outcome) in Side::BOTH.into_iter().zip(since).zip(&mut seen) {
                if outcome.is_none() {
                    *outcome = self.connections(side)?.seen(since);
                }
            }
            if seen.iter().all(Option::is_some) || self.deadline.has_passed() {
                return Ok(seen);
            }
            self.pause()?;
        }
    }

    fn connections(&self, side: Side) -> Result<Connections, LabError> {
        let answer = self.pair.client(side).connections().map_err(LabError::api(side))?;
        Connections::read(answer).map_err(|error| LabError::Answer {
            side,
            why: format!("connections of {}: {error}", self.scenario.id),
        })
    }

    fn pause(&mut self) -> Result<(), LabError> {
        // First the audience: an interrupt ends the daemons too, and is not their failure.
        self.audience.look()?;
        self.pair.check()?;
        glance();
        self.audience.look()
    }
}
