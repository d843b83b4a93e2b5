//! `run sql`: what it shows, and what it will not do.

use std::path::PathBuf;
use std::time::Duration;

use crate::common::{id, learned, peer, said, setting, signed};
use ils_core::ledger::{Change, KnownPeer, Ledger};
use ils_core::wire::PeerInfo;
use ils_store::{QueryError, QueryLimits, Reader, Store, TABLES};
use serde_json::json;
use tempfile::TempDir;

struct Node {
    folder: TempDir,
    store: Store,
}

impl Node {
    /// A node that knows nobody yet.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&folder.path().join("ils.sqlite")).expect("the store opens");
        Self { folder, store }
    }

    /// A node with an identity, a name and two peers.
    fn with_peers() -> Self {
        let mut node = Self::new();
        node.store.append(&[vec![said(7), learned(1), learned(2)]]).expect("the append works");
        let description = "Main site".parse().expect("a description");
        node.store
            .set_node(&"hub.lab.example".parse().expect("an FQDN"), &description)
            .expect("the name is stored");
        node
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ils.sqlite")
    }

    fn query(&self, sql: &str) -> Result<String, QueryError> {
        self.query_within(sql, &QueryLimits::default())
    }

    fn query_within(&self, sql: &str, limits: &QueryLimits) -> Result<String, QueryError> {
        Reader::open(&self.path()).expect("the reader opens").query(sql, limits).map(|table| table.to_text())
    }
}

/// 32 hex digits as CUCM writes a key.
fn uuid(hex: &str) -> String {
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex[range].to_owned());
    groups.join("-")
}

#[test]
fn the_remote_clusters_are_printed_as_cucm_prints_them() {
    let mut node = Node::new();
    let info = PeerInfo {
        cluster_id: "1".parse().expect("a cluster ID"),
        description: "".parse().expect("a description"),
        fqdn: "cucm11.adfs.uccs.com".parse().expect("an FQDN"),
        ..peer(1).info().clone()
    };
    let pkid = "5ed8bbe9-d72b-4cd1-8f8e-93ab32cb58da".to_owned();
    let known = KnownPeer { entry: signed(1, &info, 2), pkid, ..peer(1) };
    node.store.append(&[vec![Change::Learned(known)]]).expect("the append works");
    let want = "pkid                                 fullyqualifiedname   clusterid description version\n\
                ==================================== ==================== ========= =========== ===============\n\
                5ed8bbe9-d72b-4cd1-8f8e-93ab32cb58da cucm11.adfs.uccs.com 1                     11.5.1.10000(4)\n";
    for sql in [
        "select * from remotecluster",
        "SELECT * FROM RemoteCluster;",
        " select *\nfrom remotecluster ; -- end",
    ] {
        assert_eq!(node.query(sql).as_deref(), Ok(want), "{sql}");
    }
}

