//! How long a join takes, and what a node at rest costs: `cargo bench --bench join`.
//!
//! Real processes, from exec to "Up to date" on both sides; the median of 11, and its ratio to the time in which the
//! same program starts and ends (`--version`), measured in the same run, since machines differ and are shared.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use ils_faces::Calls;
use ilslab_desk::Client;
use ilslab_lab::certs::{Authority, Key, KeyKind, Validity};
use ilslab_lab::{Daemon, Program, Side};

type Outcome<T> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 11;
const PASSWORD: &str = "a lab password";
/// How long a node is watched at rest.
const REST: Duration = Duration::from_secs(60);
/// More than that is no rest, on any machine: the bench fails.
const REST_CPU: Duration = Duration::from_millis(10);
/// Likewise, in kB.
const REST_RESIDENT: u64 = 20_000;

fn main() -> Outcome<()> {
    let program = Program(PathBuf::from(env!("CARGO_BIN_EXE_ilslab")));
    let baseline = median((0..ROUNDS).map(|_| bare_start(&program)).collect::<Outcome<_>>()?);
    report("start and end (baseline)", baseline, baseline);
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("password"), PASSWORD)?;
    equip(folder.path())?;
    for (name, options) in
        [("method 1, password", &[][..]), ("method 3, TLS with password, RSA-2048", &["--use-tls"])]
    {
        let rounds = (0..ROUNDS).map(|round| join(&program, folder.path(), round, options));
        report(name, median(rounds.collect::<Outcome<_>>()?), baseline);
    }
    rest(&program, folder.path())
}

fn report(name: &str, median: Duration, baseline: Duration) {
    let ratio = median.as_secs_f64() / baseline.as_secs_f64();
    println!(
        "{name:<40} median of {ROUNDS}: {:>7.1} ms   {ratio:>6.1} x baseline",
        median.as_secs_f64() * 1000.0
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn bare_start(program: &Program) -> Outcome<Duration> {
    let begun = Instant::now();
    Command::new(&program.0).arg("--version").stdout(Stdio::null()).status()?;
    Ok(begun.elapsed())
}

/// Certificates for both, so that none has to be made on the way.
fn equip(folder: &Path) -> Outcome<()> {
    let validity = Validity::starting(SystemTime::now(), 30)?;
    let authority = Authority::make(Key::make(KeyKind::Rsa2048)?, validity)?;
    std::fs::create_dir(folder.join("trust"))?;
    std::fs::write(folder.join("trust/root.pem"), authority.root_pem())?;
    for side in Side::BOTH {
        let identity =
            authority.identity(&format!("{side}.lab.example"), &Key::make(KeyKind::Rsa2048)?, validity)?;
        std::fs::write(folder.join(format!("{side}.pem")), &identity.cert_pem)?;
        std::fs::write(folder.join(format!("{side}.key")), identity.key_pem.as_bytes())?;
    }
    Ok(())
}

fn options(folder: &Path, data: &Path, side: Side, more: &[&str]) -> Vec<String> {
    let file = |name: String| folder.join(name).display().to_string();
    let mut options = vec![
        format!("--data-dir={}", data.join(side.name()).display()),
        format!("--cluster-id={side}"),
        format!("--fqdn={side}.lab.example"),
        "--admin=127.0.0.1:0".to_owned(),
        format!("--admin-password-file={}", file("password".into())),
        format!("--password-file={}", file("password".into())),
        "--use-password".to_owned(),
        format!("--cert={}", file(format!("{side}.pem"))),
        format!("--key={}", file(format!("{side}.key"))),
        format!("--trust={}", file("trust".into())),
    ];
    options.extend(more.iter().map(|option| (*option).to_owned()));
    options
}

/// A pair of daemons.
struct Pair {
    hub: Daemon,
    spoke: Daemon,
}

fn start(program: &Program, folder: &Path, data: &Path, more: &[&str]) -> Outcome<Pair> {
    std::fs::create_dir_all(data)?;
    let mut of_hub = options(folder, data, Side::Hub, more);
    of_hub.extend(["--listen=127.0.0.1", "--tls-port=0", "--password-port=0"].map(String::from));
    let hub = Daemon::start(program, Side::Hub, of_hub, data)?;
    let port = |address: Option<std::net::SocketAddr>| address.map_or(0, |address| address.port());
    let mut of_spoke = options(folder, data, Side::Spoke, more);
    of_spoke.push("--registration-server=127.0.0.1".to_owned());
    of_spoke.push(format!("--registration-tls-port={}", port(hub.ready().tls)));
    of_spoke.push(format!("--registration-password-port={}", port(hub.ready().password)));
    let spoke = Daemon::start(program, Side::Spoke, of_spoke, data)?;
    Ok(Pair { hub, spoke })
}

fn wait_up_to_date(client: &Client) -> Outcome<()> {
    loop {
        let peers = client.peers()?;
        let fresh =
            |peer: &serde_json::Value| peer.get("status").is_some_and(|status| status == "Up to date");
        if peers
            .get("peers")
            .and_then(serde_json::Value::as_array)
            .is_some_and(|peers| peers.iter().any(fresh))
        {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn join(program: &Program, folder: &Path, round: usize, more: &[&str]) -> Outcome<Duration> {
    let data = folder.join(format!("{}{round}", more.concat()));
    let begun = Instant::now();
    let pair = start(program, folder, &data, more)?;
    wait_up_to_date(&pair.hub.client(PASSWORD)?)?;
    wait_up_to_date(&pair.spoke.client(PASSWORD)?)?;
    Ok(begun.elapsed())
}

/// Memory and processor time of a joined pair that nobody talks to.
fn rest(program: &Program, folder: &Path) -> Outcome<()> {
    let pair = start(program, folder, &folder.join("rest"), &[])?;
    wait_up_to_date(&pair.spoke.client(PASSWORD)?)?;
    let before = Side::BOTH.map(|side| cpu(pid(&pair, side)));
    println!("watching both nodes at rest for {} s", REST.as_secs());
    std::thread::sleep(REST);
    for (side, before) in Side::BOTH.into_iter().zip(before) {
        let spent = cpu(pid(&pair, side))?.saturating_sub(before?);
        let resident = resident(pid(&pair, side))?;
        println!("{side:<6} at rest: {} ms of CPU, {resident} kB resident", spent.as_millis());
        if spent > REST_CPU || resident > REST_RESIDENT {
            return Err(
                format!("the {side} is not at rest: at most {REST_CPU:?} and {REST_RESIDENT} kB").into()
            );
        }
    }
    Ok(())
}

fn pid(pair: &Pair, side: Side) -> u32 {
    match side {
        Side::Hub => pair.hub.ready().pid,
        Side::Spoke => pair.spoke.ready().pid,
    }
}

/// Time on a processor so far: the sum over the process's threads, in nanoseconds, as the scheduler counts it.
fn cpu(pid: u32) -> Outcome<Duration> {
    let mut nanos = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += text.split_whitespace().next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}

fn resident(pid: u32) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0))
}
