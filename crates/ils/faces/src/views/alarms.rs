//! `GET alarms`: what stands, oldest first.

use ils_core::alarm::{Alarm, AlarmName, Standing};
use ils_core::snapshot::Snapshot;
use ils_lines::{alarm_text, catalogue};
use ilslab_trace::AlarmSource;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use ilslab_time::Rfc3339;

/// The alarms that stand.
#[derive(Serialize)]
pub(crate) struct AlarmsView<'a> {
    alarms: Vec<AlarmView<'a>>,
    alarmed_connections: usize,
}

#[derive(Serialize)]
struct AlarmView<'a> {
    name: AlarmName,
    key: &'a str,
    severity: u8,
    parameters: Parameters<'a>,
    since: Rfc3339,
    text: String,
}

/// As an object whose members keep the catalogue's order.
struct Parameters<'a>(&'a [(&'static str, String)]);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

impl<'a> AlarmsView<'a> {
    /// The alarms of this moment.
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        let source = AlarmSource {
            cluster_id: snapshot.config.cluster_id.to_string(),
            node_id: snapshot.config.fqdn.to_string(),
        };
        Self {
            alarms: snapshot.alarms.iter().map(|alarm| AlarmView::new(alarm, &source)).collect(),
            alarmed_connections: alarmed_connections(snapshot),
        }
    }
}

impl<'a> AlarmView<'a> {
    fn new(alarm: &'a Alarm, source: &AlarmSource) -> Self {
        Self {
            name: alarm.name,
            key: &alarm.key,
            severity: catalogue::entry(alarm.name).severity,
            parameters: Parameters(&alarm.parameters),
            since: Rfc3339(alarm.since),
            text: alarm_text(alarm, source),
        }
    }
}

/// `mAlarmedConnections`, counted by the rule of those that stand.
fn alarmed_connections(snapshot: &Snapshot) -> usize {
    let mut standing = Standing::default();
    for alarm in snapshot.alarms.iter() {
        standing.raise(alarm.clone());
    }
    standing.alarmed_connections()
}
