//! A set of targets: each dialled once, and ended alone or with the era.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use ils_core::config::Config;
use ils_core::event::Noted;
use ils_core::limits::Timers;
use ils_store::MemoryStore;
use ils_wire::{Boxes, IdentityKey, NetworkKey};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use super::*;
use crate::dice::SystemDice;
use crate::era::{Common, EraEnd};
use crate::keeper::tests::{config, registry};
use crate::keeper::{Keeper, Scribe};
use crate::tls;

/// For a node whose events nobody wants.
struct Nobody;

impl Scribe for Nobody {
    fn write(&mut self, _: Noted) {}
}

/// Somebody who is dialled, and never answers.
struct Target {
    listener: TcpListener,
    registration: Registration,
}

impl Target {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let registration = Registration { host: "127.0.0.1".to_owned(), tls_port: port, password_port: port };
        Self { listener, registration }
    }

    async fn dialled(&self) -> TcpStream {
        self.listener.accept().await.expect("a connection").0
    }

    /// Nobody waits to be accepted. Meant for when all have ended who could.
    fn was_left_alone(self) -> bool {
        let listener = self.listener.into_std().expect("a listener");
        listener.accept().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

/// Waits for the end of a connection.
async fn ended(stream: &mut TcpStream) {
    let mut hello_and_bye = Vec::new();
    // Whether it is closed or reset, it has ended.
    let _ = stream.read_to_end(&mut hello_and_bye).await;
}

/// Has it ended already?
fn has_ended(stream: &TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.try_read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// An era of a node that waits long for its peers and longer until it dials again.
fn era() -> (Era, EraEnd) {
    let config = Config {
        boxes: Boxes { tls: false, password: true },
        network_key: Some(NetworkKey::from_password(b"one password")),
        timers: Timers::default().patient(60),
        retry_initial: Duration::from_secs(3600),
        retry_max: Duration::from_secs(3600),
        ..config()
    };
    let identity_key = IdentityKey::from_seed(&[7; 32]);
    let registry = registry(config, identity_key.clone());
    let (keeper, _) = Keeper::start(registry, MemoryStore::new(), Nobody).expect("a thread");
    let snapshot = keeper.snapshot();
    let (lingering, _) = mpsc::channel(1);
    let common = Common {
        keeper,
        identity_key,
        instance: [1; 16],
        dice: Arc::new(SystemDice),
        provider: tls::provider(),
        lingering,
        seats: Arc::new(Semaphore::new(1)),
        accept_errors: Arc::default(),
    };
    let own = snapshot.own.clone().expect("a node that is not standalone");
    Era::begin(common, Arc::clone(&snapshot.config), own, None, None)
}

fn only<const N: usize>(targets: [&Target; N]) -> BTreeSet<Registration> {
    targets.into_iter().map(|target| target.registration.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_target_is_dialled_once_however_often_it_is_named() {
    let (first, second) = (Target::new().await, Target::new().await);
    let (era, end) = era();
    let mut diallers = Diallers::new(era);
    for targets in [only([&first]), only([&first]), only([&first, &second]), only([&second, &first])] {
        diallers.keep(targets, Reason::Disconnected);
    }
    let (one, other) = (first.dialled().await, second.dialled().await);
    assert!(!has_ended(&one) && !has_ended(&other), "none disturbs another");
    drop(diallers);
    end.finish(Reason::Shutdown).await;
    assert!(first.was_left_alone() && second.was_left_alone(), "nobody was dialled twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_no_target_any_more_ends_alone_and_is_dialled_anew_when_it_is_one_again() {
    let (first, second) = (Target::new().await, Target::new().await);
    let (era, end) = era();
    let mut diallers = Diallers::new(era);
    diallers.keep(only([&first, &second]), Reason::Disconnected);
    let (mut one, mut other) = (first.dialled().await, second.dialled().await);
    diallers.keep(only([&second]), Reason::Disconnected);
    ended(&mut one).await;
    assert!(!has_ended(&other), "the other goes on");
    diallers.keep(only([&first, &second]), Reason::Disconnected);
    let mut again = first.dialled().await;
    assert!(!has_ended(&again) && !has_ended(&other));
    drop(diallers);
    end.finish(Reason::Shutdown).await;
    ended(&mut again).await;
    ended(&mut other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_ends_for_its_own_reason_and_the_rest_for_that_of_the_era() {
    let (era, end) = era();
    let ((one, ends_one), (other, ends_other)) = (era.part(), era.part());
    ends_one.finish(Reason::Disconnected);
    assert_eq!(one.ended().await, Reason::Disconnected);
    assert_eq!((one.is_over(), other.is_over(), era.is_over()), (true, false, false));
    // Nobody is left who could end it alone: the era still does.
    drop(ends_other);
    let waits = tokio::spawn(async move { other.ended().await });
    drop((era, one));
    end.finish(Reason::Restart).await;
    assert_eq!(waits.await.expect("it ends"), Reason::Restart);
}
