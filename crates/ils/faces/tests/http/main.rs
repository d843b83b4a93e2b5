//! The API as callers meet it: a real server on a free port of loopback, over a backend that only pretends.

mod certificates;
mod changes;
mod client;
mod commands;
mod fake;
mod guard;
mod limits;
mod login;
mod metrics;
mod node;
mod shapes;
mod trace;
mod visitors;
mod wire;
