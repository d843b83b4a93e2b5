//! What a process still holds of a secret once it has done with it: its memory is read from outside and searched.
//!
//! ```text
//! /proc/PID/maps -> every region that is written to -> /proc/PID/mem -> is one of the needles in it?
//! ```
//! A needle is kept masked, so that whoever searches their own memory does not find the needle itself.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ils_faces::Calls;
use ils_wire::NetworkKey;
use ilslab_desk::Client;
use ilslab_lab::Side;
use ilslab_lab::certs::KeyKind;
use serde_json::{Map, json};
use zeroize::{Zeroize, Zeroizing};

use crate::world::{World, program, text, until};

/// Octets read at once.
const CHUNK: usize = 1024 * 1024;
/// Octets that are given back at once, at the least.
const PAGE: u64 = 4096;
/// No octet of a masked needle is what it stands for.
const MASK: u8 = 0xa5;

/// Something that should be found nowhere, or in one place.
struct Needle {
    name: String,
    masked: Vec<u8>,
}

impl Needle {
    fn new(name: impl Into<String>, secret: &[u8]) -> Self {
        Self { name: name.into(), masked: secret.iter().map(|octet| octet ^ MASK).collect() }
    }

    fn is_at(&self, bytes: &[u8]) -> bool {
        let Some(bytes) = bytes.get(..self.masked.len()) else { return false };
        bytes.iter().zip(&self.masked).all(|(octet, masked)| octet ^ MASK == *masked)
    }
}

/// A secret and both of its halves: what was freed is often overwritten from its front, and what grew was shorter.
fn halves(name: &str, secret: &[u8]) -> Vec<Needle> {
    let (front, back) = secret.split_at(secret.len() / 2);
    vec![Needle::new(format!("{name}, front"), front), Needle::new(format!("{name}, back"), back)]
}

/// A password, the key that it stands for, and that key as its file has it.
fn needles(name: &str, password: &str) -> Vec<Needle> {
    let key = NetworkKey::from_password(password.as_bytes());
    let digits: Zeroizing<String> =
        Zeroizing::new(key.as_bytes().iter().map(|octet| format!("{octet:02x}")).collect());
    let mut all = halves(&format!("the {name} password"), password.as_bytes());
    all.extend(halves(&format!("the key of the {name} password"), key.as_bytes()));
    all.extend(halves(&format!("the digits of the key of the {name} password"), digits.as_bytes()));
    all
}

/// What HTTP Basic makes of a password.
fn basic(name: &str, password: &str) -> Needle {
    let credentials = Zeroizing::new(format!("administrator:{password}"));
    let encoded = Zeroizing::new(STANDARD.encode(credentials.as_bytes()));
    // Its end depends on what follows, and its beginning is the user's name.
    Needle::new(format!("the {name} password in base64"), &encoded.as_bytes()[20..40])
}

/// Logs in, in pieces whose sum is not announced; answers the token.
fn log_in(api: SocketAddr, password: &str) -> String {
    let (front, back) = password.split_at(password.len() / 2);
    let pieces =
        [r#"{"password":""#, front, back, r#""}"#].map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len()));
    let request = format!(
        "POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        pieces.concat()
    );
    let mut stream = TcpStream::connect(api).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let token = answer.split_once(r#""token":""#).and_then(|(_, rest)| rest.split_once('"'));
    token.unwrap_or_else(|| panic!("no token: {answer}")).0.to_owned()
}

/// 32 letters that nobody has had before.
fn password() -> Zeroizing<String> {
    let mut random = Zeroizing::new([0_u8; 32]);
    let mut source = File::open("/dev/urandom").expect("random numbers");
    source.read_exact(random.as_mut_slice()).expect("random numbers");
    let mut text = Zeroizing::new(String::with_capacity(32));
    text.extend(random.iter().map(|octet| char::from(b'a' + octet % 26)));
    text
}

/// The regions of a process that it can write to.
fn regions(process: &str) -> Vec<Range<u64>> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).expect("it runs");
    let region = |line: &str| {
        let (range, rest) = line.split_once(' ')?;
        let (begin, end) = range.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        rest.starts_with("rw").then_some(number(begin)?..number(end)?)
    };
    maps.lines().filter_map(region).collect()
}

