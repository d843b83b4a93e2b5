//! The table "ILS Clusters and Global Dial Plan Imported Catalogs".

use std::fmt;

use ils_core::snapshot::{Peer, Snapshot};
use ils_core::time::Timestamp;
use ils_core::wire::{PeerId, Role};
use ilslab_time::UtcOffset;
use serde::{Serialize, Serializer};

use ilslab_time::page_time;

/// Headings, as the page has them.
pub const COLUMNS: [&str; 7] = [
    "Cluster ID/Name",
    "Last Contact Time",
    "Role",
    "Advertised Route String",
    "Last USN Data Received",
    "USN Data Synchronization Status",
    "Action",
];

/// What the `Action` column offers in every row.
pub const ACTION: &str = "Disconnect";

/// A cell without a value.
const NOTHING: &str = "-";

/// One cluster, in the words of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterRow {
    /// `Cluster ID/Name`.
    pub cluster_id: String,
    /// `Last Contact Time`, or `-`.
    pub last_contact: String,
    /// `Role`; the own cluster's says `(Local Cluster)`.
    pub role: String,
    /// `Advertised Route String`.
    pub route_string: String,
    /// `Last USN Data Received`, or `-`.
    pub last_usn: String,
    /// `USN Data Synchronization Status`.
    pub status: String,
    /// Whose row it is: what `Disconnect` needs.
    #[serde(serialize_with = "as_text")]
    pub peer_id: PeerId,
}

/// The whole table: the own cluster first, then the peers in the order of their peer IDs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ClustersTable {
    /// Its rows.
    pub rows: Vec<ClusterRow>,
}

/// The table of a node; times at this offset from UTC.
pub fn table(snapshot: &Snapshot, offset: UtcOffset) -> ClustersTable {
    let peers = snapshot.peers.iter().map(|peer| of_peer(peer, offset));
    ClustersTable { rows: std::iter::once(local(snapshot)).chain(peers).collect() }
}

fn local(snapshot: &Snapshot) -> ClusterRow {
    let config = &snapshot.config;
    ClusterRow {
        cluster_id: config.cluster_id.to_string(),
        last_contact: NOTHING.to_owned(),
        role: format!("{} (Local Cluster)", config.role.label()),
        route_string: config.route_string.to_string(),
        last_usn: NOTHING.to_owned(),
        status: "Up to date".to_owned(),
        peer_id: snapshot.peer_id,
    }
}

fn of_peer(peer: &Peer, offset: UtcOffset) -> ClusterRow {
    let time = |at: Option<Timestamp>| at.map_or_else(|| NOTHING.to_owned(), |at| page_time(at, offset));
    let info = peer.known.info();
    ClusterRow {
        cluster_id: info.cluster_id.to_string(),
        last_contact: time(peer.last_contact),
        role: role(info.role).to_owned(),
        route_string: info.route_string.to_string(),
        last_usn: time(peer.last_data),
        status: peer.synchronization().to_owned(),
        peer_id: info.peer_id,
    }
}

/// As the tables print it.
pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Hub => "Hub",
        Role::Spoke => "Spoke",
    }
}

pub(crate) fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl ClusterRow {
    fn cells(&self) -> [&str; 7] {
        let Self { cluster_id, last_contact, role, route_string, last_usn, status, peer_id: _ } = self;
        [cluster_id, last_contact, role, route_string, last_usn, status, ACTION]
    }
}

/// Columns as wide as their widest cell, between bars; each line ends with LF.
impl fmt::Display for ClustersTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<[&str; 7]> =
            std::iter::once(COLUMNS).chain(self.rows.iter().map(ClusterRow::cells)).collect();
        let widths = widths(&lines);
        for (number, line) in lines.iter().enumerate() {
            for (cell, width) in line.iter().zip(widths) {
                write!(f, "| {cell:<width$} ")?;
            }
            writeln!(f, "|")?;
            if number == 0 {
                widths.iter().try_for_each(|width| write!(f, "|{:-<1$}", "", width + 2))?;
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

fn widths(lines: &[[&str; 7]]) -> [usize; 7] {
    lines.iter().fold([0; 7], |mut widest, line| {
        for (width, cell) in widest.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
        widest
    })
}
