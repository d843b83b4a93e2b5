//! The hub's side: accepts on the port in force, one task a connection, as long as the era lasts.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ilslab_core::event::{Direction, Happening, Link, PeerAddress};
use ilslab_core::handshake::Channel;
use ilslab_core::outcome::Outcome;
use ilslab_wire::Ephemeral;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::admit::{LetIn, secure};
use crate::clock;
use crate::conversation::{Conversation, Shown};
use crate::dice::octets;
use crate::era::Era;
use crate::stream::Frames;

/// Why the oldest connection that has not joined is closed.
pub(crate) const CROWDED_OUT: &str = "too many connections have not joined; the oldest gave way";

/// How long accepting pauses where the system gives no connection, as when descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts until the era ends.
pub(crate) async fn accept(era: Era, listener: TcpListener) {
    let most = half_of_descriptors().min(era.config.most_unjoined).max(1);
    let mut unjoined = Unjoined { doors: VecDeque::new(), most };
    loop {
        let accepted = tokio::select! {
            _ = era.ended() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                let door = unjoined.enter();
                tokio::spawn(serve(era.clone(), socket, peer, door));
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "accepting pauses");
                era.common.accept_errors.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A peer that is gone before it is accepted is nothing; anything else, as no descriptor left, is a reason to wait.
fn is_the_peers(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

/// The connections that have not joined, oldest first; the oldest gives way to one too many.
struct Unjoined {
    doors: VecDeque<oneshot::Sender<()>>,
    most: usize,
}

impl Unjoined {
    /// A place for one more. Its end of the channel is dropped when it joins or ends.
    fn enter(&mut self) -> oneshot::Receiver<()> {
        if self.doors.len() >= self.most {
            self.doors.retain(|door| !door.is_closed());
        }
        if self.doors.len() >= self.most
            && let Some(oldest) = self.doors.pop_front()
        {
            // It may have joined just now.
            let _ = oldest.send(());
        }
        let (door, inside) = oneshot::channel();
        self.doors.push_back(door);
        inside
    }
}

async fn serve(era: Era, socket: TcpStream, peer: SocketAddr, mut door: oneshot::Receiver<()>) {
    if era.is_over() {
        return;
    }
    let tls = era.config.uses_tls();
    let join_by = clock::monotonic() + era.config.timers.handshake;
    let link = Link {
        id: era.common.keeper.next_id(),
        direction: Direction::Accepted,
        tls,
        revision: era.revision(),
        begun: clock::wall(),
        peer: PeerAddress::Socket(unmapped(peer)),
        local: socket.local_addr().ok().map(unmapped),
    };
    // Frames are small and each is an answer: waiting for more to send helps nobody.
    let _ = socket.set_nodelay(true);
    if tls {
        let served = tokio::select! {
            // First, since with the era the other ends of all doors go.
            biased;
            _ = era.ended() => None,
            secured = secure(&era, &link, socket) => secured,
            Ok(()) = &mut door => {
                let (outcome, detail) = (Outcome::Closed, CROWDED_OUT.to_owned());
                let closed = Happening::ClosedHere { outcome, detail, claim: String::new(), certificate: None };
                era.common.keeper.note(&link, closed).await;
                None
            }
        };
        let Some(LetIn { stream, input, admitted, shown }) = served else { return };
        era.common.keeper.note(&link, Happening::Accepted { admitted: Some(admitted) }).await;
        converse(era, link, stream, Some(shown), Channel::Tls(input), (door, join_by)).await;
    } else {
        let channel = Channel::Plain(Ephemeral::from_bytes(octets(&*era.common.dice)));
        era.common.keeper.note(&link, Happening::Accepted { admitted: None }).await;
        converse(era, link, socket, None, channel, (door, join_by)).await;
    }
}

async fn converse<S>(
    era: Era, link: Link, stream: S, shown: Option<Shown>, channel: Channel,
    (door, join_by): (oneshot::Receiver<()>, Instant),
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let frames = Frames::new(stream, era.config.timers.write);
    let conversation = Conversation { era, link, frames, shown, untold: None, join_by };
    conversation.run(channel, Some(door)).await;
}

/// A listener on `::` sees IPv4 peers as mapped addresses; traces and alarms name them as IPv4.
pub(crate) fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Half of the descriptors, which are raised to what the system allows.
fn half_of_descriptors() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where it cannot be raised, what there is has to do.
    let current = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    current.and_then(|most| usize::try_from(most / 2).ok()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_too_many_closes_the_oldest_that_has_not_joined() {
        let mut unjoined = Unjoined { doors: VecDeque::new(), most: 3 };
        let (mut first, second, mut third) = (unjoined.enter(), unjoined.enter(), unjoined.enter());
        assert!(first.try_recv().is_err(), "three have room");
        // It joins, or ends.
        drop(second);
        let mut fourth = unjoined.enter();
        assert!(first.try_recv().is_err(), "there was room again");
        let mut fifth = unjoined.enter();
        assert_eq!(first.try_recv(), Ok(()), "the oldest gives way");
        for stays in [&mut third, &mut fourth, &mut fifth] {
            assert!(stays.try_recv().is_err());
        }
        assert_eq!(unjoined.doors.len(), 3);
    }

    #[test]
    fn a_mapped_address_is_named_as_ipv4() {
        for (address, wanted) in
            [("[::ffff:127.0.0.1]:7", "127.0.0.1:7"), ("[::1]:7", "[::1]:7"), ("127.0.0.1:7", "127.0.0.1:7")]
        {
            let address: SocketAddr = address.parse().expect("an address");
            assert_eq!(unmapped(address).to_string(), wanted);
        }
    }
}
