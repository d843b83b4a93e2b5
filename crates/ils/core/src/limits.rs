//! Every bound and timer that a peer can meet, in one place. `SECURITY.md` has the same table.

use std::time::Duration;

/// Most clusters that are advertised; more raise `ILSPeerLimitExceeded` (CUCM's `ILSP_MSG_PEER_MAX`).
pub const PEERS_ADVERTISED: usize = 200;
/// From here on `ILSPeerLimitApproachingWarning` stands: 90 % of [`PEERS_ADVERTISED`].
pub const PEERS_WARNING: usize = 180;
/// Most clusters that are known at all; a join beyond is refused, a relayed entry dropped.
pub const PEERS_KNOWN: usize = 1_000;
/// Most alarm keys that stand at once (`mAlarmedConnections`); the oldest but the service's own gives way.
pub const ALARMED_CONNECTIONS: usize = 200;
/// Attempts that the API remembers; the oldest ended one gives way.
pub const ATTEMPTS_KEPT: usize = 256;
/// Steps kept of one attempt; further ones are dropped.
pub const STEPS_KEPT: usize = 32;
/// Most connections that have not joined yet; half of the descriptor limit where that is less.
pub const UNJOINED_CONNECTIONS: usize = 4_096;
/// Failed decryptions a minute from one source before its Hellos are answered late.
pub const PASSWORD_FAILURES_A_MINUTE: usize = 30;
/// How late they are answered then.
pub const PASSWORD_FAILURE_DELAY: Duration = Duration::from_secs(1);
/// Sources whose failures are counted; the one heard of longest ago gives way.
pub const PASSWORD_FAILURE_SOURCES: usize = 1_024;
/// Attempts of one source that are traced whole in a window although they do not join; further ones are counted. A peer
/// that dials twice a second stays within it.
pub const STRANGERS_WHOLE: usize = 120;
/// The same of all sources together.
pub const STRANGERS_WHOLE_IN_ALL: usize = 600;
/// How long a window lasts; at its end one line says how many were counted.
pub const STRANGERS_WINDOW: Duration = Duration::from_secs(60);
/// Sources that are counted apart; those beyond are counted together.
pub const STRANGERS_SOURCES: usize = 1_024;
/// Octets that wait for a joined peer to take them; beyond it nothing more is made ready for it. One frame may begin below
/// and end above it.
pub const OUTBOX_OCTETS: usize = 64 * 1024;
/// Answers to Pings that wait for room; beyond it no more is read from that peer until it takes some.
pub const PONGS_OWED: usize = 64;
/// How often a node that nobody asks tries whether its database can be written.
pub const STORE_TRIED: Duration = Duration::from_secs(30);
/// How long after a change of method a dialler retries quickly and raises no `ILSHubClusterUnreachable`.
pub const METHOD_CHANGE_WINDOW: Duration = Duration::from_secs(30);
/// How often it dials in that window.
pub const METHOD_CHANGE_RETRY: Duration = Duration::from_millis(250);

/// How long each phase may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// TCP connect.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// From the finished transport to the peer's Hello.
    pub hello: Duration,
    /// From the Hello to Register or its answer.
    pub register: Duration,
    /// From accept or connect to the join, however the phases divide it.
    pub handshake: Duration,
    /// After so long without sending, a joined node sends Ping.
    pub ping: Duration,
    /// After so long without a frame, a joined peer is dropped as unresponsive.
    pub idle: Duration,
    /// A joined peer in whose place another process wants to be is gone where it does not answer a Ping within this.
    pub challenge: Duration,
    /// A peer that has not taken the next frame off its connection, the whole of it, after so long is dropped.
    pub write: Duration,
}

/// Most that [`Timers::patient`] multiplies by.
pub const PATIENCE: u32 = 60;

impl Timers {
    /// Each wait for the peer this many times as long, for a machine that is slow or a peer that is being debugged. How
    /// often this node pings stays, since its peers count on it.
    pub fn patient(self, factor: u32) -> Self {
        Self {
            connect: self.connect * factor,
            tls: self.tls * factor,
            hello: self.hello * factor,
            register: self.register * factor,
            handshake: self.handshake * factor,
            ping: self.ping,
            idle: self.idle * factor,
            challenge: self.challenge * factor,
            write: self.write * factor,
        }
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            tls: Duration::from_secs(10),
            hello: Duration::from_secs(5),
            register: Duration::from_secs(10),
            handshake: Duration::from_secs(20),
            ping: Duration::from_secs(15),
            idle: Duration::from_secs(45),
            challenge: Duration::from_secs(2),
            write: Duration::from_secs(10),
        }
    }
}
