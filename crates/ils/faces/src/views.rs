//! JSON made of a snapshot. Each view is a value that serialises in the order in which the API promises its members.

mod alarms;
mod config;
mod connections;
mod peers;
mod status;

pub(crate) use alarms::AlarmsView;
pub(crate) use config::ConfigView;
pub(crate) use connections::ConnectionsView;
pub(crate) use peers::PeersView;
pub(crate) use status::StatusView;
