//! What a ledger promises, asked of every store.

use crate::common::{self, id, learned, peer, peers, said, setting, signed};
use ils_core::ledger::{Change, Durable, KnownPeer, Ledger, Proof};
use ils_core::settings::Override;
use ils_store::{MemoryStore, Store};
use rusqlite::Connection;
use serde_json::json;
use std::any::Any;
use std::path::PathBuf;
use tempfile::TempDir;

/// A place where a store lives on while nobody has it open.
trait Bed {
    type Kept: Ledger;
    fn new() -> Self;
    fn open(&self) -> Self::Kept;
    /// Nothing can be written until the value is dropped.
    fn fault(&self) -> Box<dyn Any>;
}

struct SqliteBed(TempDir);

impl SqliteBed {
    fn path(&self) -> PathBuf {
        self.0.path().join("db/ils.sqlite")
    }
}

impl Bed for SqliteBed {
    type Kept = Store;

    fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    fn open(&self) -> Store {
        Store::open(&self.path()).expect("the store opens")
    }

    fn fault(&self) -> Box<dyn Any> {
        let other = Connection::open(self.path()).expect("another handle");
        other.execute_batch("BEGIN IMMEDIATE").expect("the lock is free");
        Box::new(other)
    }
}

struct MemoryBed(MemoryStore);

struct Fault(MemoryStore);

impl Drop for Fault {
    fn drop(&mut self) {
        self.0.recover();
    }
}

impl Bed for MemoryBed {
    type Kept = MemoryStore;

    fn new() -> Self {
        Self(MemoryStore::new())
    }

    fn open(&self) -> MemoryStore {
        self.0.clone()
    }

    fn fault(&self) -> Box<dyn Any> {
        self.0.fail("told to fail");
        Box::new(Fault(self.0.clone()))
    }
}

