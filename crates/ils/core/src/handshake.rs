//! From the first frame to a joined peer. Sans-IO: the caller owns socket, clock and dice.
//!
//! ```text
//! dialler    Hello ->        <- Hello    Register ->              <- Registered | Refused
//! listener   (waits)         Hello ->    (waits)                  [`Claimed`]: the registry decides
//! ```
//! A handshake ends in [`Claimed`]: the peer has said who it is, sealed where a password is set. Only
//! [`Claimed::accept`] builds a [`Joined`], so a session without proof does not compile.

use std::time::Instant;

use ils_wire::{
    Binding, Boxes, ConnectionKeys, End, Entry, Ephemeral, Hello, IdentityKey, Instance, Introduction, Kind,
    Message, NetworkKey, PROTOCOL_VERSIONS, PeerInfo, RawFrame, Reason, SharedInput, choose_version,
};

pub use crate::codec::{Codec, Sizes};
use crate::limits::Timers;
use crate::outcome::Outcome;
pub use crate::refusal::{Ending, Refusal};

/// What keys are made from besides the password: each port has its own input.
pub enum Channel {
    /// Port 7501: the TLS exporter of this connection.
    Tls(SharedInput),
    /// Port 7502: an X25519 secret made for this connection.
    Plain(Ephemeral),
}

/// This node's part in one conversation.
pub struct Local {
    /// What it says of itself.
    pub entry: Entry,
    /// The key by which it is itself.
    pub identity: IdentityKey,
    /// This life of its process.
    pub instance: Instance,
    /// Its two check boxes.
    pub boxes: Boxes,
    /// Its password, as a key; frames are sealed exactly where it is present.
    pub key: Option<NetworkKey>,
    /// Timers.
    pub timers: Timers,
}

impl Local {
    fn introduction(&self, end: End, binding: &Binding) -> Introduction {
        Introduction::new(&self.identity, self.entry.clone(), self.instance, end, binding)
    }
}

/// What comes next.
enum State {
    /// Either side, until the other's Hello. A dialler keeps the frame it sent.
    Hello { channel: Channel, random: [u8; 32], sent: Option<Vec<u8>> },
    /// A listener, after its own Hello.
    Register { codec: Codec, binding: Binding },
    /// A dialler, after its Register.
    Answer { codec: Codec, binding: Binding },
}

/// One conversation before the join.
pub struct Handshake {
    local: Local,
    state: State,
    deadline: Instant,
}

/// What a good frame leads to.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is moved on at once")]
pub enum Progress {
    /// Write these bytes, then wait for the next frame.
    Send(Vec<u8>, Handshake),
    /// The peer has said who it is.
    Claimed(Box<Claimed>),
}

impl Handshake {
    /// A dialler, and the Hello that it sends first.
    ///
    /// # Errors
    /// Where the Hello cannot be encoded, which no valid configuration brings about.
    pub fn dial(
        local: Local, channel: Channel, random: [u8; 32], now: Instant,
    ) -> Result<(Vec<u8>, Self), Refusal> {
        let bytes = hello(&local, &channel, random, PROTOCOL_VERSIONS.to_vec())?;
        let deadline = now + local.timers.hello;
        let state = State::Hello { channel, random, sent: Some(bytes.clone()) };
        Ok((bytes, Self { local, state, deadline }))
    }

    /// A listener, which waits for the dialler's Hello.
    pub fn listen(local: Local, channel: Channel, random: [u8; 32], now: Instant) -> Self {
        let deadline = now + local.timers.hello;
        Self { local, state: State::Hello { channel, random, sent: None }, deadline }
    }

    /// When [`Handshake::on_deadline`] is due, unless a frame comes first.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The peer's Hello has come: silence from now on is `unresponsive`, not `timeout`.
    pub fn has_hello(&self) -> bool {
        !matches!(self.state, State::Hello { .. })
    }

    /// Nothing came in time.
    pub fn on_deadline(self) -> Refusal {
        if self.has_hello() {
            Refusal::late(Outcome::Unresponsive, "the peer fell silent after its hello")
        } else {
            Refusal::late(Outcome::Timeout, "no hello came in time")
        }
    }

    /// Consumes the state: a failed handshake cannot be resumed.
    ///
    /// # Errors
    /// A [`Refusal`], whose reply is still to be written.
    pub fn on_frame(self, frame: RawFrame, now: Instant) -> Result<Progress, Refusal> {
        let Self { local, state, .. } = self;
        match state {
            State::Hello { channel, random, sent: None } => {
                listener_hello(local, channel, random, frame, now)
            }
            State::Hello { channel, sent: Some(sent), .. } => {
                dialler_hello(local, channel, &sent, frame, now)
            }
            State::Register { codec, binding } => register(local, codec, binding, frame),
            State::Answer { codec, binding } => answer(local, codec, binding, frame),
        }
    }
}

