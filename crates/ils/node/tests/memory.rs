//! What a connection costs in memory: of a node in a process of its own, with the allocator that the programs have.

mod bench;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use bench::peer::{self, Peer};
use bench::{Bench, DEADLINE, PASSWORD, Side};
use ils_core::outcome::Outcome;
use ils_wire::{Message, PeerInfo, Role};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;
use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static MEMORY: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

const KIB: usize = 1024;

/// Peers that join.
const CROWD: usize = 250;

/// Most that a connection may cost that has said nothing, with some slack for what is nobody's.
const SILENT: usize = 16 * KIB;
/// Most that a joined one may cost that has taken what it was told.
const JOINED: usize = 24 * KIB;
/// Most that a joined one may cost that takes nothing off its connection: that, what waits for it, and a frame.
const DEAF: usize = 192 * KIB;

/// One at a time: they count connections of one machine.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Says to the hub that it begins with much to tell; and how long a peer may take nothing, in seconds.
const MUCH: &str = "ILSLAB_TEST_MUCH";
const WRITE: &str = "ILSLAB_TEST_WRITE";

#[test]
#[ignore = "the node that the others measure; they start it in a process of its own"]
fn a_hub_of_its_own() {
    let Ok(write) = std::env::var(WRITE) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let bench = Bench::new();
    let known = if std::env::var_os(MUCH).is_some() { peer::much() } else { Vec::new() };
    let hub = runtime.block_on(bench.hub_knowing_with(Side::password(PASSWORD), known, |config| {
        let long = Duration::from_secs(3600);
        config.timers.hello = long;
        config.timers.handshake = long;
        config.timers.idle = long;
        config.timers.write = Duration::from_secs(write.parse().expect("seconds"));
    }));
    println!("\n= {}", hub.running.listening().expect("a hub listens"));
    // Each line asks how things stand; the end of them ends this.
    for line in std::io::stdin().lock().lines() {
        line.expect("a line");
        let snapshot = hub.snapshot();
        let left =
            snapshot.attempts.iter().filter(|a| a.ended.is_some_and(|(_, end)| end == Outcome::Unresponsive));
        println!("\n= {} {}", snapshot.joined().count(), left.count());
    }
}

/// A hub in another process.
struct Measured {
    child: Child,
    voice: ChildStdin,
    words: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Measured {
    fn start(much: bool, write: u32) -> Self {
        raise_descriptors();
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args(["--exact", "a_hub_of_its_own", "--ignored", "--nocapture"])
            .env(WRITE, write.to_string());
        if much {
            command.env(MUCH, "1");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let voice = child.stdin.take().expect("piped");
        let mut words = BufReader::new(child.stdout.take().expect("piped"));
        let address = said(&mut words).parse().expect("an address");
        Self { child, voice, words, address }
    }

    /// How many have joined, and how many were left as unresponsive.
    fn counts(&mut self) -> (usize, usize) {
        self.voice.write_all(b"\n").expect("it listens");
        let answer = said(&mut self.words);
        let (joined, left) = answer.split_once(' ').expect("two numbers");
        (joined.parse().expect("a number"), left.parse().expect("a number"))
    }

    async fn until(&mut self, what: &str, wanted: impl Fn((usize, usize)) -> bool) {
        let waited = tokio::time::timeout(2 * DEADLINE, async {
            while !wanted(self.counts()) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(waited.await.is_ok(), "never came: {what}: {:?}", self.counts());
    }

    /// A line of `/proc/PID/status`, in octets.
    fn memory(&self, name: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel says so");
        let kib: usize = line.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("a number");
        kib * KIB
    }

    /// What each of so many has cost since then.
    fn each(&self, name: &str, before: usize, count: usize) -> usize {
        let now = self.memory(name);
        let each = now.saturating_sub(before) / count;
        println!("{name} {} KiB before, {} KiB after {count}: {each} octets each", before / KIB, now / KIB);
        each
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it says to those who measure it, among the lines of the test harness.
fn said(words: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    while words.read_line(&mut line).expect("it speaks") > 0 {
        if let Some(said) = line.strip_prefix("= ") {
            return said.trim().to_owned();
        }
        line.clear();
    }
    panic!("it has ended")
}

fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, connecting says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Read until nothing is owed: the vector, whole, that has everybody so far.
async fn join_and_listen(address: SocketAddr, number: u32) -> Peer {
    let mut peer = Peer::join(address, peer::numbered(number), PASSWORD).await;
    peer.whole_vector().await;
    peer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_costs_little() {
    let _alone = ALONE.lock().await;
    let hub = Measured::start(false, 3600);
    // What is made once is there from now on.
    let _first = join_and_listen(hub.address, 1).await;
    let before = hub.memory("VmRSS:");
    let mut crowd = Vec::new();
    for _ in 0..2_000 {
        crowd.push(TcpStream::connect(hub.address).await.expect("connects"));
    }
    // Who comes after them is answered, so they have all been accepted.
    let _last = join_and_listen(hub.address, 2).await;
    let each = hub.each("VmRSS:", before, crowd.len());
    assert!(each <= SILENT, "{each} octets each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_joined_peer_costs_little_once_it_has_been_told_all() {
    let _alone = ALONE.lock().await;
    let mut hub = Measured::start(false, 3600);
    let first = join_and_listen(hub.address, 1).await;
    let before = hub.memory("VmRSS:");
    let mut crowd = tokio::task::JoinSet::new();
    crowd.spawn(first.listen());
    for number in 2..=CROWD {
        let number = u32::try_from(number).expect("few");
        crowd.spawn(join_and_listen(hub.address, number).await.listen());
    }
    hub.until("all have joined", |(joined, _)| joined == CROWD).await;
    let each = hub.each("VmRSS:", before, CROWD);
    assert!(crowd.try_join_next().is_none(), "all are there to the end");
    assert!(each <= JOINED, "{each} octets each");
}

#[tokio::test(flavor = "multi_thread")]
async fn joined_peers_that_never_read_cost_their_bound_and_are_left() {
    let _alone = ALONE.lock().await;
    let mut hub = Measured::start(true, 20);
    drop(Peer::join(hub.address, peer::numbered(1_000), PASSWORD).await);
    hub.until("nobody is there", |(joined, _)| joined == 0).await;
    let before = hub.memory("VmHWM:");
    let mut crowd = Vec::new();
    for number in 0..CROWD {
        let number = 1_000 + u32::try_from(number).expect("few");
        crowd.push(Peer::join(hub.address, peer::numbered(number), PASSWORD).await);
    }
    // The last to come are told again and again as well, until nothing takes it for them.
    let mut teacher = Peer::join(hub.address, peer::info("teacher", 2, Role::Hub), PASSWORD).await;
    for change in 0..3 {
        let description = format!("change {change}").parse().expect("a description");
        let info = PeerInfo { description, ..peer::numbered(0) };
        let entries = vec![peer::signed(&info, 1 + change)];
        teacher.say(&Message::PeerInfoVector { entries, last: true }).await.expect("it is still connected");
        teacher.whole_vector().await;
    }
    hub.until("all have been left", |(_, left)| left >= CROWD).await;
    // The most that it ever was.
    let each = hub.each("VmHWM:", before, crowd.len());
    println!("VmRSS at the end: {} KiB", hub.memory("VmRSS:") / KIB);
    assert!(each <= DEAF, "{each} octets each");
}
