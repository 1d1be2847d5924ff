//! The end-to-end tests, all in one binary.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a panic is a test's report, and its name says what it shows"
)]

mod api;
mod brake;
mod campaigns;
mod changes;
mod cli;
mod cli_push;
mod cli_stamp;
mod closed_loop;
mod cluster_acks;
mod cluster_clocks;
mod cluster_faults;
mod cluster_log;
mod cluster_nats;
mod cluster_partition;
mod cluster_shows;
mod conservation;
mod crowd;
mod demo;
mod deploy;
mod disk;
mod drain;
mod embedded;
mod events;
mod examples;
mod fix;
mod frames;
mod frozen;
mod gate;
mod identity;
mod log_contract;
mod log_crash;
mod log_faults;
mod log_side;
mod mixed_versions;
mod moving;
mod nats_reasons;
mod needs;
mod pages_http;
mod poll;
mod probes;
mod protocol;
mod push;
mod push_select;
mod raw_page;
mod readme;
mod roll_call;
mod rolling;
mod rolling_nodes;
mod setup;
mod stages;
mod startup;
mod swap;
mod telling;
mod timeline;
mod tokens;
mod transcripts;
mod transfer;
mod unregistered;
mod watch;
mod wave;