fn hello(local: &Local, channel: &Channel, random: [u8; 32], versions: Vec<u16>) -> Result<Vec<u8>, Refusal> {
    let share = match channel {
        Channel::Plain(ephemeral) => Some(ephemeral.public()),
        Channel::Tls(_) => None,
    };
    Message::Hello(Hello { versions, boxes: local.boxes, random, share })
        .encode_frame()
        .map_err(|error| Refusal::protocol(error.to_string()))
}

// spec: WIRE.md#hello - never sealed, and nothing else may come first
fn read_hello(frame: &RawFrame) -> Result<Hello, Refusal> {
    if frame.sealed || frame.kind != Kind::Hello {
        let seal = if frame.sealed { "sealed " } else { "" };
        return Err(Refusal::protocol(format!("a {seal}{:?} where a hello must come", frame.kind)));
    }
    match Message::decode(frame.kind, &frame.payload) {
        Ok(Message::Hello(hello)) => Ok(hello),
        Ok(other) => Err(Refusal::protocol(format!("a {:?} in a hello frame", other.kind()))),
        Err(error) => Err(Refusal::protocol(error.to_string())),
    }
}

fn listener_hello(
    local: Local, channel: Channel, random: [u8; 32], frame: RawFrame, now: Instant,
) -> Result<Progress, Refusal> {
    let theirs = read_hello(&frame)?;
    let Some(version) = choose_version(&theirs.versions) else {
        return Err(no_common_version(&theirs.versions));
    };
    let own = hello(&local, &channel, random, vec![version])?;
    if theirs.boxes.password != local.key.is_some() {
        let refusal = method_mismatch(&local, Ending::Request);
        return Err(Refusal { reply: Some(own), ..refusal });
    }
    let (binding, keys) = derived(&local, channel, &theirs, &frame.bytes(), &own)?;
    let codec = Codec(keys.map(ConnectionKeys::for_listener));
    let deadline = now + local.timers.register;
    Ok(Progress::Send(own, Handshake { local, state: State::Register { codec, binding }, deadline }))
}

fn dialler_hello(
    local: Local, channel: Channel, sent: &[u8], frame: RawFrame, now: Instant,
) -> Result<Progress, Refusal> {
    if let (Kind::Refused, false) = (frame.kind, frame.sealed) {
        return Err(refused_unsealed(&frame));
    }
    let theirs = read_hello(&frame)?;
    match theirs.versions.as_slice() {
        [chosen] if PROTOCOL_VERSIONS.contains(chosen) => {}
        other => return Err(not_offered(other)),
    }
    if theirs.boxes.password != local.key.is_some() {
        return Err(method_mismatch(&local, Ending::Indication));
    }
    let (binding, keys) = derived(&local, channel, &theirs, sent, &frame.bytes())?;
    let mut codec = Codec(keys.map(ConnectionKeys::for_dialler));
    let bytes = codec.encode(&Message::Register(local.introduction(End::Dialler, &binding)))?;
    let deadline = now + local.timers.register;
    Ok(Progress::Send(bytes, Handshake { local, state: State::Answer { codec, binding }, deadline }))
}

// spec: WIRE.md#key-schedule - and the binding, with or without a password
fn derived(
    local: &Local, channel: Channel, theirs: &Hello, dialler: &[u8], listener: &[u8],
) -> Result<(Binding, Option<ConnectionKeys>), Refusal> {
    let input = match (channel, theirs.share) {
        (Channel::Tls(input), _) => input,
        (Channel::Plain(ephemeral), Some(share)) => {
            ephemeral.agree(&share).map_err(|error| Refusal::protocol(error.to_string()))?
        }
        (Channel::Plain(_), None) => {
            return Err(Refusal::protocol("a hello without a key share on the password port".to_owned()));
        }
    };
    let keys = local.key.as_ref().map(|key| ConnectionKeys::derive(key, &input, dialler, listener));
    Ok((Binding::derive(&input, dialler, listener), keys))
}

fn no_common_version(offered: &[u16]) -> Refusal {
    let detail = format!("the peer speaks protocol versions {offered:?}, this node {PROTOCOL_VERSIONS:?}");
    let reply = Message::refused(Reason::ProtocolVersion, &detail).encode_frame().ok();
    Refusal { reply, ..Refusal::new(Outcome::ProtocolVersion, Ending::Request, detail) }
}

/// A listener that breaks the rule of the one version chosen. Without last words: it would take them for a Register
/// that does not open, and blame the password.
fn not_offered(chosen: &[u16]) -> Refusal {
    let detail = format!("the peer chose protocol versions {chosen:?} of {PROTOCOL_VERSIONS:?}");
    Refusal::new(Outcome::ProtocolVersion, Ending::Request, detail)
}