/// A process's memory, and what to search it with.
struct Search {
    process: String,
    memory: File,
}

impl Search {
    /// Where the system does not let a process be read by its parent, there is nothing to search.
    fn of(process: &str) -> Option<Self> {
        let memory = File::open(format!("/proc/{process}/mem"));
        let readable = memory.ok().filter(|memory| {
            let first = regions(process).into_iter().next();
            first.is_some_and(|region| memory.read_at(&mut [0], region.start).is_ok())
        });
        let required = std::env::var_os("ILSLAB_REQUIRE_TOOLS").is_some_and(|value| value == "1");
        assert!(readable.is_some() || !required, "the memory of a child has to be readable, and is not");
        if readable.is_none() {
            println!("skipped: the memory of a child may not be read here");
        }
        Some(Self { process: process.to_owned(), memory: readable? })
    }

    /// How often each needle is there, by its name.
    fn count(&self, needles: &[Needle]) -> Map<String, serde_json::Value> {
        let mut found = vec![0_u64; needles.len()];
        let overlap = needles.iter().map(|needle| needle.masked.len()).max().unwrap_or(0);
        let mut buffer = vec![0; CHUNK + overlap];
        let own = number(buffer.as_ptr().addr())..number(buffer.as_ptr().addr() + buffer.len());
        for region in regions(&self.process) {
            // Whoever searches their own memory would find what they have just read.
            let (before, after) = if self.process == "self" {
                (region.start..region.end.min(own.start), region.start.max(own.end)..region.end)
            } else {
                (region, 0..0)
            };
            for part in [before, after] {
                self.tally_part(part, &mut buffer, needles, &mut found);
            }
        }
        let counted = needles.iter().zip(found).filter(|(_, count)| *count > 0);
        counted.map(|(needle, count)| (needle.name.clone(), count.into())).collect()
    }

    /// Other threads give memory back meanwhile: a page that is gone holds nothing, and its neighbours are read.
    fn tally_part(&self, part: Range<u64>, buffer: &mut [u8], needles: &[Needle], found: &mut [u64]) {
        let mut at = part.start;
        while at < part.end {
            let wanted = usize::try_from(part.end - at).map_or(buffer.len(), |left| left.min(buffer.len()));
            let read = self.memory.read_at(&mut buffer[..wanted], at).unwrap_or(0);
            // What begins in the rest of a full buffer is seen whole by the next reading.
            let begun = if read == buffer.len() { CHUNK } else { read };
            tally(&buffer[..read], begun, needles, found);
            buffer[..read].zeroize();
            at = if read == 0 { (at / PAGE + 1) * PAGE } else { at + number(begun) };
        }
    }
}

fn number(octets: usize) -> u64 {
    u64::try_from(octets).expect("an address has 64 bits")
}

/// Counts what begins within the first `begun` octets; those after them are there for what does not end in it.
fn tally(bytes: &[u8], begun: usize, needles: &[Needle], found: &mut [u64]) {
    if bytes.iter().all(|octet| *octet == 0) {
        return;
    }
    let mut begins = [false; 256];
    needles.iter().for_each(|needle| begins[usize::from(needle.masked[0] ^ MASK)] = true);
    for at in (0..begun).filter(|at| begins[usize::from(bytes[*at])]) {
        for (needle, found) in needles.iter().zip(&mut *found) {
            *found += u64::from(needle.is_at(&bytes[at..]));
        }
    }
}

