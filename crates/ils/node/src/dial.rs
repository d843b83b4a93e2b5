//! A dialler: one attempt after another at one target, as long as its part of the era lasts.
//!
//! resolve -> connect -> TLS -> admission -> Conversation -> ended -> wait -> again

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use ils_core::config::Registration;
use ils_core::event::{Direction, Happening, Link, PeerAddress};
use ils_core::handshake::Channel;
use ils_core::outcome::Outcome;
use ils_wire::{Ephemeral, Reason};
use tokio::net::{TcpSocket, TcpStream};

use crate::address::unmapped;
use crate::admit::{LetIn, secure};
use crate::backoff::{Backoff, Tried};
use crate::clock;
use crate::conversation::{Conversation, Ended, cancelled};
use crate::dice::octets;
use crate::era::Era;
use crate::stream::Frames;

/// Dials one target until the era, or this part of it, ends.
pub(crate) async fn dial(era: Era, registration: Registration) {
    let mut backoff = Backoff::new(era.config.retry_initial, era.config.retry_max, era.changed_at);
    loop {
        let ended = attempt(&era, &registration, backoff.is_quick(clock::monotonic())).await;
        if era.is_over() {
            return;
        }
        let wait = backoff.after(tried(ended.as_ref()), clock::monotonic(), &*era.common.dice);
        tokio::select! {
            _ = era.ended() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// An attempt that came to no conversation has neither joined nor been told anything.
fn tried(ended: Option<&Ended>) -> Tried {
    let Some(ended) = ended else { return Tried::default() };
    Tried { joined: ended.joined, method_changed: ended.told == Some(Reason::MethodChanged) }
}

/// One attempt; answers how its conversation ended, if it came to one.
async fn attempt(era: &Era, registration: &Registration, quiet: bool) -> Option<Ended> {
    let keeper = &era.common.keeper;
    let tls = era.config.uses_tls();
    let port = if tls { registration.tls_port } else { registration.password_port };
    let mut link = Link {
        id: keeper.next_id(),
        direction: Direction::Dialled,
        tls,
        revision: era.revision(),
        begun: clock::wall(),
        peer: PeerAddress::Name(registration.host.clone(), port),
        local: None,
    };
    let (mut join_by, mut requested) = (clock::monotonic(), false);
    let transport = async {
        let socket = connect(era, &mut link, &mut requested, quiet).await?;
        join_by = clock::monotonic() + era.config.timers.handshake;
        if tls {
            match secure(era, &link, socket).await {
                Ok(let_in) => Some(Transport::Tls(let_in)),
                Err(left) => {
                    left.linger(&era.common, None);
                    None
                }
            }
        } else {
            plain(era, &link, socket).await
        }
    };
    let transport = tokio::select! {
        transport = transport => Some(transport?),
        _ = era.ended() => None,
    };
    match transport {
        Some(transport) => Some(converse(era, link, transport, join_by).await),
        // Nothing has been told of one that still looked its hub's name up.
        None if !requested => None,
        None => {
            keeper.note(&link, cancelled()).await;
            None
        }
    }
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<LetIn>),
}

/// A TCP connection; the address that a name has is told before it is dialled.
async fn connect(era: &Era, link: &mut Link, requested: &mut bool, quiet: bool) -> Option<TcpStream> {
    let keeper = &era.common.keeper;
    let limit = era.config.timers.connect;
    let resolved = resolve(&link.peer, era.config.dial_from.is_some_and(|from| from.is_ipv6()), limit).await;
    if let Ok(address) = &resolved {
        link.peer = PeerAddress::Socket(*address);
    }
    // Looking a name up is no part of the attempt.
    link.begun = clock::wall();
    keeper.note(link, Happening::Requested).await;
    *requested = true;
    let connected = match resolved {
        Ok(address) => open(era, address, limit).await,
        Err(failure) => Err(failure),
    };
    match connected {
        Ok(socket) => {
            link.local = socket.local_addr().ok().map(unmapped);
            let _ = socket.set_nodelay(true);
            Some(socket)
        }
        Err(Failure { outcome, error }) => {
            keeper.note(link, Happening::NotConnected { outcome, error, quiet }).await;
            None
        }
    }
}

/// Why there is no TCP connection.
#[derive(Debug, PartialEq, Eq)]
struct Failure {
    outcome: Outcome,
    error: String,
}

impl Failure {
    /// This node lacks something: no word about the hub.
    fn local(what: &str, error: &io::Error) -> Self {
        Self { outcome: Outcome::Local, error: format!("{what}: {error}") }
    }

    /// The hub, or something on the way to it, does not answer.
    fn remote(error: &io::Error) -> Self {
        let refused = error.kind() == ErrorKind::ConnectionRefused;
        let outcome = if refused { Outcome::RefusedConnection } else { Outcome::Unreachable };
        Self { outcome, error: error.to_string() }
    }
}

async fn resolve(peer: &PeerAddress, ipv6: bool, limit: Duration) -> Result<SocketAddr, Failure> {
    let looked_up = tokio::time::timeout(limit, tokio::net::lookup_host((peer.host(), peer.port()))).await;
    let looked_up = looked_up.unwrap_or_else(|_| Err(timed_out("the name was not resolved")));
    let addresses: Vec<SocketAddr> = looked_up.map_err(|error| not_resolved(&error))?.collect();
    let preferred = addresses.iter().find(|address| address.is_ipv6() == ipv6);
    let none = || Failure::remote(&io::Error::new(ErrorKind::NotFound, "the name has no address"));
    preferred.or(addresses.first()).copied().ok_or_else(none)
}

/// A look-up that finds no descriptor free says that the name server is at fault: so ask for one.
fn not_resolved(error: &io::Error) -> Failure {
    match TcpSocket::new_v4() {
        Err(none) => Failure::local(NO_SOCKET, &none),
        Ok(_) => Failure::remote(error),
    }
}

const NO_SOCKET: &str = "this node cannot make a socket";

async fn open(era: &Era, address: SocketAddr, limit: Duration) -> Result<TcpStream, Failure> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() };
    let socket = socket.map_err(|error| Failure::local(NO_SOCKET, &error))?;
    if let Some(from) = era.config.dial_from {
        let bound = socket.bind(SocketAddr::new(from, 0));
        bound.map_err(|error| Failure::local(&format!("this node cannot dial from {from}"), &error))?;
    }
    let connected = tokio::time::timeout(limit, connected(socket, address)).await;
    connected.unwrap_or_else(|_| Err(Failure::remote(&timed_out("no answer"))))
}

