//! What a demo says once the outcome is there: how it came out, both tables, the alarms, and where to go from here.

use std::fmt::Write as _;
use std::time::Duration;

use ils_core::outcome::Outcome::Joined;
use ils_faces::Calls;
use serde_json::Value;

use super::story::Story;
use crate::clock::{Deadline, glance, in_words};
use crate::clusters::{self, TITLE};
use crate::error::LabError;
use crate::process::Side;
use crate::scenario::{Judged, Pair, Stage, advice};
use crate::style::{Paint, Style, columns};

/// How long the tables may take to say `Up to date` after a join; then they are shown as they are.
const UP_TO_DATE_WITHIN: Duration = Duration::from_secs(3);

/// The end of a demo.
pub(super) struct Closing<'a> {
    pub(super) stage: &'a Stage<'a>,
    pub(super) pair: &'a Pair,
    pub(super) judged: &'a Judged,
    /// Do the nodes go on running?
    pub(super) stays: bool,
    /// Is the folder removed afterwards?
    pub(super) temporary: bool,
}

impl Closing<'_> {
    /// Tells it all.
    ///
    /// # Errors
    /// A node whose API does not answer; a screen that is gone.
    pub(super) fn tell(&self, story: &mut Story<'_>) -> Result<(), LabError> {
        if Side::BOTH.into_iter().all(|side| self.judged.side(side).seen == Some(Joined)) {
            self.wait_until_up_to_date(story)?;
        }
        let verdict = verdict(self.judged, story.style());
        story.say(&format!("\n── {verdict}"))?;
        story.say(&self.tables()?)?;
        story.say(&format!("\nAlarms that stand\n{}", self.alarms()?))?;
        if let Some(lesson) = self.lesson() {
            story.say(&format!("\n{lesson}"))?;
        }
        if !self.temporary || self.stays {
            story.say(&format!("\n{}", self.places()))?;
        }
        if self.stays {
            story.say(&format!("\n{}", self.farewell()))?;
        }
        Ok(())
    }

    /// Whether both nodes are joined now; one that does not answer is not.
    pub(super) fn have_joined(&self) -> bool {
        Side::BOTH.into_iter().all(|side| self.pair.client(side).is_joined().unwrap_or(false))
    }

    /// A join after the end was told: that it is there, and what the page shows now.
    ///
    /// # Errors
    /// As [`Closing::tell`].
    pub(super) fn tell_join(&self, story: &mut Story<'_>) -> Result<(), LabError> {
        self.wait_until_up_to_date(story)?;
        let tables = self.tables()?;
        let joined = story.style().paint(Paint::Good, "joined now");
        story.say(&format!("\n── {joined}\n{tables}"))
    }

    fn tables(&self) -> Result<String, LabError> {
        let table = |side: Side| {
            let status = self.pair.client(side).status().map_err(LabError::api(side))?;
            let table = clusters::fitted(&status, columns());
            Ok(format!("\n{TITLE}, on the {side}\n{}", table.trim_end()))
        };
        Ok(Side::BOTH.map(table).into_iter().collect::<Result<Vec<_>, LabError>>()?.join("\n"))
    }

    /// The join comes a moment before the first synchronisation has ended.
    fn wait_until_up_to_date(&self, story: &mut Story<'_>) -> Result<(), LabError> {
        let deadline = Deadline::within(UP_TO_DATE_WITHIN * self.stage.settings.patience);
        while !deadline.has_passed() {
            let statuses =
                Side::BOTH.map(|side| self.pair.client(side).status().map_err(LabError::api(side)));
            let [hub, spoke] = statuses;
            if [hub?, spoke?].iter().all(is_up_to_date) {
                break;
            }
            story.go_on()?;
            glance();
        }
        story.finish()
    }

    fn alarms(&self) -> Result<String, LabError> {
        let mut lines = Vec::new();
        for side in Side::BOTH {
            let answer = self.pair.client(side).alarms().map_err(LabError::api(side))?;
            let standing = answer.get("alarms").and_then(Value::as_array).cloned().unwrap_or_default();
            lines.extend(
                standing.iter().map(|alarm| format!("  {side:<5}  {}", text_of(alarm, "text").trim_end())),
            );
            if standing.is_empty() {
                lines.push(format!("  {side:<5}  none"));
            }
        }
        Ok(lines.join("\n"))
    }

    /// What the fault teaches; where it came out otherwise, what that means.
    fn lesson(&self) -> Option<String> {
        if !self.judged.as_expected {
            return Some(format!("Not as documented\n{}", advice(self.judged).trim_end()));
        }
        let lesson = self.stage.scenario.lesson?;
        // Without running nodes there is nothing to mend.
        let (next, repair) = match self.stays {
            true => (self.called(lesson.next), self.stage.repair_commands()),
            false => (self.stage.scenario.demo_command(), Vec::new()),
        };
        let repair: String = repair.iter().map(|command| format!("\n             {command}")).collect();
        Some(format!(
            "Why it does not join\n    cause  {}\n    cure   {}{repair}\n    next   {next}",
            lesson.cause, lesson.cure
        ))
    }

    /// A command with the nodes called as this pair's are.
    fn called(&self, command: &str) -> String {
        let node = |word| Side::BOTH.into_iter().find(|side| side.name() == word);
        let words = command.split(' ').map(|word| match node(word) {
            Some(side) => self.stage.node(side).to_string(),
            None => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn places(&self) -> String {
        let mut text = String::from("Where things are");
        for side in Side::BOTH {
            let rows = [
                ("trace", self.stage.trace(side).display().to_string()),
                ("alarms", self.stage.alarms(side).display().to_string()),
                ("API", format!("{}/api/v1/status", self.pair.daemon(side).url())),
            ];
            for (name, place) in rows.iter().filter(|(name, _)| self.stays || *name != "API") {
                // Writing to a String cannot fail.
                let _ = write!(text, "\n  {side:<5}  {name:<6}  {place}");
            }
        }
        text
    }

    fn farewell(&self) -> String {
        let file = self.stage.admin_password();
        let password = std::fs::read_to_string(&file).unwrap_or_default();
        let fate = if self.temporary {
            "their folder goes with them; --data-dir DIR keeps it"
        } else {
            "their folder stays"
        };
        let [hub, spoke] = Side::BOTH.map(|side| self.stage.node(side));
        format!(
            "Log in to both APIs as administrator, password {password}\n  which is also in {}\n\n\
             Try in another terminal\n  \
             ilslab admin {hub} run sql 'select * from remotecluster'\n  \
             ilslab admin {spoke} utils ils showpeerinfo\n  \
             ilslab status {hub}\n  \
             ilslab alarms {hub}\n  \
             curl -u administrator:{password} {}/api/v1/connections\n\n\
             Both nodes run until Ctrl-C; {fate}.",
            file.display(),
            self.pair.daemon(Side::Hub).url(),
        )
    }
}

fn verdict(judged: &Judged, style: Style) -> String {
    let took = in_words(judged.took);
    let sides = Side::BOTH.map(|side| {
        let seen = judged.side(side).seen.map_or_else(|| "no outcome".to_owned(), |seen| seen.to_string());
        format!("{side} {seen}")
    });
    let sides = sides.join(", ");
    match (judged.as_expected, judged.hub.wanted == Joined) {
        (true, true) => style.paint(Paint::Good, &format!("joined in {took}")),
        (true, false) => {
            style.paint(Paint::Good, &format!("not joined, as this fault is to show, after {took}: {sides}"))
        }
        (false, _) => style.paint(Paint::Bad, &format!("not as documented after {took}: {sides}")),
    }
}

/// Every cluster of the table.
fn is_up_to_date(status: &Value) -> bool {
    let rows = status.get("clusters").and_then(Value::as_array);
    rows.is_some_and(|rows| rows.len() > 1 && rows.iter().all(|row| text_of(row, "status") == "Up to date"))
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ils_core::outcome::Outcome;
    use serde_json::json;

    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn the_verdict_says_whether_it_came_out_as_documented() {
        let closed = Some(Outcome::Closed);
        for (id, hub, spoke, want) in [
            ("password/joined", Some(Joined), Some(Joined), "joined in 0.42 s"),
            (
                "password/mismatch",
                Some(Outcome::PasswordMismatch),
                closed,
                "not joined, as this fault is to show, after 0.42 s: hub password-mismatch, spoke closed",
            ),
            ("password/joined", closed, None, "not as documented after 0.42 s: hub closed, spoke no outcome"),
            (
                "password/mismatch",
                Some(Joined),
                Some(Joined),
                "not as documented after 0.42 s: hub joined, spoke joined",
            ),
        ] {
            let scenario = Scenario::find(id).expect("a scenario");
            let judged = Judged::new(scenario, hub, spoke, Duration::from_millis(420));
            assert_eq!(verdict(&judged, Style::PLAIN), want, "{id}");
        }
    }

    #[test]
    fn a_table_is_up_to_date_once_every_cluster_is() {
        let table = |rows: &[&str]| {
            let rows: Vec<Value> = rows.iter().map(|status| json!({"status": status})).collect();
            json!({"clusters": rows})
        };
        for (case, status, want) in [
            ("both", table(&["Up to date", "Up to date"]), true),
            ("one is not", table(&["Up to date", "Synchronizing"]), false),
            ("alone", table(&["Up to date"]), false),
            ("no table", json!({}), false),
        ] {
            assert_eq!(is_up_to_date(&status), want, "{case}");
        }
    }
}
