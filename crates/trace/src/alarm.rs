//! An alarm as any service of a cluster writes it: `%UC_ILS-3-NAME: %[Parameter=value][AppID=…][ClusterID=…][NodeID=…]: text`.

use ilslab_names::escape_name;
use ilslab_time::Timestamp;

/// Whose alarms they are: the last parameters of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmSource {
    /// `ClusterID`.
    pub cluster_id: String,
    /// `NodeID`: the FQDN of the publisher.
    pub node_id: String,
}

/// One alarm: what its catalogue says of it, and the values of this case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm<'a> {
    /// The catalogue, such as `UC_ILS`.
    pub catalogue: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Syslog severity: 2 critical, 3 error, 4 warning.
    pub severity: u8,
    /// The service, as alarms name it.
    pub app_id: &'static str,
    /// Its own parameters, in the order in which they are printed; not escaped.
    pub parameters: &'a [(&'static str, String)],
    /// What happened, in the catalogue's words.
    pub text: &'static str,
    /// When it began to stand.
    pub since: Timestamp,
}

impl Alarm<'_> {
    /// The alarm from its `%` on, as API and terminal show it. Values are escaped, and whole however long they are.
    pub fn text(&self, source: &AlarmSource) -> String {
        self.text_with(source, &self.values())
    }

    /// The values of its own parameters, escaped.
    pub(crate) fn values(&self) -> Vec<String> {
        self.parameters.iter().map(|(_, value)| escape_name(value)).collect()
    }

    /// The same with other values of its own parameters, which are escaped already.
    pub(crate) fn text_with(&self, source: &AlarmSource, values: &[String]) -> String {
        let Self { catalogue, name, severity, app_id, text, .. } = self;
        let own = self.parameters.iter().zip(values).map(|((name, _), value)| format!("[{name}={value}]"));
        let own: String = own.collect();
        let common = [("AppID", *app_id), ("ClusterID", &source.cluster_id), ("NodeID", &source.node_id)];
        let common: String = common.map(|(name, value)| format!("[{name}={}]", escape_name(value))).concat();
        format!("%{catalogue}-{severity}-{name}: %{own}{common}: {text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_value_can_forge_neither_a_parameter_nor_a_line() {
        let parameters = [("Caller", "x][NodeID=other]: y\nAug 26".to_owned())];
        let alarm = Alarm { parameters: &parameters, ..sample::ALARM };
        let text = alarm.text(&sample::source());
        assert_eq!(
            text,
            "%UC_HELLO-3-HelloRefused: %[Caller=x\\x5d[NodeID=other\\x5d: y\\x0aAug 26][AppID=Hello Service]\
             [ClusterID=2][NodeID=cucm1150.adfs.uccs.com]: A caller was turned away."
        );
    }
}