/// What the system refuses at once, before anything can have come back, is for want of a port or a route here; but on
/// loopback a refusal can be there at once.
async fn connected(socket: TcpSocket, address: SocketAddr) -> Result<TcpStream, Failure> {
    let mut connecting = pin!(socket.connect(address));
    let at_once = poll_fn(|context| Poll::Ready(connecting.as_mut().poll(context))).await;
    match at_once {
        Poll::Ready(Err(error)) if error.kind() != ErrorKind::ConnectionRefused => {
            Err(Failure::local("this node cannot dial", &error))
        }
        Poll::Ready(connected) => connected.map_err(|error| Failure::remote(&error)),
        Poll::Pending => connecting.await.map_err(|error| Failure::remote(&error)),
    }
}

fn timed_out(what: &str) -> io::Error {
    io::Error::new(ErrorKind::TimedOut, format!("{what} in time"))
}

async fn plain(era: &Era, link: &Link, socket: TcpStream) -> Option<Transport> {
    era.common.keeper.note(link, Happening::Connected { admitted: None }).await;
    Some(Transport::Plain(socket))
}

async fn converse(era: &Era, link: Link, transport: Transport, join_by: Instant) -> Ended {
    let timers = era.config.timers;
    let era = era.clone();
    match transport {
        Transport::Plain(socket) => {
            let channel = Channel::Plain(Ephemeral::from_bytes(octets(&*era.common.dice)));
            let frames = Frames::new(socket, timers.write);
            Conversation { era, link, frames, shown: None, untold: None, join_by }.run(channel, None).await
        }
        Transport::Tls(let_in) => {
            let LetIn { stream, input, admitted, shown } = *let_in;
            let frames = Frames::new(stream, timers.write);
            let untold = Some(Happening::Connected { admitted: Some(admitted) });
            let shown = Some(shown);
            Conversation { era, link, frames, shown, untold, join_by }.run(Channel::Tls(input), None).await
        }
    }
}
