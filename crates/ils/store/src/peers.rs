//! What clusters say of themselves: [`KnownPeer`] <-> the table `peer`, this node's own words <-> `own`.
//!
//! What is read is judged as strictly as what a peer sends: a file can be edited by hand.

use ils_core::ledger::{KnownPeer, Proof};
use ils_core::wire::{Entry, PUBLIC_LEN, PeerId, PeerInfo, SIGNATURE_LEN};
use rusqlite::{Connection, Row, params};

use crate::cells::Cells;
use crate::error::ReadError;

const LEARN: &str =
    "INSERT INTO peer (peer_id, pkid, cluster_id, fqdn, description, version, route_string, proof, relayed_by,
                       statement, public_key, signature)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                     ON CONFLICT (peer_id) DO UPDATE SET
                         pkid = excluded.pkid, cluster_id = excluded.cluster_id, fqdn = excluded.fqdn,
                         description = excluded.description, version = excluded.version,
                         route_string = excluded.route_string, proof = excluded.proof,
                         relayed_by = excluded.relayed_by, statement = excluded.statement,
                         public_key = excluded.public_key, signature = excluded.signature";
const ALL_PEERS: &str =
    "SELECT peer_id, pkid, cluster_id, fqdn, description, version, route_string, proof, relayed_by,
                                statement, public_key, signature
                         FROM peer ORDER BY peer_id";

/// Writes an entry, in the place of an earlier one of the same peer ID.
pub(crate) fn learn(connection: &Connection, known: &KnownPeer) -> rusqlite::Result<()> {
    let (entry, info) = (&known.entry, known.info());
    let relayed_by = match known.proof {
        Proof::Relayed(hub) => Some(hub.to_string()),
        Proof::Certificate | Proof::Password => None,
    };
    let written = connection.prepare_cached(LEARN)?.execute(params![
        info.peer_id.to_string(),
        known.pkid,
        info.cluster_id.as_str(),
        info.fqdn.as_str(),
        info.description.as_str(),
        info.version.as_str(),
        info.route_string.as_str(),
        known.proof.name(),
        relayed_by,
        entry.statement(),
        entry.public(),
        entry.signature(),
    ]);
    written.map(drop)
}

/// An entry that is not there is forgotten already.
pub(crate) fn forget(connection: &Connection, peer_id: PeerId) -> rusqlite::Result<()> {
    let sql = "DELETE FROM peer WHERE peer_id = ?1";
    connection.prepare_cached(sql)?.execute([peer_id.to_string()]).map(drop)
}

/// All entries, in the order of peer IDs.
pub(crate) fn load(connection: &Connection) -> Result<Vec<KnownPeer>, ReadError> {
    let mut statement = connection.prepare(ALL_PEERS)?;
    statement.query_and_then([], read_peer)?.collect()
}

/// What this node has said of itself last.
pub(crate) fn own(connection: &Connection) -> Result<Option<Entry>, ReadError> {
    let mut statement =
        connection.prepare("SELECT only, peer_id, statement, public_key, signature FROM own")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cells = Cells::new(row, "own", &["only"]);
    let entry = entry(&cells)?;
    is_signed(&cells, "peer_id", &entry.peer_id().to_string())?;
    Ok(Some(entry))
}

/// The peer ID of a node that has said nothing since peer IDs are fingerprints.
pub(crate) fn former(connection: &Connection) -> Result<Option<PeerId>, ReadError> {
    let sql = "SELECT only, peer_id FROM identity WHERE NOT EXISTS (SELECT 1 FROM own)";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Cells::new(row, "identity", &["only"]).parsed("peer_id").map(Some)
}

/// This node says so from now on.
pub(crate) fn say(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO own (only, peer_id, statement, public_key, signature) VALUES (1, ?1, ?2, ?3, ?4)";
    let peer_id = entry.peer_id().to_string();
    let values = params![peer_id, entry.statement(), entry.public(), entry.signature()];
    connection.execute(sql, values).map(drop)
}

fn read_peer(row: &Row<'_>) -> Result<KnownPeer, ReadError> {
    let cells = Cells::new(row, "peer", &["peer_id"]);
    let entry = entry(&cells)?;
    shows_what_is_signed(&cells, entry.info())?;
    Ok(KnownPeer { entry, proof: proof(&cells)?, pkid: cells.text("pkid")? })
}

fn entry(cells: &Cells<'_>) -> Result<Entry, ReadError> {
    let public = cells.octets::<PUBLIC_LEN>("public_key")?;
    let signature = cells.octets::<SIGNATURE_LEN>("signature")?;
    let verified = Entry::verify(&cells.blob("statement")?, public, signature);
    verified.map_err(|error| cells.bad("statement", format!("cannot be used: {error}")))
}

/// CUCM's tables show these columns, and what they show is what the cluster said.
fn shows_what_is_signed(cells: &Cells<'_>, info: &PeerInfo) -> Result<(), ReadError> {
    for (column, signed) in [
        ("peer_id", info.peer_id.to_string().as_str()),
        ("cluster_id", info.cluster_id.as_str()),
        ("fqdn", info.fqdn.as_str()),
        ("description", info.description.as_str()),
        ("version", info.version.as_str()),
        ("route_string", info.route_string.as_str()),
    ] {
        is_signed(cells, column, signed)?;
    }
    Ok(())
}

fn is_signed(cells: &Cells<'_>, column: &'static str, signed: &str) -> Result<(), ReadError> {
    match cells.text(column)? == signed {
        true => Ok(()),
        false => Err(cells.bad(column, format!("is not what the cluster has signed, `{signed}`"))),
    }
}

fn proof(cells: &Cells<'_>) -> Result<Proof, ReadError> {
    match (cells.text("proof")?.as_str(), cells.is_null("relayed_by")?) {
        ("certificate", true) => Ok(Proof::Certificate),
        ("password", true) => Ok(Proof::Password),
        ("relayed", false) => cells.parsed("relayed_by").map(Proof::Relayed),
        ("relayed", true) => Err(cells.bad("relayed_by", "is missing for a relayed entry")),
        ("certificate" | "password", false) => Err(cells.bad("relayed_by", "is set for a direct entry")),
        _ => Err(cells.bad("proof", "is neither certificate nor password nor relayed")),
    }
}
