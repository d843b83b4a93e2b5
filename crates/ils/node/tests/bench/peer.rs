//! A peer that is not ours: it speaks the protocol by hand, seals as it should, and then says whatever a test wants.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ils_core::ledger::{KnownPeer, Proof};
use ils_core::limits::PEERS_ADVERTISED;
use ils_wire::{
    Binding, Boxes, ConnectionKeys, Decoder, End, Entry, Ephemeral, Hello, IdentityKey, Introduction,
    Message, NODE_ADDRESSES, NODES, NodeAddress, Opener, PeerId, PeerInfo, RawFrame, Role, Sealer,
    SharedInput,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::network_key;
use super::pki::Pair;
use super::tls;

/// Where a peer comes in, or is dialled, and with what.
#[derive(Clone)]
pub(crate) struct Door {
    /// The TLS port, and what is shown there.
    pub(crate) tls: Option<Arc<Pair>>,
    /// What frames are sealed with.
    pub(crate) password: Option<&'static str>,
}

impl From<&'static str> for Door {
    fn from(password: &'static str) -> Self {
        Self { tls: None, password: Some(password) }
    }
}

/// Where a hub of a test waits for a spoke, and its address.
pub(crate) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

/// Octets both ways.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection before the first Hello.
pub(crate) struct Wire {
    pub(crate) stream: Box<dyn Stream>,
    /// What the TLS of both sides exports.
    exported: Option<[u8; 32]>,
}

impl Wire {
    fn plain(stream: TcpStream) -> Self {
        Self { stream: Box::new(stream), exported: None }
    }

    /// Sends octets, all the way: TLS may hold what it has taken until it is flushed.
    pub(crate) async fn send(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(octets).await?;
        self.stream.flush().await
    }
}

impl Door {
    /// A connection to a hub.
    pub(crate) async fn dial(&self, hub: SocketAddr, from: &str) -> Wire {
        let Some(pair) = &self.tls else { return Wire::plain(connect(hub, from).await) };
        let stream = tls::dial(hub, pair).await.expect("a handshake");
        let exported = Some(tls::exported(stream.get_ref().1));
        Wire { stream: Box::new(stream), exported }
    }

    /// A connection of a dialler.
    pub(crate) async fn answer(&self, listener: &TcpListener) -> Wire {
        let Some(pair) = &self.tls else { return Wire::plain(listener.accept().await.expect("a dialler").0) };
        let stream = tls::answer(listener, pair).await.expect("a handshake");
        let exported = Some(tls::exported(stream.get_ref().1));
        Wire { stream: Box::new(stream), exported }
    }

    /// The Hello of a side that is set for it.
    pub(crate) fn hello(&self) -> Vec<u8> {
        let boxes = Boxes { tls: self.tls.is_some(), password: self.password.is_some() };
        let share = self.tls.is_none().then(|| ephemeral().public());
        Message::Hello(Hello { versions: vec![2], boxes, random: [7; 32], share })
            .encode_frame()
            .expect("encodes")
    }

    /// What the connection is bound by, and its keys where there is a password.
    fn derived(
        &self, wire: &Wire, theirs: &RawFrame, dialler: &[u8], listener: &[u8],
    ) -> (Binding, Option<ConnectionKeys>) {
        let input = wire.exported.map_or_else(|| agreed(theirs), SharedInput::from_exporter);
        let keys = self
            .password
            .map(|password| ConnectionKeys::derive(&network_key(password), &input, dialler, listener));
        (Binding::derive(&input, dialler, listener), keys)
    }
}

fn agreed(theirs: &RawFrame) -> SharedInput {
    let Ok(Message::Hello(hello)) = Message::decode(theirs.kind, &theirs.payload) else {
        panic!("not a hello: {theirs:?}")
    };
    ephemeral().agree(&hello.share.expect("a share")).expect("a good share")
}

/// A connection after both Hellos.
pub(crate) struct Peer {
    socket: Box<dyn Stream>,
    decoder: Decoder,
    /// Its end of the connection, and what this is bound by.
    at: (End, Binding),
    /// Present with a password.
    seal: Option<(Sealer, Opener)>,
    /// The other side's Hello.
    pub(crate) hello: RawFrame,
}

/// The keys of all the peers so far, by their peer IDs.
static KEYS: LazyLock<Mutex<BTreeMap<PeerId, IdentityKey>>> = LazyLock::new(Default::default);

/// The peer ID of whoever has the key with this seed.
fn peer_id(seed: [u8; 32]) -> PeerId {
    let key = IdentityKey::from_seed(&seed);
    let peer_id = key.peer_id();
    KEYS.lock().unwrap_or_else(PoisonError::into_inner).insert(peer_id, key);
    peer_id
}

