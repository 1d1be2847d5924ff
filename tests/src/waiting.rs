//! Waiting for something, and saying what was seen instead where it doesn't come.

use std::{
    fmt::Debug,
    io::Write as _,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

/// A time that no machine needs.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks: at first, and at most. Who waits for long leaves the machine to others meanwhile.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(100)];
/// So much of what was seen is told: of an answer its first rows, in bytes, and of a look that asks many of its answers.
const TOLD: usize = 600;
const NOTES: usize = 6;
/// Most that any test writes at once, in bytes.
const WRITES: usize = 64 << 10;

/// What whoever waits has seen in its last look.
type Seen = Mutex<Vec<String>>;

tokio::task_local! {
    /// Of whoever waits in this task.
    static SEEN: Arc<Seen>;
}

/// Waits until something is there. Gives up after [`PATIENCE`], and says what its last look [`saw`].
#[track_caller]
pub fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    look_for(Location::caller(), PATIENCE, what, look)
}

async fn look_for<T>(
    at: &Location<'_>,
    time: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let (mut looks, mut since, mut pause) = (0, Instant::now(), PAUSES[0]);
    let (seen, mut before) = (Arc::<Seen>::default(), Vec::new());
    let looking = async {
        loop {
            (looks, since) = (looks + 1, Instant::now());
            before = std::mem::take(&mut *lock(&seen));
            if let Some(found) = look().await {
                break found;
            }
            sleep(pause).await;
            pause = (pause * 5 / 4).min(PAUSES[1]);
        }
    };
    if let Ok(found) = timeout(time, SEEN.scope(Arc::clone(&seen), looking)).await {
        pass_on(&seen);
        return found;
    }
    let under_way = since.elapsed();
    let hangs = if under_way > 2 * PAUSES[1] {
        format!(", the last of which is under way for {under_way:.1?}")
    } else {
        String::new()
    };
    let now = std::mem::take(&mut *lock(&seen));
    let seen = if now.is_empty() { before } else { now };
    give_up(at, time, &format!("{what} (looks: {looks}{hangs})"), &seen)
}

/// Waits for what is to end in this time; where it doesn't, says what it [`saw`] last.
#[track_caller]
pub fn in_time<F: Future>(time: Duration, what: &str, future: F) -> impl Future<Output = F::Output> {
    let at = Location::caller();
    async move {
        let seen = Arc::<Seen>::default();
        let Ok(output) = timeout(time, SEEN.scope(Arc::clone(&seen), future)).await else {
            give_up(at, time, what, &lock(&seen))
        };
        pass_on(&seen);
        output
    }
}

/// Leaves word of what was seen with whoever waits in this task.
pub fn saw(what: impl FnOnce() -> String) {
    let _ = SEEN.try_with(|seen| {
        let what = cut(&what());
        let mut seen = lock(seen);
        seen.push(what);
        let more = seen.len().saturating_sub(NOTES);
        seen.drain(..more);
    });
}

/// What went well; [`saw`] is told what didn't.
pub fn or_saw<T, E: Debug>(result: Result<T, E>) -> Option<T> {
    result.inspect_err(|error| saw(|| format!("{error:?}"))).ok()
}

/// The first of a text that may be long.
pub fn cut(text: &str) -> String {
    if text.len() <= TOLD {
        return text.to_owned();
    }
    let first = text.floor_char_boundary(TOLD);
    format!("{}… ({} bytes)", &text[..first], text.len())
}

/// The last of a text that may be long, as of a log.
pub fn tail(text: &str) -> String {
    if text.len() <= TOLD {
        return text.to_owned();
    }
    format!("…{}", &text[text.ceil_char_boundary(text.len() - TOLD)..])
}

/// What is wrong with the machine itself, as an addition to a message: a full disk fails in many ways that don't say so.
pub fn trouble() -> String {
    let written = tempfile::tempfile()
        .and_then(|mut file| file.write_all(&vec![0; WRITES]).and_then(|()| file.sync_data()));
    written.map_or_else(
        |error| format!("\nnothing can be written in {}: {error}", std::env::temp_dir().display()),
        |()| String::new(),
    )
}

/// What was seen within was seen by whoever waits around.
fn pass_on(seen: &Seen) {
    for seen in lock(seen).drain(..) {
        saw(|| seen);
    }
}

fn lock(seen: &Seen) -> MutexGuard<'_, Vec<String>> {
    seen.lock().expect("nobody panics in it")
}

fn give_up(at: &Location, time: Duration, what: &str, seen: &[String]) -> ! {
    let seen = if seen.is_empty() { "nothing".to_owned() } else { seen.join("\n  ") };
    panic!("{at}: waited {time:?} in vain: {what}\nseen last: {seen}{}", trouble());
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const SHORT: Duration = Duration::from_millis(400);

    async fn message(waiting: impl Future<Output = ()>) -> String {
        let caught = std::panic::AssertUnwindSafe(waiting).catch_unwind().await.expect_err("in vain");
        *caught.downcast::<String>().expect("a text")
    }

    #[tokio::test]
    async fn who_waits_in_vain_says_for_what_and_what_was_seen_last() {
        let mut number = 0;
        let said = message(look_for(Location::caller(), SHORT, "it is minus one", async || {
            // Waits within leave it what they saw.
            eventually("it is counted", async || {
                number += 1;
                saw(|| format!("number {number}"));
                Some(())
            })
            .await;
            saw(|| "no sign".to_owned());
            None
        }))
        .await;
        assert!(
            said.contains("waiting.rs:") && said.contains("waited 400ms in vain: it is minus one"),
            "{said}"
        );
        assert!(
            said.ends_with(&format!("(looks: {number})\nseen last: number {number}\n  no sign")),
            "{said}"
        );
    }

    #[tokio::test]
    async fn a_look_that_hangs_is_told_from_looks_that_find_nothing() {
        let said = message(look_for(Location::caller(), SHORT, "it answers", async || {
            saw(|| "it was asked".to_owned());
            std::future::pending().await
        }))
        .await;
        assert!(said.contains("(looks: 1, the last of which is under way for "), "{said}");
        assert!(said.ends_with("seen last: it was asked"), "{said}");
        let said = message(in_time(SHORT, "it ends", std::future::pending())).await;
        assert!(said.ends_with("waited 400ms in vain: it ends\nseen last: nothing"), "{said}");
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        let long = "ö".repeat(TOLD);
        assert_eq!(cut(&long), format!("{}… ({} bytes)", "ö".repeat(TOLD / 2), 2 * TOLD));
        assert_eq!(tail(&long), format!("…{}", "ö".repeat(TOLD / 2)));
        assert_eq!((cut("short"), tail("short")), ("short".to_owned(), "short".to_owned()));
    }
}
