//! A process that hangs: its sockets stay, and nobody answers.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::{eventually, waiting::saw};

/// Freezes a process, and waits until it has stopped: one of its threads has to run to take the signal, and until then the
/// others go on.
pub async fn freeze(process: Pid) {
    kill_process(process, Signal::STOP).expect("it runs");
    eventually("it stands still", async || all_threads_stand_still(process).then_some(())).await;
}

/// Lets it go on.
pub fn thaw(process: Pid) {
    kill_process(process, Signal::CONT).expect("it is there");
}

fn all_threads_stand_still(process: Pid) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", process.as_raw_pid())).expect("it is there");
    threads.flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // Behind the name, which may have any characters.
        let stopped = stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'));
        if !stopped {
            saw(|| format!("a thread that goes on: {stat}"));
        }
        stopped
    })
}
