//! Processor time of other processes.

use std::{collections::HashMap, ffi::OsString, fs, process, thread, time::Duration};

/// Whether this system tells it; without the kernel's statistics of its scheduler, all times are zero.
pub fn is_told() -> bool {
    // What a thread has used since its last pause may not be counted yet.
    thread::sleep(Duration::from_millis(1));
    !cpu_time(process::id()).is_zero()
}

/// Processor time that a process has used, of all its threads that still run.
pub fn cpu_time(pid: u32) -> Duration {
    by_thread(pid).into_values().sum()
}

/// Counts from its making on. A thread may end meanwhile, and what it used before is not missing from what the others
/// use.
pub struct CpuMeter {
    pid: u32,
    before: HashMap<OsString, Duration>,
}

impl CpuMeter {
    /// Begins to count.
    pub fn start(pid: u32) -> Self {
        Self { pid, before: by_thread(pid) }
    }

    /// Processor time that the process has used since.
    pub fn spent(&self) -> Duration {
        let since = |(thread, time): (OsString, Duration)| {
            time.saturating_sub(self.before.get(&thread).copied().unwrap_or_default())
        };
        by_thread(self.pid).into_iter().map(since).sum()
    }
}

fn by_thread(pid: u32) -> HashMap<OsString, Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs").flatten();
    let time = |thread: fs::DirEntry| {
        // A thread may have ended since it was listed.
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let nanos = text.split_whitespace().next()?.parse().ok()?;
        Some((thread.file_name(), Duration::from_nanos(nanos)))
    };
    threads.filter_map(time).collect()
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::mpsc};

    use super::*;

    const MUCH: Duration = Duration::from_millis(50);
    const LITTLE: Duration = Duration::from_millis(10);

    /// What the thread that asks has used.
    fn own() -> Duration {
        let thread = fs::read_link("/proc/thread-self").expect("Linux tells it");
        by_thread(process::id())[thread.file_name().expect("its number")]
    }

    fn work(time: Duration) {
        let end = own() + time;
        while own() < end {}
    }

    #[test]
    fn a_thread_that_ends_takes_nothing_from_what_the_others_use() {
        if !is_told() {
            println!("not tested: this system doesn't tell the processor time of a process");
            return;
        }
        let (worked, has_worked) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            work(MUCH);
            worked.send(fs::read_link("/proc/thread-self").expect("Linux tells it")).expect("it is awaited");
            let _ = ended.recv();
        });
        let link = has_worked.recv().expect("it works");
        let (meter, before) = (CpuMeter::start(process::id()), own());
        drop(end);
        thread.join().expect("it ends");
        // It is joined a little before the system has forgotten it.
        while Path::new("/proc").join(&link).exists() {
            thread::yield_now();
        }
        work(LITTLE);
        let used = own().saturating_sub(before);
        assert!(meter.spent() >= used, "{:?} of {used:?}", meter.spent());
    }
}