#[test]
fn every_table_has_cucms_columns_and_its_content() {
    let node = Node::with_peers();
    let own = uuid(&id(7).to_string());
    let process_node = format!(
        "pkid                                 name            nodeid description\n\
         ==================================== =============== ====== ===========\n\
         {own} hub.lab.example 1      Main site\n"
    );
    let mut routes = [1, 2].map(|number| format!("{} route-{number}\n", id(number)));
    routes.sort();
    let catalog = format!(
        "peerid                           routestring\n================================ ===========\n{}{}",
        routes[0], routes[1]
    );
    for (sql, want) in [
        (
            "select fullyqualifiedname, clusterid from remotecluster where version like '11.5%' order by clusterid desc",
            "fullyqualifiedname clusterid\n================== =========\n\
             cucm2.lab.example  cluster-2\ncucm1.lab.example  cluster-1\n",
        ),
        ("select * from processnode", &process_node),
        (
            "select * from typepatternusage",
            "enum name\n==== ======================================\n22   Uri Routing\n\
             23   ILS Learned Enterprise Number\n24   ILS Learned E164 Number\n\
             25   ILS Learned Enterprise Numeric Pattern\n26   ILS Learned E164 Numeric Pattern\n\
             27   Alternate Number\n28   ILS Learned URI\n29   ILS Learned PSTN Failover Rule\n\
             30   ILS Imported E164 Number\n",
        ),
        ("select * from remoteclusteruricatalog order by peerid", &catalog),
        (
            "select * from remotecatalogkey",
            "remotecatalogkey_id remoteclusteruricatalog_peerid\n=================== ==============================\n",
        ),
        (
            "select * from remoteroutingpattern",
            "remotecatalogkey_id pattern tkpatternusage\n=================== ======= ==============\n",
        ),
        (
            "select * from remoteobjectpartitionrule",
            "pkid tkpatternusage partition isurgent\n==== ============== ========= ========\n",
        ),
        ("select count(*) from remotecluster", "count(*)\n========\n2\n"),
        ("select 1 as x from remotecluster", "x\n=\n1\n1\n"),
        (
            "select count(*) as n from remotecluster c, remoteclusteruricatalog u where u.routestring like 'route%'",
            "n\n=\n4\n",
        ),
        (
            "with short as (select clusterid as c from remotecluster) select upper(c) as c from short where c in \
             (select clusterid from remotecluster order by 1 limit 1)",
            "c\n=========\nCLUSTER-1\n",
        ),
        ("select null as a, 1.0 as b, x'0aff' as c", "a    b   c\n==== === ====\nNULL 1.0 0aff\n"),
    ] {
        assert_eq!(node.query(sql).as_deref(), Ok(want), "{sql}");
    }
}

#[test]
fn a_node_without_a_name_or_an_identity_can_be_asked() {
    let mut node = Node::new();
    assert_eq!(node.query("select name from processnode").as_deref(), Ok("name\n====\n"));
    let description = "".parse().expect("a description");
    node.store.set_node(&"hub".parse().expect("an FQDN"), &description).expect("the name is stored");
    assert_eq!(
        node.query("select name, pkid from processnode").as_deref(),
        Ok("name pkid\n==== ====\nhub  NULL\n")
    );
}

#[test]
fn a_nodes_description_is_the_one_that_was_changed_while_it_runs() {
    let mut node = Node::with_peers();
    let shown = |node: &Node| node.query("select description from processnode").expect("it is asked");
    for (change, want) in [
        (
            vec![Change::SettingChanged(setting("description", json!("Se\"cond"), json!("Main site")))],
            "Se\"cond",
        ),
        (vec![Change::SettingChanged(setting("description", json!(""), json!("Main site")))], ""),
        (vec![Change::SettingDropped("description".to_owned())], "Main site"),
    ] {
        node.store.append(&[change]).expect("the append works");
        assert_eq!(shown(&node).lines().nth(2).unwrap_or_default().trim_end(), want);
        let spelt = node.query("SELECT p.Description AS description FROM ProcessNode AS p");
        assert_eq!(spelt.as_deref(), Ok(&*shown(&node)), "whatever the case of its name");
    }
    let others = "with processnode as (select value ->> '$' from setting) select * from processnode";
    assert!(node.query(others).is_ok() && node.query("select '1' ->> '$'").is_err());
    assert!(node.query("select value from setting").is_err(), "only as the view has it");
}

#[test]
fn a_boolean_is_t_or_f() {
    let node = Node::new();
    let handle = rusqlite::Connection::open(node.path()).expect("another handle");
    let rows = "INSERT INTO remoteobjectpartitionrule VALUES ('a', 23, NULL, 0), ('b', 24, 'p', 1)";
    handle.execute_batch(rows).expect("rows are written");
    assert_eq!(
        node.query("select pkid, isurgent, tkpatternusage from remoteobjectpartitionrule order by pkid")
            .as_deref(),
        Ok(
            "pkid isurgent tkpatternusage\n==== ======== ==============\na    f        23\nb    t        24\n"
        )
    );
}

