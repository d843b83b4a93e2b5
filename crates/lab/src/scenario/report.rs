//! What is printed of scenarios: lines for people. JSON is the values themselves.

use super::catalogue::{CATALOGUE, Carried, Equipment, Scenario, Trusted};
use super::judge::{Judged, JudgedSide};
use super::remedy::remedy;
use crate::clock::in_words;
use crate::process::Side;
use crate::style::{Paint, Style};

/// The widest ID.
fn id_width() -> usize {
    CATALOGUE.iter().map(|scenario| scenario.id.len()).max().unwrap_or(0)
}

/// `scenario list`.
pub(super) fn list() -> String {
    let width = id_width();
    CATALOGUE.iter().map(|scenario| format!("{:<width$}  {}\n", scenario.id, scenario.title)).collect()
}

/// `scenario show ID`.
pub(super) fn show(scenario: &Scenario) -> String {
    let mut rows = vec![
        ("what happens", scenario.title.to_owned()),
        ("method", format!("{}: {}", scenario.method, scenario.method.summary())),
        ("the hub", equipment(scenario.hub)),
        ("the spoke", equipment(scenario.spoke)),
        ("passwords", passwords(scenario).to_owned()),
        ("outcome", format!("hub {}, spoke {}", scenario.wanted.hub, scenario.wanted.spoke)),
    ];
    if let Some(lesson) = scenario.lesson {
        rows.push(("cause", lesson.cause.to_owned()));
        rows.push(("cure", lesson.cure.to_owned()));
        rows.push(("repair it", "while the demo runs, with the commands that it shows".to_owned()));
    }
    rows.push(("judge it", format!("ilslab scenario run {}", scenario.id)));
    rows.push(("see it live", scenario.demo_command()));
    let lines: String = rows.iter().map(|(name, text)| format!("  {name:<12}  {text}\n")).collect();
    format!("{}\n{lines}", scenario.id)
}

fn equipment(equipment: Equipment) -> String {
    let carried = match equipment.carried {
        Carried::Nothing => return "no certificate".to_owned(),
        Carried::CaSigned => "carries a certificate of the lab CA",
        Carried::SelfSigned => "carries a self-signed certificate",
    };
    let trusted = match equipment.trusted {
        [] => "nothing",
        [Trusted::Root] => "the lab CA's root",
        [Trusted::OtherSide] => "the other side's certificate",
        _ => "the lab CA's root and the other side's certificate",
    };
    format!("{carried}; in its tomcat-trust: {trusted}")
}

fn passwords(scenario: &Scenario) -> &'static str {
    match (scenario.method.boxes().password, scenario.same_password) {
        (false, _) => "none",
        (true, true) => "the same on both",
        (true, false) => "different",
    }
}

/// One line of `scenario run`; for a result that is not as wanted, cause, cure and the next command below it.
pub(super) fn result(judged: &Judged, style: Style) -> String {
    let width = id_width();
    let took = in_words(judged.took);
    if judged.as_expected {
        let mark = style.paint(Paint::Good, "✓");
        let (hub, spoke) = (judged.hub.wanted, judged.spoke.wanted);
        return format!("{mark} {:<width$}  as expected in {took}: hub {hub}, spoke {spoke}\n", judged.id);
    }
    let mark = style.paint(Paint::Bad, "✗");
    let head = if judged.has_timed_out() { "no outcome in" } else { "differs after" };
    let sides = Side::BOTH.map(|side| format!("{side} {}", held_against(judged.side(side)))).join("; ");
    let line = format!("{mark} {:<width$}  {head} {took}: {sides}\n", judged.id);
    line + &advice(judged)
}

fn held_against(side: JudgedSide) -> String {
    match side.seen {
        Some(seen) if side.is_as_wanted() => format!("{seen} as wanted"),
        Some(seen) => format!("{seen}, wanted {}", side.wanted),
        None => format!("nothing, wanted {}", side.wanted),
    }
}