/// Only a refusal over the version may come unsealed: anything else could be anybody's word.
fn refused_unsealed(frame: &RawFrame) -> Refusal {
    match Message::decode(frame.kind, &frame.payload) {
        Ok(Message::Refused { reason: Reason::ProtocolVersion, text }) => {
            Refusal::told(Reason::ProtocolVersion, text.as_str(), None)
        }
        _ => Refusal::protocol("a refusal where a hello must come".to_owned()),
    }
}

fn method_mismatch(local: &Local, ending: Ending) -> Refusal {
    let (ours, theirs) = if local.key.is_some() { ("uses", "does not") } else { ("does not use", "does") };
    let detail = format!("this side {ours} a password, the other {theirs}");
    Refusal::new(Outcome::MethodMismatch, ending, detail)
}

// spec: WIRE.md#register - nothing else may follow the hello, sealed where a password is set here
fn register(local: Local, mut codec: Codec, binding: Binding, frame: RawFrame) -> Result<Progress, Refusal> {
    match codec.decode(frame)? {
        (Message::Register(peer), opened) => claimed(local, codec, peer, opened, (End::Listener, binding)),
        (Message::Bye { reason, text }, opened) => Err(Refusal::told(reason, text.as_str(), opened)),
        (other, opened) => Err(out_of_order(&other, opened)),
    }
}

fn answer(local: Local, mut codec: Codec, binding: Binding, frame: RawFrame) -> Result<Progress, Refusal> {
    match codec.decode(frame)? {
        (Message::Registered(peer), opened) => claimed(local, codec, peer, opened, (End::Dialler, binding)),
        (Message::Refused { reason, text } | Message::Bye { reason, text }, opened) => {
            Err(Refusal::told(reason, text.as_str(), opened))
        }
        (other, opened) => Err(out_of_order(&other, opened)),
    }
}

fn out_of_order(message: &Message, opened: Option<Sizes>) -> Refusal {
    Refusal { opened, ..Refusal::protocol(format!("a {:?} out of order", message.kind())) }
}

// spec: WIRE.md#identity - nobody is known by a key that he has not
fn claimed(
    local: Local, codec: Codec, peer: Introduction, opened: Option<Sizes>, (end, binding): (End, Binding),
) -> Result<Progress, Refusal> {
    let other_end = if end == End::Listener { End::Dialler } else { End::Listener };
    let is_proven = peer.is_proven(other_end, &binding);
    let claimed = Claimed { local, codec, peer, opened, end, binding };
    if is_proven { Ok(Progress::Claimed(Box::new(claimed))) } else { Err(impostor(claimed)) }
}

fn impostor(claimed: Claimed) -> Refusal {
    let opened = claimed.opened;
    let peer_id = claimed.info().peer_id;
    let detail = format!(
        "the proof that goes with the peer ID {peer_id} is not of its key, or not for this connection"
    );
    let reply = claimed.refuse(Reason::DuplicateIdentity, &detail);
    Refusal { reply, opened, ..Refusal::new(Outcome::DuplicateIdentity, Ending::Request, detail) }
}

/// The peer has said who it is. Whether that may be is the registry's decision.
pub struct Claimed {
    local: Local,
    codec: Codec,
    peer: Introduction,
    opened: Option<Sizes>,
    /// This node's end.
    end: End,
    binding: Binding,
}

impl Claimed {
    /// What the peer says of itself.
    pub fn info(&self) -> &PeerInfo {
        self.peer.entry.info()
    }

    /// The same, as it signed it.
    pub fn entry(&self) -> &Entry {
        &self.peer.entry
    }

    /// The life of its process.
    pub fn instance(&self) -> Instance {
        self.peer.instance
    }

    /// The claim came in a frame sealed with our password.
    pub fn sealed(&self) -> bool {
        self.opened.is_some()
    }

    /// Sizes of the first sealed frame, for the trace.
    pub fn opened(&self) -> Option<Sizes> {
        self.opened
    }

    /// The registry has stored it: the bytes still to be written (a listener's Registered), and the joined peer.
    ///
    /// # Errors
    /// Where this node's own information cannot be encoded.
    pub fn accept(mut self) -> Result<(Option<Vec<u8>>, Joined), Refusal> {
        let bytes = match self.end {
            End::Listener => {
                let own = self.local.introduction(End::Listener, &self.binding);
                Some(self.codec.encode(&Message::Registered(own))?)
            }
            End::Dialler => None,
        };
        Ok((bytes, Joined { codec: self.codec, peer: self.peer.entry, timers: self.local.timers }))
    }

    /// The registry refused: the last words to the peer (Refused from a listener, Bye from a dialler).
    pub fn refuse(mut self, reason: Reason, text: &str) -> Option<Vec<u8>> {
        let last = match self.end {
            End::Listener => Message::refused(reason, text),
            End::Dialler => Message::bye(reason, text),
        };
        self.codec.encode(&last).ok()
    }
}

/// A peer that has joined: what a session is made of.
pub struct Joined {
    pub(crate) codec: Codec,
    pub(crate) peer: Entry,
    pub(crate) timers: Timers,
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