#[test]
fn nothing_but_select_on_cucms_tables_is_permitted() {
    let node = Node::with_peers();
    for (sql, what) in [
        ("select * from peer", "reading the table peer"),
        ("select count(*) from peer", "reading the table peer"),
        ("select 1 from peer", "reading the table peer"),
        ("select rowid from node", "reading the table node"),
        ("select count(*) from node, remotecluster", "reading the table node"),
        ("select count(*) from sqlite_master", "reading the table sqlite_master"),
        ("select count(*) from remotecluster, setting", "reading the table setting"),
        ("select * from setting", "reading the table setting"),
        ("select * from remotecluster, identity", "reading the table identity"),
        ("select (select peer_id from identity) from remotecluster", "reading the table identity"),
        (
            "with remotecluster as (select proof from peer) select * from remotecluster",
            "reading the table peer",
        ),
        ("select * from (select statement from own) as remotecluster", "reading the table own"),
        ("select * from sqlite_master", "reading the table sqlite_master"),
        ("select * from sqlite_schema", "reading the table sqlite_master"),
        ("select * from sqlite_temp_master", "reading the table sqlite_temp_master"),
        ("select * from pragma_table_info('peer')", "reading the table pragma_table_info"),
        ("select * from json_each('[1]')", "reading the table json_each"),
        ("select * from dbstat", "reading the table dbstat"),
        ("select * from sqlite_dbpage", "reading the table sqlite_dbpage"),
        ("pragma query_only = off", "a pragma"),
        ("pragma table_info(peer)", "a pragma"),
        ("attach 'other.sqlite' as other", "another database"),
        ("detach main", "another database"),
        ("vacuum into 'copy.sqlite'", "a statement other than select"),
        ("insert into remotecatalogkey values (1, 'x')", "a statement other than select"),
        ("update typepatternusage set name = ''", "a statement other than select"),
        ("delete from typepatternusage", "a statement other than select"),
        ("drop table typepatternusage", "a statement other than select"),
        ("create table x (y)", "a statement other than select"),
        ("create temp table x (y)", "a statement other than select"),
        ("begin", "a statement other than select"),
        ("savepoint x", "a statement other than select"),
        ("reindex", "a statement other than select"),
        ("analyze", "a statement other than select"),
        ("explain select * from remotecluster", "a statement other than select"),
        ("explain query plan select * from remotecluster", "a statement other than select"),
        ("select load_extension('x')", "the function load_extension"),
        ("select randomblob(9)", "the function randomblob"),
        ("select sqlite_version()", "the function sqlite_version"),
        ("select trim(clusterid, 'x') from remotecluster", "the function trim"),
        (
            "with recursive n(i) as (select 1 union all select i + 1 from n) select * from n",
            "a recursive query",
        ),
    ] {
        let got = node.query(sql);
        // Which of its own tables SQLite has is up to how it was built.
        let absent = matches!(&got, Err(QueryError::Wrong { problem, .. }) if problem.starts_with("no such table: sqlite_dbpage"));
        assert!(absent || got == Err(QueryError::NotPermitted { what: what.to_owned() }), "{sql}: {got:?}");
    }
    assert_eq!(node.query("select count(*) as n from typepatternusage").as_deref(), Ok("n\n=\n9\n"));
}

/// The one way round the views: it reads what the view shows, and nothing beside it.
#[test]
fn a_name_borrowed_from_a_view_shows_no_more_than_the_view() {
    let node = Node::with_peers();
    let borrowed = "with remotecluster as (select cluster_id from peer) select * from remotecluster";
    assert!(
        node.query(borrowed).is_ok_and(|text| text.contains("cluster-1")),
        "SQLite names the borrower as the view"
    );
    for column in ["peer_id", "route_string", "proof", "relayed_by", "statement", "public_key"] {
        let sql = format!("with remotecluster as (select {column} from peer) select * from remotecluster");
        let want = QueryError::NotPermitted { what: "reading the table peer".to_owned() };
        assert_eq!(node.query(&sql), Err(want), "{column}");
    }
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    let node = Node::with_peers();
    for (sql, want) in [
        ("", "there is no statement; write one, such as `select * from remotecluster`"),
        (" ; -- nothing", "there is no statement; write one, such as `select * from remotecluster`"),
        ("select 1; select 2", "there is more than one statement; send them one at a time"),
        ("select 1; drop table peer", "there is more than one statement; send them one at a time"),
        ("select * form remotecluster", "near \"form\": syntax error at character 10"),
        ("select 'ü', nowhere from remotecluster", "no such column: nowhere at character 13"),
        ("select * from remotecluste", "no such table: remotecluste"),
        ("select 'x", "unrecognized token: \"'x\" at character 8"),
        ("select nofunction(1)", "no such function: nofunction at character 8"),
        ("select * from remotecluster where clusterid = ?", "a parameter has no value"),
        ("select 1 \0 ; x", "a statement cannot hold the character with the number 0"),
        ("select abs(-9223372036854775807 - 1)", "integer overflow"),
    ] {
        let error = node.query(sql).expect_err(sql).to_string();
        assert_eq!(error, want, "{sql}");
    }
    let error = node.query("select * from peer").expect_err("hidden").to_string();
    assert!(TABLES.iter().all(|table| error.contains(table)), "{error}");
}