/// Three lines: what went wrong, what helps, what to try.
pub(crate) fn advice(judged: &Judged) -> String {
    // The side that noticed something tells more than the one that was left.
    let odd = Side::BOTH.map(|side| judged.side(side)).into_iter().filter(|side| !side.is_as_wanted());
    let seen = odd.filter_map(|side| side.seen).max_by_key(|outcome| remedy(*outcome).1 != LOOK_AT_THE_OTHER);
    let (cause, cure) =
        seen.map_or(("no attempt came to an end in time", "see whether the machine is overloaded"), remedy);
    let next = format!(
        "ilslab scenario run {} --keep kept, then read kept/{}/*/activelog/cm/trace/ils/sdl/*",
        judged.id, judged.id
    );
    format!("    cause  {cause}\n    cure   {cure}\n    next   {next}\n")
}

/// What is advised to a side that was only left.
const LOOK_AT_THE_OTHER: &str = "look at the other side's trace";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ils_core::outcome::Outcome;
    use pretty_assertions::assert_eq;

    use super::*;

    fn judged(id: &str, hub: Option<Outcome>, spoke: Option<Outcome>) -> Judged {
        let scenario = Scenario::find(id).expect("a scenario");
        Judged::new(scenario, hub, spoke, Duration::from_millis(420))
    }

    #[test]
    fn a_result_as_expected_is_one_line() {
        let result = result(
            &judged("password/mismatch", Some(Outcome::PasswordMismatch), Some(Outcome::Closed)),
            Style::PLAIN,
        );
        assert_eq!(
            result,
            "✓ password/mismatch                    as expected in 0.42 s: hub password-mismatch, spoke closed\n"
        );
    }

    #[test]
    fn a_result_that_differs_ends_in_cause_cure_and_next() {
        let differs = judged("password/joined", Some(Outcome::PasswordMismatch), Some(Outcome::Closed));
        assert_eq!(
            result(&differs, Style::PLAIN),
            "✗ password/joined                      differs after 0.42 s: hub password-mismatch, wanted joined; spoke closed, wanted joined\n    \
             cause  the passwords differ\n    \
             cure   enter the same password on both nodes\n    \
             next   ilslab scenario run password/joined --keep kept, then read kept/password/joined/*/activelog/cm/trace/ils/sdl/*\n"
        );
        let late = result(&judged("password/joined", Some(Outcome::Joined), None), Style::PLAIN);
        assert!(
            late.contains("no outcome in 0.42 s: hub joined as wanted; spoke nothing, wanted joined"),
            "{late}"
        );
        assert!(late.contains("cause  no attempt came to an end in time"), "{late}");
    }

    #[test]
    fn the_list_names_every_scenario() {
        assert_eq!(list().lines().count(), CATALOGUE.len());
        for (scenario, line) in CATALOGUE.iter().zip(list().lines().map(str::to_owned).collect::<Vec<_>>()) {
            assert!(line.starts_with(scenario.id) && line.ends_with(scenario.title), "{line}");
        }
    }

    #[test]
    fn a_scenario_is_shown_with_what_it_takes_and_how_to_run_it() {
        let scenario = Scenario::find("tls/spoke-not-imported").expect("a scenario");
        assert_eq!(
            show(scenario),
            "tls/spoke-not-imported
  what happens  The spoke's CA-signed certificate verifies, but the hub has neither imported it nor knows its FQDN
  method        tls: TLS on port 7501, each side's certificate in the other's tomcat-trust
  the hub       carries a self-signed certificate; in its tomcat-trust: the lab CA's root
  the spoke     carries a certificate of the lab CA; in its tomcat-trust: the other side's certificate
  passwords     none
  outcome       hub certificate-not-known, spoke closed
  cause         the spoke's certificate is not in the hub's tomcat-trust and its FQDN not in the PeerInfoVector
  cure          import the spoke's tomcat certificate into the hub's tomcat-trust, or join by password first (method 4)
  repair it     while the demo runs, with the commands that it shows
  judge it      ilslab scenario run tls/spoke-not-imported
  see it live   ilslab demo --method tls --fault spoke-not-imported
"
        );
    }
}
