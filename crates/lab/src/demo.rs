//! `ilslab demo`: a hub and a spoke on loopback that join, or fail to, before your eyes.
//!
//! ```text
//! DemoArgs -> ports free? -> folder, certificates -> scenario::perform -> closing: tables, alarms, what to try
//!                                                        |                  '-> stays until Ctrl-C
//!             both trace files -> merge -> step (in words) -> Story -> stdout;  what is repeated -> repeats: counted
//! ```

mod closing;
mod merge;
mod repeats;
mod step;
mod story;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use clap::Args;
use ilslab_trace::console;

use crate::clock::{glance, wall};
use crate::error::LabError;
use crate::folder::{DEMO_MARK, Grounds};
use crate::handoff::{self, Handoff, Left};
use crate::instance::{Instance, NodeName};
use crate::interrupt::Interrupt;
use crate::process::{Program, Side};
use crate::scenario::{
    Audience, Credentials, Dice, Judged, Method, PASSWORD_PORT, Pair, PairArgs, PortChoice, Scenario,
    Settings, Stage, TLS_PORT, perform,
};
use crate::style::Style;
use closing::Closing;
use story::Story;

/// `ilslab demo …`
#[derive(Debug, Clone, Args)]
#[command(
    about = "Start a hub and a spoke on loopback, and watch them join",
    after_help = "\
Examples:
  ilslab demo
  ilslab demo --method tls-password --fault spoke-self-signed
  ilslab demo --method password-then-tls --data-dir demo
  ilslab demo --once --json
  ilslab demo --instance 7          beside others, as hub@7 and spoke@7

The nodes take the ports 7501, 7502, 8080 and 8081, and stay until Ctrl-C.
Other terminals reach them as `hub` and `spoke`: `ilslab alarms hub`.
`ilslab scenario list` shows every fault.

Exit codes: 0 as expected, 1 another outcome, 3 usage,
4 a port taken or a folder not usable, 5 timeout, 70 a bug."
)]
pub struct DemoArgs {
    /// How the two authenticate
    #[arg(long, value_enum, default_value_t)]
    pub method: Method,
    /// What is wrong, as in the scenario METHOD/FAULT [default: nothing, they join]
    #[arg(long, value_name = "FAULT", default_value = "", hide_default_value = true)]
    pub fault: String,
    /// End at the outcome, or after 30 s (times --patience)
    #[arg(long)]
    pub once: bool,
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long, requires = "once")]
    pub json: bool,
    /// Put everything here and leave it: new, empty, or of an earlier demo, which is emptied [default: a temporary
    /// folder that goes with the demo]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// What both nodes are given.
    #[command(flatten)]
    pub pair: PairArgs,
    /// The number of this pair, 1 to 254, where several run side by side: its hub is on 127.1.N.1, its spoke on
    /// 127.1.N.2, and other terminals reach them as hub@N and spoke@N
    #[arg(long, value_name = "N", env = "ILS_INSTANCE")]
    pub instance: Option<Instance>,
    /// Take any free ports instead of the default ones
    #[arg(long, hide = true, conflicts_with = "instance")]
    pub any_port: bool,
}

/// Runs `ilslab demo` with the executable that runs now; answers the exit code.
pub fn run_demo(args: &DemoArgs) -> u8 {
    let program =
        Program::current().map_err(|source| LabError::System { doing: "find this executable", source });
    match program {
        Ok(program) => {
            run(args, &program, &mut console::stdout(), &mut console::stderr(), Style::of_stdout())
        }
        Err(error) => failed(&error, &mut console::stderr()),
    }
}

/// Runs `ilslab demo`: the story and the result go to `out`, progress and errors to `err`. Answers the exit code.
pub fn run(args: &DemoArgs, program: &Program, out: &mut dyn Write, err: &mut dyn Write, style: Style) -> u8 {
    match show(args, program, out, err, style) {
        Ok(code) => code,
        // Whoever ends a demo that would have stayed has seen enough of it.
        Err(LabError::Interrupted) if !args.once => 0,
        Err(error) => failed(&error, err),
    }
}

fn failed(error: &LabError, err: &mut dyn Write) -> u8 {
    // Without a stderr there is still the exit code.
    let _ = writeln!(err, "failed to show the demo: {error}");
    error.exit_code()
}

fn show(
    args: &DemoArgs, program: &Program, out: &mut dyn Write, err: &mut dyn Write, style: Style,
) -> Result<u8, LabError> {
    let scenario = Scenario::chosen(args.method, &args.fault)?;
    let settings = settings(args)?;
    check_ports(&addresses(settings.ports))?;
    let grounds = grounds(args)?;
    let interrupt =
        Interrupt::watch().map_err(|source| LabError::System { doing: "catch signals", source })?;
    // Progress that cannot be shown is no reason to fail.
    let mut tell = |line: &str| drop(writeln!(err, "{line}"));
    let credentials = Credentials::make([scenario], args.pair.key, wall(), &mut tell)?;
    let stage =
        Stage { program, scenario, credentials: &credentials, settings: &settings, dir: grounds.path() };
    let mut nowhere = io::sink();
    let screen: &mut dyn Write = if args.json { &mut nowhere } else { &mut *out };
    let story = Story::new(screen, style, Side::BOTH.map(|side| stage.trace(side)));
    let mut demo =
        Demo { stage: &stage, temporary: grounds.is_temporary(), interrupt: interrupt.clone(), story };
    // Ctrl-C reaches the daemons as well: what fails then has not failed by itself.
    let interrupted = |error| if interrupt.has_come() { LabError::Interrupted } else { error };
    let played = demo.play(args.once);
    // It ends its line before anything else is said.
    drop(demo);
    let judged = played.map_err(interrupted)?;
    if args.json {
        report(&judged, out)?;
    }
    Ok(judged.exit_code())
}

