//! The hub's side: accepts on the port in force, one task a connection, as long as the era lasts.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ils_core::event::{Direction, Happening, Link, PeerAddress};
use ils_core::handshake::Channel;
use ils_core::outcome::Outcome;
use ils_wire::Ephemeral;
use tokio::net::{TcpListener, TcpStream};

use crate::address::unmapped;
use crate::admit::{LetIn, secure};
use crate::clock;
use crate::conversation::{Conversation, Shown};
use crate::dice::octets;
use crate::era::Era;
use crate::seat::{CROWDED_OUT, Seat, Seats};
use crate::stream::Frames;

/// How long accepting pauses where the system gives no connection, as when descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts until the era ends.
pub(crate) async fn accept(era: Era, listener: TcpListener) {
    let mut seats = Seats::new(Arc::clone(&era.common.seats));
    loop {
        let accepted = tokio::select! {
            _ = era.ended() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                let seat = tokio::select! {
                    _ = era.ended() => return,
                    seat = seats.enter() => seat,
                };
                tokio::spawn(serve(era.clone(), socket, peer, seat));
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

async fn serve(era: Era, socket: TcpStream, peer: SocketAddr, mut seat: Seat) {
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
        let secured = tokio::select! {
            biased;
            _ = era.ended() => return,
            // A connection has room for the phase that it is in, not for the largest of all.
            secured = Box::pin(secure(&era, &link, socket)) => secured,
            () = seat.wanted() => return crowded_out(&era, &link).await,
        };
        let LetIn { stream, input, admitted, shown } = match secured {
            Ok(let_in) => *let_in,
            Err(left) => return left.linger(&era.common, Some(seat)),
        };
        era.common.keeper.note(&link, Happening::Accepted { admitted: Some(admitted) }).await;
        Box::pin(converse(era, link, stream, Some(shown), Channel::Tls(input), (seat, join_by))).await;
    } else {
        let channel = Channel::Plain(Ephemeral::from_bytes(octets(&*era.common.dice)));
        era.common.keeper.note(&link, Happening::Accepted { admitted: None }).await;
        Box::pin(converse(era, link, socket, None, channel, (seat, join_by))).await;
    }
}

/// Its place goes to a newer one in the middle of its TLS handshake.
async fn crowded_out(era: &Era, link: &Link) {
    let (outcome, detail) = (Outcome::Closed, CROWDED_OUT.to_owned());
    let closed = Happening::ClosedHere { outcome, detail, claim: String::new(), certificate: None };
    era.common.keeper.note(link, closed).await;
}

async fn converse<S>(
    era: Era, link: Link, stream: S, shown: Option<Shown>, channel: Channel, (seat, join_by): (Seat, Instant),
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let frames = Frames::new(stream, era.config.timers.write);
    let conversation = Conversation { era, link, frames, shown, untold: None, join_by };
    conversation.run(channel, Some(seat)).await;
}