/// The key of a peer that was named before.
pub(crate) fn key(peer_id: PeerId) -> IdentityKey {
    let keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    keys.get(&peer_id).expect("a peer of `info` or `numbered`").clone()
}

/// What a peer says of itself, in its own version.
pub(crate) fn signed(info: &PeerInfo, version: u64) -> Entry {
    Entry::sign(&key(info.peer_id), info.clone(), version).expect("within its bounds")
}

/// The first that it says.
pub(crate) fn entry(info: &PeerInfo) -> Entry {
    signed(info, 1)
}

/// A peer that dials on no connection in particular.
pub(crate) fn stray(info: &PeerInfo) -> Introduction {
    let binding = Binding::derive(&SharedInput::from_exporter([9; 32]), b"hello", b"hello");
    Introduction::new(&key(info.peer_id), entry(info), INSTANCE, End::Dialler, &binding)
}

/// The life of a peer's process.
pub(crate) const INSTANCE: [u8; 16] = [0x77; 16];

/// What a peer says of itself.
pub(crate) fn info(name: &str, seed: u8, role: Role) -> PeerInfo {
    PeerInfo {
        peer_id: peer_id([seed; 32]),
        cluster_id: name.parse().expect("a cluster ID"),
        description: Default::default(),
        version: "11.5.1.10000(4)".parse().expect("a version"),
        fqdn: format!("{name}.lab.example").parse().expect("an FQDN"),
        role,
        route_string: format!("{name}.lab.example").parse().expect("a route string"),
        nodes: Vec::new(),
    }
}

/// Cluster number `n` of many, a spoke.
pub(crate) fn numbered(n: u32) -> PeerInfo {
    let mut seed = [0xb0; 32];
    seed[..4].copy_from_slice(&n.to_be_bytes());
    PeerInfo { peer_id: peer_id(seed), ..info(&format!("cluster{n}"), 1, Role::Spoke) }
}

/// With all the nodes and addresses that an entry may have, each of the longest name.
pub(crate) fn large(info: &PeerInfo) -> PeerInfo {
    let label = "h".repeat(63);
    let host = format!("{label}.{label}.{label}.{}", "h".repeat(61)).parse().expect("a host");
    let node =
        NodeAddress { host, addresses: vec!["2001:db8::1".parse().expect("an address"); NODE_ADDRESSES] };
    PeerInfo { nodes: vec![node; NODES], ..info.clone() }
}

/// As many large clusters as a hub tells of besides itself: more to say than sockets hold.
pub(crate) fn much() -> Vec<KnownPeer> {
    let known = |n| KnownPeer {
        entry: entry(&large(&numbered(n))),
        proof: Proof::Relayed(PeerId::from_bytes([0xee; 16])),
        pkid: format!("key-{n}"),
    };
    (1..u32::try_from(PEERS_ADVERTISED).expect("few")).map(known).collect()
}

fn ephemeral() -> Ephemeral {
    Ephemeral::from_bytes([9; 32])
}

/// A connection from this address, with a receive buffer that is soon full.
pub(crate) async fn connect(hub: SocketAddr, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("takes it");
    socket.bind(SocketAddr::new(from.parse().expect("an address"), 0)).expect("binds");
    socket.connect(hub).await.expect("connects")
}

impl Peer {
    /// Dials, and exchanges Hellos.
    pub(crate) async fn dial(hub: SocketAddr, from: &str, door: impl Into<Door>) -> Self {
        let door = door.into();
        let (mut wire, mut decoder, own) = (door.dial(hub, from).await, Decoder::new(), door.hello());
        wire.send(&own).await.expect("writes");
        let hello = frame(&mut wire.stream, &mut decoder).await.expect("a hello");
        let (binding, keys) = door.derived(&wire, &hello, &own, &hello.bytes());
        let at = (End::Dialler, binding);
        Self { socket: wire.stream, decoder, at, seal: keys.map(ConnectionKeys::for_dialler), hello }
    }

    /// Waits for a dialler, and exchanges Hellos.
    pub(crate) async fn answer(listener: &TcpListener, door: impl Into<Door>) -> Self {
        let door = door.into();
        let (mut wire, mut decoder, own) = (door.answer(listener).await, Decoder::new(), door.hello());
        let hello = frame(&mut wire.stream, &mut decoder).await.expect("a hello");
        wire.send(&own).await.expect("writes");
        let (binding, keys) = door.derived(&wire, &hello, &hello.bytes(), &own);
        let at = (End::Listener, binding);
        Self { socket: wire.stream, decoder, at, seal: keys.map(ConnectionKeys::for_listener), hello }
    }