/// A join of nine rows with themselves, so often that the result has no end worth waiting for.
fn endless(columns: &str) -> String {
    let tables: Vec<String> = (0..12).map(|number| format!("typepatternusage t{number}")).collect();
    format!("select {columns} from {}", tables.join(", "))
}

#[test]
fn a_query_ends_at_its_limits() {
    let node = Node::with_peers();
    let limits = QueryLimits { time: Duration::from_millis(50), ..QueryLimits::default() };
    let sorted = format!("{} order by t0.name || t11.name", endless("t1.name"));
    for sql in [endless("count(*)"), endless("max(t0.name || t11.name)"), sorted] {
        assert_eq!(
            node.query_within(&sql, &limits),
            Err(QueryError::TooLong { limit: limits.time }),
            "{sql}"
        );
    }
    // Time enough, on whatever machine.
    let limits = QueryLimits { time: Duration::from_secs(600), ..QueryLimits::default() };
    let many = node.query_within(&endless("t0.enum"), &limits);
    assert_eq!(many, Err(QueryError::TooManyRows { limit: 10_000 }));
    let wide = format!("'{}'", "x".repeat(60_000));
    let large = Err(QueryError::TooLarge { limit: limits.bytes });
    for (case, sql) in [
        ("many wide cells", format!("{} limit 9999", endless(&wide))),
        (
            "one wide cell above many",
            format!("select {wide} as x union all select * from ({} limit 999)", endless("'y'")),
        ),
        ("a cell beyond SQLite's limit", format!("select replace({wide}, 'x', 'xxxxxxxxxx')")),
        ("a statement beyond SQLite's limit", format!("select '{}'", "x".repeat(100_000))),
    ] {
        assert_eq!(node.query_within(&sql, &limits), large, "{case}");
    }
}

#[test]
fn a_result_at_its_limit_is_whole() {
    let node = Node::with_peers();
    let limits = QueryLimits { rows: 9, ..QueryLimits::default() };
    assert!(node.query_within("select * from typepatternusage", &limits).is_ok());
    let limits = QueryLimits { rows: 8, ..limits };
    assert_eq!(
        node.query_within("select * from typepatternusage", &limits),
        Err(QueryError::TooManyRows { limit: 8 })
    );
}

#[test]
fn thousands_of_statements_are_more_than_one() {
    let node = Node::new();
    assert_eq!(node.query(&"select 1;".repeat(7_000)), Err(QueryError::MoreThanOne));
}

#[test]
fn a_reader_sees_what_was_committed_and_outlives_the_writer() {
    let mut node = Node::with_peers();
    let reader = Reader::open(&node.path()).expect("the reader opens");
    let count = || {
        let table = reader.query("select count(*) from remotecluster", &QueryLimits::default());
        table.expect("the query works").rows
    };
    assert_eq!(count(), [[Some("2".to_owned())]]);
    node.store.append(&[vec![learned(3)]]).expect("the append works");
    assert_eq!(count(), [[Some("3".to_owned())]]);
    drop(node.store);
    assert_eq!(count(), [[Some("3".to_owned())]]);
}