fn grounds(args: &DemoArgs) -> Result<Grounds, LabError> {
    match &args.data_dir {
        Some(dir) => Grounds::at(dir, DEMO_MARK),
        None => Grounds::temporary(),
    }
}

/// The result as one line of JSON.
fn report(judged: &Judged, out: &mut dyn Write) -> Result<(), LabError> {
    let line = serde_json::to_string(judged).map_err(|error| LabError::Report(error.into()))?;
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(LabError::Report)
}

fn settings(args: &DemoArgs) -> Result<Settings, LabError> {
    Ok(Settings {
        tls_version: args.pair.tls_version,
        ports: match args.instance {
            Some(instance) => PortChoice::Instance(instance),
            None if args.any_port => PortChoice::Any,
            None => PortChoice::Default,
        },
        spoke_first: false,
        retry_initial: None,
        patience: args.pair.patience,
        dice: Dice::random().map_err(LabError::Random)?,
    })
}

/// Those that the pair is to have, as far as they are known beforehand.
fn addresses(ports: PortChoice) -> Vec<SocketAddr> {
    if ports == PortChoice::Any {
        return Vec::new();
    }
    let of_hub = [TLS_PORT, PASSWORD_PORT].map(|port| SocketAddr::from((ports.hub(), port)));
    let apis = Side::BOTH.map(|side| NodeName { side, instance: ports.instance() }.api());
    of_hub.into_iter().chain(apis).collect()
}

/// Before anything is made: a port that is taken is told at once, with what to do.
fn check_ports(addresses: &[SocketAddr]) -> Result<(), LabError> {
    for address in addresses.iter().copied() {
        TcpListener::bind(address).map_err(|source| LabError::Port { address, source })?;
    }
    Ok(())
}

/// One demo, from the curtain to the end.
struct Demo<'a> {
    stage: &'a Stage<'a>,
    temporary: bool,
    interrupt: Interrupt,
    story: Story<'a>,
}

impl Demo<'_> {
    fn play(&mut self, once: bool) -> Result<Judged, LabError> {
        self.story.open(self.stage.scenario)?;
        let stage = self.stage;
        let (mut pair, judged) = perform(stage, self)?;
        let shown = self.close(&mut pair, &judged, once);
        // However it went: no daemon stays behind.
        pair.stop();
        let farewell =
            if shown.is_ok() && !once { self.story.say("\nboth nodes have stopped") } else { Ok(()) };
        shown.and(farewell).map(|()| judged)
    }

    /// After the outcome: the rest of the traces, the tables, and the long wait for Ctrl-C.
    fn close(&mut self, pair: &mut Pair, judged: &Judged, once: bool) -> Result<(), LabError> {
        if !judged.as_expected || self.stage.scenario.lesson.is_some() {
            self.story.tell_only_news();
        }
        self.story.finish()?;
        let stays = !once;
        // Before anybody is told what to try.
        let _left = stays.then(|| self.leave(pair)).transpose()?;
        let closing = Closing { stage: self.stage, pair, judged, stays, temporary: self.temporary };
        closing.tell(&mut self.story)?;
        if once {
            return Ok(());
        }
        if judged.as_expected && self.stage.scenario.lesson.is_none() {
            self.story.forget_the_join();
        }
        loop {
            match self.look().and_then(|()| self.tell_join(pair, judged)) {
                Err(LabError::Interrupted) => return Ok(()),
                looked => looked?,
            }
            if let Err(error) = pair.check() {
                // Ctrl-C reaches the daemons as well, and they may be quicker.
                glance();
                return if self.interrupt.has_come() { Ok(()) } else { Err(error.into()) };
            }
            glance();
        }
    }

    /// Somebody has repaired what kept the two apart, or they lost each other and met again.
    fn tell_join(&mut self, pair: &Pair, judged: &Judged) -> Result<(), LabError> {
        if !self.story.tells_of_a_join() {
            return Ok(());
        }
        let closing = Closing { stage: self.stage, pair, judged, stays: true, temporary: self.temporary };
        if closing.have_joined() {
            match closing.tell_join(&mut self.story) {
                // A node that is busy with its repair is asked again at the next look.
                Err(LabError::Api { .. }) => return Ok(()),
                told => told?,
            }
            self.story.forget_the_join();
        }
        Ok(())
    }

    fn leave(&self, pair: &Pair) -> Result<Left, LabError> {
        let password_file = std::path::absolute(self.stage.admin_password())
            .map_err(LabError::folder("find the whole path of", &self.stage.admin_password()))?;
        handoff::leave(&Side::BOTH.map(|side| {
            let url = pair.daemon(side).url();
            (self.stage.node(side), Handoff { url, password_file: password_file.clone() })
        }))
    }
}

impl Audience for Demo<'_> {
    fn hear(&mut self, words: &str) -> Result<(), LabError> {
        self.story.announce(words)
    }

    fn look(&mut self) -> Result<(), LabError> {
        if self.interrupt.has_come() {
            return Err(LabError::Interrupted);
        }
        self.story.go_on()
    }
}

#[cfg(test)]
#[path = "demo_tests.rs"]
mod tests;