    /// A spoke of this name that has joined.
    pub(crate) async fn spoke(hub: SocketAddr, name: &str, door: impl Into<Door>) -> Self {
        Self::join(hub, info(name, 5, Role::Spoke), door).await
    }

    /// Whoever that is, joined.
    pub(crate) async fn join(hub: SocketAddr, info: PeerInfo, door: impl Into<Door>) -> Self {
        let mut peer = Self::dial(hub, "127.0.0.1", door).await;
        let register = peer.introduction(&info);
        peer.say(&register).await.expect("writes");
        assert!(matches!(peer.hear().await, Some(Message::Registered(_))), "it joins");
        peer.decoder.joined();
        peer
    }

    /// A hub of this name that has answered a dialler's Register.
    pub(crate) async fn hub(listener: &TcpListener, info: PeerInfo, door: impl Into<Door>) -> Self {
        let mut peer = Self::answer(listener, door).await;
        assert!(matches!(peer.hear().await, Some(Message::Register(_))), "it registers");
        let registered = peer.introduction(&info);
        peer.say(&registered).await.expect("writes");
        peer.decoder.joined();
        peer
    }

    /// Who it is: a Register where it has dialled, a Registered where it was.
    pub(crate) fn introduction(&self, info: &PeerInfo) -> Message {
        self.introduction_of(entry(info), INSTANCE)
    }

    /// The same in another life of its process.
    pub(crate) fn introduction_of(&self, entry: Entry, instance: [u8; 16]) -> Message {
        let (end, binding) = self.at;
        let introduction = Introduction::new(&key(entry.peer_id()), entry, instance, end, &binding);
        if end == End::Dialler { Message::Register(introduction) } else { Message::Registered(introduction) }
    }

    /// The octets of a message, as they are sent next.
    pub(crate) fn octets(&mut self, message: &Message) -> Vec<u8> {
        match &mut self.seal {
            Some((sealer, _)) => sealer.seal(message).expect("seals"),
            None => message.encode_frame().expect("encodes"),
        }
    }

    /// Sends a message, sealed where a password is set.
    pub(crate) async fn say(&mut self, message: &Message) -> std::io::Result<()> {
        let bytes = self.octets(message);
        self.socket.write_all(&bytes).await?;
        self.socket.flush().await
    }

    /// Sends octets as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.expect("writes");
        self.socket.flush().await.expect("writes");
    }

    /// Listens until a vector has come whole.
    pub(crate) async fn whole_vector(&mut self) {
        while !matches!(self.hear().await.expect("a vector"), Message::PeerInfoVector { last: true, .. }) {}
    }

    /// Reads, and says nothing, until the end.
    pub(crate) async fn listen(mut self) {
        let mut octets = [0; 4096];
        while self.socket.read(&mut octets).await.is_ok_and(|length| length > 0) {}
    }

    /// All that comes up to the end, read first and opened after: as fast as can be.
    pub(crate) async fn rest(&mut self) -> Vec<Message> {
        let mut octets = Vec::new();
        // A reset ends it too; what came before counts.
        let _ = self.socket.read_to_end(&mut octets).await;
        self.decoder.push(&octets);
        let mut heard = Vec::new();
        while let Some(frame) = self.decoder.next().expect("a good frame") {
            heard.push(self.open(frame));
        }
        heard
    }

    /// Hangs up, in an orderly way.
    pub(crate) async fn hang_up(&mut self) {
        self.socket.shutdown().await.expect("it is still connected");
    }

    /// The next frame as it came; `None` at the end.
    pub(crate) async fn frame(&mut self) -> Option<RawFrame> {
        frame(&mut self.socket, &mut self.decoder).await
    }

    /// The next message; `None` at the end.
    pub(crate) async fn hear(&mut self) -> Option<Message> {
        let frame = self.frame().await?;
        Some(self.open(frame))
    }

    /// The message in a frame.
    pub(crate) fn open(&mut self, frame: RawFrame) -> Message {
        match &mut self.seal {
            Some((_, opener)) => opener.open(frame).expect("opens").message,
            None => Message::decode(frame.kind, &frame.payload).expect("a message"),
        }
    }

    /// What it hears last before the end.
    pub(crate) async fn last_heard(&mut self) -> Option<Message> {
        let mut last = None;
        while let Some(message) = self.hear().await {
            last = Some(message);
        }
        last
    }
}

async fn frame(socket: &mut Box<dyn Stream>, decoder: &mut Decoder) -> Option<RawFrame> {
    let mut buffer = [0; 2048];
    loop {
        if let Some(frame) = decoder.next().expect("a good frame") {
            return Some(frame);
        }
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => decoder.push(buffer.get(..length).expect("no more than fits")),
        }
    }
}
