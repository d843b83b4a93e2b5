//! `Ils::VerifyCertificateInfo()`: after the handshake, may this certificate stay?

use ils_core::event::{Admitted, Direction, Happening, Link};
use ils_core::snapshot::Snapshot;
use ils_core::trust::{Admission, admit};
use ils_wire::SharedInput;
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use crate::conversation::Shown;
use crate::era::{Common, Era};
use crate::seat::Seat;
use crate::tls::{Secured, Tls};

/// A TLS connection whose peer may stay.
pub(crate) struct LetIn {
    pub(crate) stream: TlsStream<TcpStream>,
    /// X for the keys.
    pub(crate) input: SharedInput,
    /// Why it may.
    pub(crate) admitted: Admitted,
    /// What its certificate showed.
    pub(crate) shown: Shown,
}

/// What is left of a connection whose peer may not stay.
pub(crate) enum Left {
    /// It is gone already.
    Nothing,
    /// TLS did not come about.
    Plain(TcpStream),
    /// TLS did.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Left {
    /// Lets the peer read its last words.
    pub(crate) fn linger(self, common: &Common, seat: Option<Seat>) {
        match self {
            Self::Nothing => {}
            Self::Plain(socket) => common.linger(socket, seat),
            Self::Tls(stream) => common.linger(*stream, seat),
        }
    }
}

/// TLS as the side that this node is, then the admission; what fails is noted here.
pub(crate) async fn secure(era: &Era, link: &Link, socket: TcpStream) -> Result<Box<LetIn>, Left> {
    let keeper = &era.common.keeper;
    let identity = era.identity.as_deref().ok_or(Left::Nothing)?;
    let tls = Tls { identity, config: &era.config, provider: &era.common.provider };
    let limit = era.config.timers.tls;
    let handshaken = match link.direction {
        Direction::Accepted => tls.accept(socket, limit).await,
        Direction::Dialled => tls.connect(socket, limit).await,
    };
    let secured = match handshaken {
        Ok(secured) => secured,
        Err(failed) => {
            keeper.note(link, *failed.happening).await;
            return Err(failed.socket.map_or(Left::Nothing, Left::Plain));
        }
    };
    match admission(era, &keeper.snapshot(), &secured) {
        Ok((admitted, shown)) => {
            Ok(Box::new(LetIn { stream: secured.stream, input: secured.input, admitted, shown }))
        }
        Err(happening) => {
            keeper.note(link, happening).await;
            Err(Left::Tls(Box::new(secured.stream)))
        }
    }
}

/// Why it may stay, and what it showed; or the happening that ends the connection.
fn admission(era: &Era, snapshot: &Snapshot, secured: &Secured) -> Result<(Admitted, Shown), Happening> {
    let Secured { certificate, verdict, .. } = secured;
    let Some(identity) = &era.identity else {
        return Err(Happening::NotKnown { name: certificate.display_name() });
    };
    let password_set = era.config.sealing_key().is_some();
    let known = |fqdn: &str| snapshot.peer_of_fqdn(fqdn).is_some();
    let mut shown =
        Shown { names: certificate.fqdns().to_vec(), display: certificate.display_name(), admitted_by: None };
    match admit(certificate, verdict, &identity.trust, password_set, known) {
        Admission::InStore => Ok((Admitted::InStore, shown)),
        Admission::RootUploaded => Ok((Admitted::RootUploaded, shown)),
        Admission::KnownFqdn(fqdn) => {
            shown.admitted_by = Some(fqdn.clone());
            Ok((Admitted::KnownFqdn(fqdn), shown))
        }
        Admission::NotKnown { name } => Err(Happening::NotKnown { name }),
    }
}
