//! `ilslab scenario`: the options, the runs, and what is printed.
//!
//! select -> keys, once -> two workers -> Judged, as they come -> lines | one JSON array -> exit code

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use clap::{Args, Subcommand};
use ilslab_trace::console;
use serde::Serialize;

use super::catalogue::{CATALOGUE, Scenario};
use super::credentials::Credentials;
use super::dice::Dice;
use super::judge::Judged;
use super::play::{Audience, perform};
use super::report;
use super::stage::{PairArgs, PortChoice, Settings, Stage};
use crate::clock::wall;
use crate::error::LabError;
use crate::folder::{Grounds, SCENARIO_MARK};
use crate::interrupt::Interrupt;
use crate::process::Program;
use crate::style::Style;

/// Scenarios that run at once: nodes wait most of the time, so two do not slow each other down.
const WORKERS: usize = 2;

/// A spoke of a scenario dials again soon: nobody is to wait for it.
const RETRY_INITIAL: &str = "250ms";

/// `ilslab scenario …`
#[derive(Debug, Clone, Args)]
#[command(about = "Run the documented outcomes against two real daemons, and judge them")]
#[command(after_help = "Example:\n  ilslab scenario run --all --json")]
pub struct ScenarioArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ScenarioCommand,
}

/// The commands of `ilslab scenario`.
#[derive(Debug, Clone, Subcommand)]
pub enum ScenarioCommand {
    /// List the scenarios
    #[command(after_help = "Example:\n  ilslab scenario list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a scenario takes, what is to be seen, and why
    #[command(after_help = "Example:\n  ilslab scenario show tls/hub-not-imported")]
    Show {
        /// The scenario
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run scenarios and judge them
    #[command(after_help = "\
Examples:
  ilslab scenario run tls-password/spoke-self-signed
  ilslab scenario run --all --json
  ilslab scenario run password/mismatch --keep kept

Exit codes: 0 all as expected, 1 an outcome differs, 2 no such scenario,
3 usage, 4 environment, 5 timeout, 70 a bug.")]
    Run(RunArgs),
}

/// `ilslab scenario run …`
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The scenarios, in the order in which they are to run
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    pub ids: Vec<String>,
    /// Run all, in an order that the seed decides
    #[arg(long)]
    pub all: bool,
    /// Print one JSON array on stdout, and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Leave the data folders of both nodes in DIR/ID/hub and DIR/ID/spoke
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Decides the order of --all and the passwords [default: another one each time, told on stderr]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What both nodes are given.
    #[command(flatten)]
    pub pair: PairArgs,
    /// Method 4: change the spoke first
    #[arg(long, hide = true)]
    pub spoke_first: bool,
}

/// Runs `ilslab scenario` with the executable that runs now; answers the exit code.
pub fn run_scenario(args: &ScenarioArgs) -> u8 {
    let style = Style::of_stdout();
    let program =
        Program::current().map_err(|source| LabError::System { doing: "find this executable", source });
    match program {
        Ok(program) => run(args, &program, &mut console::stdout(), &mut console::stderr(), style),
        Err(error) => failed(&error, &mut console::stderr()),
    }
}

/// Runs `ilslab scenario`: results go to `out`, progress and errors to `err`. Answers the exit code.
pub fn run(
    args: &ScenarioArgs, program: &Program, out: &mut dyn Write, err: &mut dyn Write, style: Style,
) -> u8 {
    let result = match &args.command {
        ScenarioCommand::List { json: true } => as_json(CATALOGUE, out).map(|()| 0),
        ScenarioCommand::List { json: false } => print(&report::list(), out).map(|()| 0),
        ScenarioCommand::Show { id, json } => show(id, *json, out),
        ScenarioCommand::Run(args) => Run { args, program, style }.all(out, err),
    };
    result.unwrap_or_else(|error| failed(&error, err))
}

fn failed(error: &LabError, err: &mut dyn Write) -> u8 {
    // Without a stderr there is still the exit code.
    let _ = writeln!(err, "failed to run the scenario: {error}");
    error.exit_code()
}

fn show(id: &str, json: bool, out: &mut dyn Write) -> Result<u8, LabError> {
    let scenario = find(id)?;
    if json {
        as_json(scenario, out)?;
    } else {
        print(&report::show(scenario), out)?;
    }
    Ok(0)
}

fn find(id: &str) -> Result<&'static Scenario, LabError> {
    let distance = |scenario: &&Scenario| strsim::damerau_levenshtein(id, scenario.id);
    Scenario::find(id).ok_or_else(|| LabError::NoSuchScenario {
        id: id.to_owned(),
        nearest: CATALOGUE.iter().min_by_key(distance).map_or("", |scenario| scenario.id),
    })
}

fn print(text: &str, out: &mut dyn Write) -> Result<(), LabError> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(LabError::Report)
}

fn as_json(value: &(impl Serialize + ?Sized), out: &mut dyn Write) -> Result<(), LabError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| LabError::Report(error.into()))?;
    print(&format!("{text}\n"), out)
}

/// How one scenario went.
type Ran = (&'static Scenario, Result<Judged, LabError>);

/// One `ilslab scenario run`.
struct Run<'a> {
    args: &'a RunArgs,
    program: &'a Program,
    style: Style,
}