macro_rules! battery {
    ($($name:ident),* $(,)?) => {
        mod sqlite { $(#[test] fn $name() { super::$name(&<super::SqliteBed as super::Bed>::new()); })* }
        mod memory { $(#[test] fn $name() { super::$name(&<super::MemoryBed as super::Bed>::new()); })* }
    };
}

battery![
    a_new_store_is_empty,
    what_was_appended_is_there_after_reopening,
    each_change_changes_its_own_thing,
    sets_count_in_their_order,
    an_append_that_fails_leaves_all_as_it_was_and_a_later_one_works,
    a_probe_changes_nothing_and_tells_of_a_fault,
    empty_sets_work_even_where_nothing_can_be_written,
    a_thousand_peers_come_back,
];

fn load(bed: &impl Bed) -> Durable {
    bed.open().load().expect("the store loads")
}

fn a_new_store_is_empty(bed: &impl Bed) {
    assert_eq!(load(bed), Durable::default());
}

fn what_was_appended_is_there_after_reopening(bed: &impl Bed) {
    let change = setting("use_tls", json!(true), json!(false));
    let sets = [vec![said(7), learned(2)], vec![Change::SettingChanged(change.clone()), learned(1)]];
    bed.open().append(&sets).expect("the append works");
    let want =
        Durable { own: Some(peer(7).entry), former: None, peers: peers([1, 2]), overrides: vec![change] };
    assert_eq!(load(bed), want);
}

/// Peers 1 and 2, and two settings: what the rows below start from.
fn before() -> Vec<Change> {
    let first = setting("description", json!("a"), json!(""));
    let second = setting("use_tls", json!(true), json!(false));
    vec![learned(1), learned(2), Change::SettingChanged(first), Change::SettingChanged(second)]
}

fn each_change_changes_its_own_thing(bed: &impl Bed) {
    let renamed =
        KnownPeer { entry: signed(1, peer(9).info(), 2), proof: Proof::Relayed(id(3)), pkid: "other".into() };
    let fewer_nodes = {
        let mut info = peer(1).info().clone();
        info.nodes.remove(0);
        KnownPeer { entry: signed(1, &info, 2), ..peer(1) }
    };
    let beside_2 = |known: &KnownPeer| {
        let mut both = vec![known.clone(), peer(2)];
        both.sort_by_key(KnownPeer::peer_id);
        both
    };
    let described = |value| setting("description", json!(value), json!(""));
    let tls = || setting("use_tls", json!(true), json!(false));
    type Row = (&'static str, Change, Vec<KnownPeer>, Vec<Override>);
    let rows: Vec<Row> = vec![
        ("known better", Change::Learned(renamed.clone()), beside_2(&renamed), vec![described("a"), tls()]),
        (
            "fewer nodes",
            Change::Learned(fewer_nodes.clone()),
            beside_2(&fewer_nodes),
            vec![described("a"), tls()],
        ),
        ("forgotten", Change::Forgotten(id(1)), vec![peer(2)], vec![described("a"), tls()]),
        ("forgotten, not known", Change::Forgotten(id(5)), peers([1, 2]), vec![described("a"), tls()]),
        ("set again", Change::SettingChanged(described("b")), peers([1, 2]), vec![described("b"), tls()]),
        ("dropped", Change::SettingDropped("use_tls".into()), peers([1, 2]), vec![described("a")]),
        (
            "dropped, not set",
            Change::SettingDropped("role".into()),
            peers([1, 2]),
            vec![described("a"), tls()],
        ),
    ];
    for (case, change, peers, overrides) in rows {
        let again: Vec<Change> = [1, 2].map(|number| Change::Forgotten(id(number))).to_vec();
        bed.open().append(&[again, before()]).expect("the start is written");
        bed.open().append(&[vec![change]]).expect("the change is written");
        assert_eq!(load(bed), Durable { own: None, former: None, peers, overrides }, "{case}");
    }
}

fn sets_count_in_their_order(bed: &impl Bed) {
    let sets = [vec![learned(1), learned(2)], vec![Change::Forgotten(id(1))], vec![], vec![said(4)]];
    bed.open().append(&sets).expect("the append works");
    bed.open().append(&[vec![said(5)]]).expect("the append works");
    assert_eq!(
        load(bed),
        Durable { own: Some(peer(5).entry), former: None, peers: vec![peer(2)], overrides: vec![] }
    );
}

fn an_append_that_fails_leaves_all_as_it_was_and_a_later_one_works(bed: &impl Bed) {
    let mut store = bed.open();
    store.append(&[vec![learned(1)]]).expect("the append works");
    let fault = bed.fault();
    store.append(&[vec![learned(2)], vec![Change::Forgotten(id(1))]]).expect_err("nothing can be written");
    drop(fault);
    assert_eq!(store.load().expect("the store loads").peers, [peer(1)]);
    store.append(&[vec![learned(3)]]).expect("the same store works again");
    assert_eq!(load(bed).peers, peers([1, 3]));
}

fn a_probe_changes_nothing_and_tells_of_a_fault(bed: &impl Bed) {
    let mut store = bed.open();
    store.append(&[before()]).expect("the append works");
    let before = load(bed);
    store.probe().expect("the store is writable");
    let fault = bed.fault();
    store.probe().expect_err("nothing can be written");
    drop(fault);
    store.probe().expect("the store is writable again");
    assert_eq!(load(bed), before);
}

fn empty_sets_work_even_where_nothing_can_be_written(bed: &impl Bed) {
    let mut store = bed.open();
    let _fault = bed.fault();
    store.append(&[]).expect("no sets");
    store.append(&[vec![], vec![]]).expect("empty sets");
}

fn a_thousand_peers_come_back(bed: &impl Bed) {
    let peers: Vec<u128> = (1..=1000).collect();
    let (first, rest) = peers.split_at(10);
    let mut store = bed.open();
    for number in first {
        store.append(&[vec![learned(*number)]]).expect("one at a time");
    }
    let sets: Vec<_> = rest.iter().map(|number| vec![learned(*number)]).collect();
    store.append(&sets).expect("all at once");
    assert_eq!(load(bed).peers, common::peers(peers));
}

#[test]
fn a_memory_store_counts_what_it_wrote() {
    let mut store = MemoryStore::new();
    store.append(&[vec![], vec![]]).expect("nothing to write");
    assert_eq!(store.writes(), 0);
    store.append(&[vec![learned(1)], vec![learned(2)]]).expect("the append works");
    assert_eq!(store.writes(), 1);
    store.fail("told to fail");
    let error = store.append(&[vec![learned(3)]]).expect_err("told to fail");
    assert_eq!((error.to_string(), store.writes()), ("told to fail".to_owned(), 1));
}
