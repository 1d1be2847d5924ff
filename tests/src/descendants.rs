//! Ending a script with all that it has started, which outlives a script that is only killed.

use std::{collections::HashMap, fs, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{process::Child, time::timeout};

/// So long a script may take to put things away.
const PUTS_AWAY_WITHIN: Duration = Duration::from_secs(10);

/// Asks a script and all that it has started to end, and makes sure of it.
pub async fn end_with_descendants(script: &mut Child) {
    let Some(id) = script.id() else { return };
    let mut all = Vec::new();
    loop {
        let mut new = descendants(id);
        new.retain(|process| !all.contains(process));
        if new.is_empty() {
            break;
        }
        // Who stands still starts nothing more.
        signal(&new, Signal::STOP);
        all.extend(new);
    }
    // A shell hears of a signal only after the end of what it waits for.
    signal(&all, Signal::TERM);
    signal(&all, Signal::CONT);
    let _ = timeout(PUTS_AWAY_WITHIN, script.wait()).await;
    signal(&all, Signal::KILL);
}

/// Those that have ended meanwhile don't mind.
fn signal(processes: &[Pid], signal: Signal) {
    for process in processes {
        let _ = kill_process(*process, signal);
    }
}

/// Whether a process runs no more, also where nobody has asked yet how it ended.
pub fn has_ended(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    // Behind the name, which may have any characters: the state.
    stat.map_or(true, |stat| stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z')))
}

/// A process and all that descend from it.
fn descendants(id: u32) -> Vec<Pid> {
    let mut children = HashMap::<i32, Vec<i32>>::new();
    for process in fs::read_dir("/proc").expect("Linux tells it").flatten() {
        // One that has ended meanwhile has none.
        let Ok(stat) = fs::read_to_string(process.path().join("stat")) else { continue };
        // Behind the name, which may have any characters: the state, and the parent.
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        let own = process.file_name().to_string_lossy().parse().ok();
        if let (Some(parent), Some(own)) = (parent, own) {
            children.entry(parent).or_default().push(own);
        }
    }
    let mut all = vec![i32::try_from(id).expect("a process ID")];
    let mut next = 0;
    while let Some(process) = all.get(next) {
        all.extend(children.remove(process).unwrap_or_default());
        next += 1;
    }
    all.into_iter().filter_map(Pid::from_raw).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use tokio::{
        io::{AsyncBufReadExt, BufReader},
        process::Command,
    };

    use super::*;
    use crate::waiting::{PATIENCE, in_time};

    #[tokio::test]
    async fn what_a_script_waits_for_and_what_it_has_started_ends_with_it() {
        let mut script = Command::new("bash")
            .args(["-c", "trap 'echo put away; exit' TERM; sleep 1000 & echo $!; sleep 1001"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("bash starts");
        let mut said = BufReader::new(script.stdout.take().expect("a pipe")).lines();
        let mut line =
            async || in_time(PATIENCE, "a line or the end comes", said.next_line()).await.expect("a text");
        let beside = line().await.expect("a line");
        let beside = beside.parse().ok().and_then(Pid::from_raw).expect("a process ID");
        end_with_descendants(&mut script).await;
        // All of them hold the pipe as long as they are there.
        assert_eq!((line().await.as_deref(), line().await), (Some("put away"), None));
        assert!(script.try_wait().expect("it ran").is_some());
        crate::eventually("it is gone", async || has_ended(beside).then_some(())).await;
    }
}