impl Run<'_> {
    fn all(&self, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, LabError> {
        let asked = self.asked()?;
        let mut dice = self.dice()?;
        let settings = self.settings(&dice);
        let mut order = asked.clone();
        if self.args.all {
            dice.shuffle(&mut order);
        }
        // Progress that cannot be shown is no reason to fail.
        let mut tell = |line: &str| drop(writeln!(err, "{line}"));
        tell(&format!("scenarios: {}, seed: {dice}", order.len()));
        let interrupt =
            Interrupt::watch().map_err(|source| LabError::System { doing: "catch signals", source })?;
        let credentials = Credentials::make(asked.iter().copied(), self.args.pair.key, wall(), &mut tell)?;
        let mut results = Vec::new();
        let work = Work { run: self, settings, credentials, interrupt, queue: Mutex::new(order.into_iter()) };
        work.on_threads(|ran| {
            // What an interrupt broke off has not failed.
            if !(ran.1.is_err() && work.interrupt.has_come()) {
                results.push(self.told(ran, out, err)?);
            }
            Ok(())
        })?;
        if work.interrupt.has_come() {
            return Err(LabError::Interrupted);
        }
        self.conclude(&asked, results, out)
    }

    fn dice(&self) -> Result<Dice, LabError> {
        match self.args.seed {
            Some(seed) => Ok(Dice::seeded(seed)),
            None => Dice::random().map_err(LabError::Random),
        }
    }

    /// Each once, in the order given.
    fn asked(&self) -> Result<Vec<&'static Scenario>, LabError> {
        if self.args.all {
            return Ok(CATALOGUE.iter().collect());
        }
        let mut asked: Vec<&Scenario> = Vec::new();
        for id in &self.args.ids {
            let scenario = find(id)?;
            if !asked.contains(&scenario) {
                asked.push(scenario);
            }
        }
        Ok(asked)
    }

    fn settings(&self, dice: &Dice) -> Settings {
        Settings {
            tls_version: self.args.pair.tls_version,
            ports: PortChoice::Any,
            spoke_first: self.args.spoke_first,
            retry_initial: Some(RETRY_INITIAL),
            patience: self.args.pair.patience,
            dice: dice.clone(),
        }
    }

    /// Prints a result as it comes; a scenario that could not be run counts as one without an outcome.
    fn told(
        &self, (scenario, ran): Ran, out: &mut dyn Write, err: &mut dyn Write,
    ) -> Result<(Judged, u8), LabError> {
        let (judged, code) = match ran {
            Ok(judged) => {
                let code = judged.exit_code();
                (judged, code)
            }
            Err(error) => {
                let _ = writeln!(err, "failed to run {}: {error}", scenario.id);
                (Judged::new(scenario, None, None, std::time::Duration::ZERO), error.exit_code())
            }
        };
        let line = report::result(&judged, self.style);
        if self.args.json {
            let _ = err.write_all(line.as_bytes());
        } else {
            print(&line, out)?;
        }
        Ok((judged, code))
    }

    fn conclude(
        &self, asked: &[&Scenario], results: Vec<(Judged, u8)>, out: &mut dyn Write,
    ) -> Result<u8, LabError> {
        let code = results.iter().map(|(_, code)| *code).max().unwrap_or(0);
        if self.args.json {
            let of = |scenario: &&Scenario| results.iter().find(|(judged, _)| judged.id == scenario.id);
            let sorted: Vec<&Judged> = asked.iter().filter_map(of).map(|(judged, _)| judged).collect();
            as_json(&sorted, out)?;
        }
        Ok(code)
    }
}

/// What the workers share.
struct Work<'a> {
    run: &'a Run<'a>,
    settings: Settings,
    credentials: Credentials,
    interrupt: Interrupt,
    queue: Mutex<std::vec::IntoIter<&'static Scenario>>,
}

impl Work<'_> {
    /// Runs the queue on [`WORKERS`] threads; `each` hears of every result on this one.
    fn on_threads(&self, mut each: impl FnMut(Ran) -> Result<(), LabError>) -> Result<(), LabError> {
        let (done, results) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..WORKERS {
                let done = done.clone();
                scope.spawn(move || {
                    while let Some(scenario) = self.next() {
                        if done.send((scenario, self.one(scenario))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(done);
            // Dropping the receiver on an error lets the workers end with what they are at.
            results.into_iter().try_for_each(&mut each)
        })
    }

    fn next(&self) -> Option<&'static Scenario> {
        if self.interrupt.has_come() {
            return None;
        }
        // A worker that panicked left the queue whole: taking an item cannot fail half way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).next()
    }

    fn one(&self, scenario: &'static Scenario) -> Result<Judged, LabError> {
        let grounds = match &self.run.args.keep {
            Some(dir) => Grounds::at(&dir.join(scenario.id), SCENARIO_MARK)?,
            None => Grounds::temporary()?,
        };
        let stage = Stage {
            program: self.run.program,
            scenario,
            credentials: &self.credentials,
            settings: &self.settings,
            dir: grounds.path(),
        };
        let (pair, judged) = perform(&stage, &mut Impatient(&self.interrupt))?;
        pair.stop();
        Ok(judged)
    }
}

/// Hears nothing, and leaves at Ctrl-C.
struct Impatient<'a>(&'a Interrupt);

impl Audience for Impatient<'_> {
    fn hear(&mut self, _words: &str) -> Result<(), LabError> {
        Ok(())
    }

    fn look(&mut self) -> Result<(), LabError> {
        if self.0.has_come() { Err(LabError::Interrupted) } else { Ok(()) }
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
