//! The PeerInfoVector: [`KnownPeer`] <-> the tables `peer` and `peer_node`.
//!
//! What is read is parsed as strictly as what a peer sends: a file can be edited by hand.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ils_core::ledger::{KnownPeer, Proof};
use ils_core::wire::{NODE_ADDRESSES, NODES, NodeAddress, PeerId, PeerInfo, Role};
use rusqlite::{Connection, Row, params};

use crate::cells::Cells;
use crate::error::{BadValue, ReadError};

const LEARN: &str =
    "INSERT INTO peer (peer_id, pkid, cluster_id, fqdn, description, version, role, route_string,
                                       proof, relayed_by)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                     ON CONFLICT (peer_id) DO UPDATE SET
                         pkid = excluded.pkid, cluster_id = excluded.cluster_id, fqdn = excluded.fqdn,
                         description = excluded.description, version = excluded.version, role = excluded.role,
                         route_string = excluded.route_string, proof = excluded.proof,
                         relayed_by = excluded.relayed_by";
const ALL_PEERS: &str =
    "SELECT peer_id, pkid, cluster_id, fqdn, description, version, role, route_string, proof, relayed_by
                         FROM peer ORDER BY peer_id";
const ALL_NODES: &str = "SELECT peer_id, position, host, addresses FROM peer_node ORDER BY peer_id, position";

/// Writes an entry, in the place of an earlier one of the same peer ID.
pub(crate) fn learn(connection: &Connection, known: &KnownPeer) -> rusqlite::Result<()> {
    let info = &known.info;
    let relayed_by = match known.proof {
        Proof::Relayed(hub) => Some(hub.to_string()),
        Proof::Certificate | Proof::Password => None,
    };
    connection.prepare_cached(LEARN)?.execute(params![
        info.peer_id.to_string(),
        known.pkid,
        info.cluster_id.as_str(),
        info.fqdn.as_str(),
        info.description.as_str(),
        info.version.as_str(),
        role_name(info.role),
        info.route_string.as_str(),
        known.proof.name(),
        relayed_by,
    ])?;
    write_nodes(connection, info)
}

fn write_nodes(connection: &Connection, info: &PeerInfo) -> rusqlite::Result<()> {
    let peer_id = info.peer_id.to_string();
    connection.prepare_cached("DELETE FROM peer_node WHERE peer_id = ?1")?.execute([&peer_id])?;
    let sql = "INSERT INTO peer_node (peer_id, position, host, addresses) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(sql)?;
    for (position, node) in (0_i64..).zip(&info.nodes) {
        let addresses: Vec<String> = node.addresses.iter().map(IpAddr::to_string).collect();
        let addresses = serde_json::Value::from(addresses).to_string();
        insert.execute(params![peer_id, position, node.host.as_str(), addresses])?;
    }
    Ok(())
}

/// An entry that is not there is forgotten already.
pub(crate) fn forget(connection: &Connection, peer_id: PeerId) -> rusqlite::Result<()> {
    let sql = "DELETE FROM peer WHERE peer_id = ?1";
    connection.prepare_cached(sql)?.execute([peer_id.to_string()]).map(drop)
}

/// All entries, in the order of peer IDs.
pub(crate) fn load(connection: &Connection) -> Result<Vec<KnownPeer>, ReadError> {
    let mut nodes = load_nodes(connection)?;
    let mut statement = connection.prepare(ALL_PEERS)?;
    let mut peers = statement.query_and_then([], read_peer)?.collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.info.nodes = nodes.remove(&peer.info.peer_id).unwrap_or_default();
    }
    match nodes.keys().next() {
        None => Ok(peers),
        Some(orphan) => {
            let row = orphan.to_string();
            let problem = "is not in the table peer".to_owned();
            Err(ReadError::Value(BadValue { table: "peer_node", row, column: "peer_id", problem }))
        }
    }
}

/// The publisher's own ID, if it has one yet.
pub(crate) fn identity(connection: &Connection) -> Result<Option<PeerId>, ReadError> {
    let mut statement = connection.prepare("SELECT only, peer_id FROM identity")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    peer_id(&Cells::new(row, "identity", &["only"])).map(Some)
}

/// Keeps the publisher's own ID.
pub(crate) fn identify(connection: &Connection, peer_id: PeerId) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO identity (only, peer_id) VALUES (1, ?1)";
    connection.execute(sql, [peer_id.to_string()]).map(drop)
}

fn read_peer(row: &Row<'_>) -> Result<KnownPeer, ReadError> {
    let cells = Cells::new(row, "peer", &["peer_id"]);
    let info = PeerInfo {
        peer_id: peer_id(&cells)?,
        cluster_id: cells.parsed("cluster_id")?,
        description: cells.parsed("description")?,
        version: cells.parsed("version")?,
        fqdn: cells.parsed("fqdn")?,
        role: role(&cells)?,
        route_string: cells.parsed("route_string")?,
        nodes: Vec::new(),
    };
    Ok(KnownPeer { info, proof: proof(&cells)?, pkid: cells.text("pkid")? })
}

fn load_nodes(connection: &Connection) -> Result<BTreeMap<PeerId, Vec<NodeAddress>>, ReadError> {
    let mut nodes: BTreeMap<PeerId, Vec<NodeAddress>> = BTreeMap::new();
    let mut statement = connection.prepare(ALL_NODES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let cells = Cells::new(row, "peer_node", &["peer_id", "position"]);
        let of_peer = nodes.entry(peer_id(&cells)?).or_default();
        of_peer.push(NodeAddress { host: cells.parsed("host")?, addresses: addresses(&cells)? });
        if of_peer.len() > NODES {
            return Err(cells.bad("position", format!("is one of more than {NODES} nodes")));
        }
    }
    Ok(nodes)
}

fn peer_id(cells: &Cells<'_>) -> Result<PeerId, ReadError> {
    let peer_id: PeerId = cells.parsed("peer_id")?;
    match peer_id.is_unknown() {
        true => Err(cells.bad("peer_id", "32 zeros are nobody's peer ID")),
        false => Ok(peer_id),
    }
}

fn role(cells: &Cells<'_>) -> Result<Role, ReadError> {
    match cells.text("role")?.as_str() {
        "hub" => Ok(Role::Hub),
        "spoke" => Ok(Role::Spoke),
        _ => Err(cells.bad("role", "is neither hub nor spoke")),
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

fn addresses(cells: &Cells<'_>) -> Result<Vec<IpAddr>, ReadError> {
    let texts: Vec<String> = cells.json("addresses")?;
    if texts.len() > NODE_ADDRESSES {
        return Err(cells.bad("addresses", format!("has more than {NODE_ADDRESSES} of them")));
    }
    let parse = |text: &String| text.parse().map_err(|error| cells.bad("addresses", format!("{error}")));
    texts.iter().map(parse).collect()
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Hub => "hub",
        Role::Spoke => "spoke",
    }
}