#[test]
fn a_daemon_holds_no_password_and_of_keys_the_one_in_force_once() {
    let (world, admin) = (World::new(), password());
    let passwords: Vec<_> = (0..5).map(|_| password()).collect();
    let admin_file = world.file("secret-admin-password", &admin);
    let hub = world.node(Side::Hub, "hub").password(&passwords[0]).with("admin-password-file", &admin_file);
    let hub = hub.try_start().unwrap_or_else(|error| panic!("the hub does not start: {error}"));
    let pid = hub.daemon.ready().pid.to_string();
    let Some(search) = Search::of(&pid) else { return };
    let client =
        Client::new(&format!("http://{}", hub.daemon.ready().admin), &admin).expect("its own address");
    for password in &passwords[1..] {
        client.set(&Map::new(), Some(password)).expect("the change is in force");
    }
    // Whatever is refused was a password all the same.
    let refused = password();
    client
        .set(json!({"description": 7}).as_object().expect("an object"), Some(&refused))
        .expect_err("that is no description");
    let token = log_in(hub.daemon.ready().admin, &admin);
    let uploaded = crate::world::Lab::new(KeyKind::P256).ca_signed("hub.lab.example");
    client.upload_tomcat(&uploaded.cert_pem, Some(&uploaded.key_pem)).expect("it counts after a restart");
    let last = passwords.last().expect("five");
    let spoke = world.node(Side::Spoke, "spoke").password(last).of(&hub).start();
    assert_eq!(spoke.outcome(), "joined");

    let mut old: Vec<_> = passwords[..4].iter().flat_map(|password| needles("old", password)).collect();
    old.extend(needles("refused", &refused));
    old.extend(halves("the administrator's password", admin.as_bytes()));
    old.push(basic("administrator's", &admin));
    old.extend(halves("the token", token.as_bytes()));
    // PKCS#8 of P-256: octets 36 to 68 are the key, 48 octets are a line, and what lies around is the same in all.
    let line = &uploaded.key_pem.lines().nth(2).expect("a second line of base64")[..24];
    old.extend(halves("the uploaded key as PEM", line.as_bytes()));
    old.extend(halves("the uploaded key", &STANDARD.decode(line).expect("base64")));
    let (of_password, of_key): (Vec<_>, Vec<_>) =
        needles("present", last).into_iter().partition(|needle| !needle.name.starts_with("the key"));
    old.extend(of_password);
    // Connections and tasks end a moment after their last answer.
    let mut seen = Map::new();
    let wiped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        until("nothing is left", || {
            seen = search.count(&old);
            seen.is_empty().then_some(())
        });
    }));
    assert!(wiped.is_ok(), "left in memory: {seen:#?}");
    let live = search.count(&of_key);
    assert_eq!(live.len(), 2, "the search finds what is there: {live:?}");
    assert!(live.values().all(|count| *count == 1), "one live copy: {live:?}");
}

#[test]
fn a_client_holds_no_password_once_the_command_is_done() {
    let (world, admin, new) = (World::new(), password(), password());
    let admin_file = world.file("secret-admin-password", &admin);
    let new_file = world.file("secret-new-password", &new);
    let hub = world.node(Side::Hub, "hub").password("one password").with("admin-password-file", &admin_file);
    let hub = hub.try_start().unwrap_or_else(|error| panic!("the hub does not start: {error}"));
    let url = format!("http://{}", hub.daemon.ready().admin);
    let Some(search) = Search::of("self") else { return };
    let mut all = halves("the new password", new.as_bytes());
    all.extend(halves("the administrator's password", admin.as_bytes()));
    all.push(basic("administrator's", &admin));
    assert_eq!(search.count(&all).len(), 4, "the search finds what is there");
    drop((admin, new));
    assert_eq!(search.count(&all), Map::new(), "nothing is left before");

    let arguments = ["set", &url, "--password-file", &new_file, "--admin-password-file", &admin_file];
    let matches =
        ilslab::client::set_command().try_get_matches_from(arguments).expect("that is how it is used");
    assert_eq!(ilslab::client::run("set", &matches), 0);
    assert_eq!(search.count(&all), Map::new(), "nothing is left of what the command has read and sent");
}

#[test]
fn a_password_may_come_by_stdin() {
    let (world, new) = (World::new(), password());
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let url = format!("http://{}", hub.daemon.ready().admin);
    let admin_file = world.file("admin-password", crate::world::ADMIN);
    let arguments = ["set", &url, "--password-file", "-", "--admin-password-file", &admin_file];
    let mut command = Command::new(program().0);
    let mut setting =
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("runs");
    setting.stdin.take().expect("piped").write_all(format!("{}\n", *new).as_bytes()).expect("it reads");
    let output = setting.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let spoke = world.node(Side::Spoke, "spoke").password(&new).of(&hub).start();
    assert_eq!(spoke.outcome(), "joined");
}
