//! The built program from outside: real processes, real sockets, real files.

#![allow(clippy::indexing_slicing, reason = "a test that reads beyond the end fails, as it should")]

mod alarms;
mod api;
mod bad_input;
mod by_hand;
mod commands;
mod compose;
mod daemon;
mod durability;
mod full_disk;
mod goldens;
mod identity;
mod lab;
mod lost_database;
mod method_four;
mod repairs;
mod rogue;
mod secrets;
mod terminal;
mod waiting;
mod whole_lines;
mod world;
