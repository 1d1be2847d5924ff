//! What every log must do, whatever it is made of. [`log_contract!`](crate::log_contract!) makes a test of each check.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use freshwire::{
    core::{
        change::{Draft, Entry},
        names::LogNumber,
        state::{State, Verdict},
    },
    log::{AppendError, Log, LogError},
};
use futures_util::{Stream, StreamExt, future::join_all, poll};
use tokio::{runtime::Handle, time::sleep};

use crate::{
    drafts::{settings, topic},
    eventually,
    waiting::{PATIENCE, in_time, or_saw, saw},
};

/// Where one log lives: empty at first.
pub trait Place: Sync {
    /// Opens the log that is there. Whoever opened it before has dropped it.
    fn open(&self) -> impl Future<Output = Arc<dyn Log>> + Send;
}

/// Tests, one for each check, of the logs in the places that an expression makes.
#[macro_export]
macro_rules! log_contract {
    ($place:expr) => {
        $crate::log_contract!(@each $place;
            numbers_rise_from_one_and_follow_order
            an_answered_append_survives_reopening
            the_same_id_twice_is_one_entry
            followers_see_all_from_any_number_and_then_the_tail
            a_follower_far_behind_catches_up_while_others_append
            history_pages_newest_first_within_a_topic
            one_of_each_round_of_racing_writers_wins_on_every_follower
            topics_do_not_disturb_one_another
            dropped_followers_leave_nothing_behind
        );
    };
    (@each $place:expr; $($check:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $check() {
                $crate::log_contract::$check(&$place).await;
            }
        )*
    };
}

/// Between two tries.
const AGAIN: Duration = Duration::from_millis(50);

/// The next entries of a follower.
pub async fn take(follower: impl Stream<Item = Result<Entry, LogError>>, count: usize) -> Vec<Entry> {
    let mut number = 0;
    let entry = |entry: Result<Entry, LogError>| {
        let entry = entry.unwrap();
        number += 1;
        saw(|| format!("entry {number} of {count}: {entry:?}"));
        entry
    };
    let entries = follower.take(count).map(entry).collect();
    in_time(PATIENCE, "the follower gets as many entries as there are", entries).await
}

/// Appends as whoever writes does: the same draft again while nobody says what became of it, as in an election of NATS.
pub async fn append(log: &dyn Log, draft: Draft) -> LogNumber {
    let taken = async {
        loop {
            match log.append(draft.clone()).await {
                Ok(number) => return number,
                Err(error @ (AppendError::Unavailable(_) | AppendError::Undecided(_))) => {
                    saw(|| format!("{error:?}"));
                    sleep(AGAIN).await;
                }
            }
        }
    };
    in_time(PATIENCE, "the entry is taken", taken).await
}

/// The last number, asked for again while nobody says it.
async fn last(log: &dyn Log) -> LogNumber {
    eventually("the last number is told", async || or_saw(log.last().await)).await
}

/// History, asked for again while nobody tells it.
async fn history(log: &dyn Log, app: &str, before: Option<LogNumber>, limit: usize) -> Vec<Entry> {
    eventually("the history is told", async || or_saw(log.history(topic(app), before, limit).await)).await
}

async fn append_some(log: &dyn Log, app: &str, count: u32) -> Vec<LogNumber> {
    let mut numbers = Vec::new();
    for rate in 1..=count {
        numbers.push(append(log, settings(app, LogNumber(0), rate)).await);
    }
    numbers
}

fn numbers(entries: &[Entry]) -> Vec<LogNumber> {
    entries.iter().map(|entry| entry.number).collect()
}

/// Each append gets a higher number than the one before it, and readers see them in that order.
pub async fn numbers_rise_from_one_and_follow_order(place: &impl Place) {
    let log = place.open().await;
    assert_eq!(last(&*log).await, LogNumber(0));
    let given = append_some(&*log, "web", 20).await;
    assert_eq!(given[0], LogNumber(1));
    assert!(given.is_sorted_by(|a, b| a < b), "{given:?}");
    assert_eq!(last(&*log).await, given[19]);
    assert_eq!(numbers(&take(log.follow(LogNumber(0)), 20).await), given);
}

/// What was answered is there after a restart, as it was, and numbers go on.
pub async fn an_answered_append_survives_reopening(place: &impl Place) {
    let log = place.open().await;
    let mut appended = Vec::new();
    for rate in 1..=10 {
        let draft = settings("web", LogNumber(0), rate);
        let number = append(&*log, draft.clone()).await;
        appended.push(Entry { number, draft });
    }
    drop(log);
    let log = place.open().await;
    assert_eq!(last(&*log).await, appended[9].number);
    assert_eq!(take(log.follow(LogNumber(0)), 10).await, appended);
    let next = append(&*log, settings("web", LogNumber(0), 11)).await;
    assert!(next > appended[9].number);
}

/// A draft that is appended again gets the number it has, also at once with itself and after a restart.
pub async fn the_same_id_twice_is_one_entry(place: &impl Place) {
    let log = place.open().await;
    append_some(&*log, "web", 3).await;
    let draft = settings("web", LogNumber(3), 4);
    let answers = join_all((0..16).map(|_| append(&*log, draft.clone()))).await;
    let number = append(&*log, draft.clone()).await;
    assert!(answers.into_iter().all(|answer| answer == number));
    drop(log);
    let log = place.open().await;
    assert_eq!(append(&*log, draft.clone()).await, number);
    let next = append(&*log, settings("web", LogNumber(4), 5)).await;
    let tail = take(log.follow(LogNumber(3)), 2).await;
    assert_eq!(numbers(&tail), [number, next]);
}

/// A follower from any number gets the entries after it, once each, then what is appended while it waits.
pub async fn followers_see_all_from_any_number_and_then_the_tail(place: &impl Place) {
    let log = place.open().await;
    let mut given = append_some(&*log, "web", 10).await;
    let mut followers = Vec::new();
    for after in 0..=10 {
        let start = given.get(after.max(1) - 1).filter(|_| after > 0).copied().unwrap_or_default();
        let mut follower = log.follow(start);
        assert_eq!(numbers(&take(&mut follower, 10 - after).await), given[after..]);
        assert!(poll!(pin!(follower.next())).is_pending(), "there is no more yet");
        followers.push(follower);
    }
    given.extend(append_some(&*log, "other", 5).await);
    let mut tails = Vec::new();
    for follower in &mut followers {
        tails.push(take(follower, 5).await);
    }
    assert_eq!(numbers(&tails[0]), given[10..]);
    assert!(tails.iter().all(|tail| *tail == tails[0]));
}

/// Catching up over thousands of entries misses none, though more come all the while.
pub async fn a_follower_far_behind_catches_up_while_others_append(place: &impl Place) {
    const BEFORE: u32 = 1_700;
    const MEANWHILE: u32 = 800;
    let log = place.open().await;
    let some = |count| join_all((0..count).map(|rate| append(&*log, settings("web", LogNumber(0), rate))));
    some(BEFORE).await;
    let following = take(log.follow(LogNumber(0)), (BEFORE + MEANWHILE) as usize);
    let (_, seen) = tokio::join!(some(MEANWHILE), following);
    let seen = numbers(&seen);
    assert!(seen.is_sorted_by(|a, b| a < b));
    assert_eq!(seen.last(), Some(&last(&*log).await));
}

/// History holds one topic's entries, newest first, and pages meet without a gap or an overlap.
pub async fn history_pages_newest_first_within_a_topic(place: &impl Place) {
    let log = place.open().await;
    let mut of_web = Vec::new();
    for rate in 0..25 {
        of_web.push(append(&*log, settings("web", LogNumber(0), rate)).await);
        append(&*log, settings("web-staging", LogNumber(0), rate)).await;
    }
    of_web.reverse();
    let (mut paged, mut before) = (Vec::new(), None);
    for expected in [10, 10, 5, 0] {
        let page = history(&*log, "web", before, 10).await;
        assert_eq!(page.len(), expected);
        before = page.last().map(|entry| entry.number).or(before);
        paged.extend(numbers(&page));
    }
    assert_eq!(paged, of_web);
    assert!(history(&*log, "nobody", None, 10).await.is_empty());
}

/// Writers that all name the same `prev`, round after round: the fold takes exactly one of each round, and everybody
/// who folds takes the same one.
pub async fn one_of_each_round_of_racing_writers_wins_on_every_follower(place: &impl Place) {
    const WRITERS: usize = 16;
    const ROUNDS: usize = 300;
    let log = place.open().await;
    let fold = race(&vec![log.clone(); WRITERS], ROUNDS).await;
    // And so does whoever comes later.
    drop(log);
    let log = place.open().await;
    let mut late = State::default();
    let entries = take(log.follow(LogNumber(0)), WRITERS * ROUNDS).await;
    let verdicts: Vec<_> = entries.iter().map(|entry| late.fold(entry)).collect();
    assert_eq!((late, verdicts), fold);
}

/// A writer on each of the logs, which are one: in each round all append, and exactly one is valid, the same for all.
/// Answers the state that they all have at the end, and the verdicts on the way.
pub async fn race(logs: &[Arc<dyn Log>], rounds: usize) -> (State, Vec<Verdict>) {
    let writers = logs.len();
    let writer = |log: Arc<dyn Log>| async move {
        let mut follower = log.follow(LogNumber(0));
        let (mut state, mut verdicts) = (State::default(), Vec::new());
        for round in 0..rounds {
            let prev = state.last_valid(&topic("web"));
            let number = append(&*log, settings("web", prev, u32::try_from(round).unwrap())).await;
            let entries = take(&mut follower, writers).await;
            assert!(entries.iter().any(|entry| entry.number == number), "its own is among the round's");
            let judged: Vec<_> = entries.iter().map(|entry| state.fold(entry)).collect();
            assert_eq!(
                judged.iter().filter(|verdict| **verdict == Verdict::Valid).count(),
                1,
                "round {round}"
            );
            verdicts.extend(judged);
        }
        (state, verdicts)
    };
    let racing: Vec<_> = logs.iter().map(|log| tokio::spawn(writer(log.clone()))).collect();
    let mut folds: Vec<_> = join_all(racing).await.into_iter().map(Result::unwrap).collect();
    let fold = folds.pop().expect("somebody raced");
    assert!(folds.iter().all(|other| *other == fold), "all folds agree");
    fold
}

/// Writers of different topics never void each other's entries, each naming its own topic's last number.
pub async fn topics_do_not_disturb_one_another(place: &impl Place) {
    const CHANGES: u32 = 50;
    let log = place.open().await;
    let apps: Vec<_> = (0..8).map(|n| format!("app-{n}")).collect();
    let writer = |log: Arc<dyn Log>, app: String| async move {
        let mut prev = LogNumber(0);
        for rate in 0..CHANGES {
            prev = append(&*log, settings(&app, prev, rate)).await;
        }
    };
    let writers: Vec<_> = apps.iter().map(|app| tokio::spawn(writer(log.clone(), app.clone()))).collect();
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    let mut state = State::default();
    for entry in take(log.follow(LogNumber(0)), apps.len() * CHANGES as usize).await {
        assert_eq!(state.fold(&entry), Verdict::Valid, "{entry:?}");
    }
    for app in &apps {
        let changes = history(&*log, app, None, 1_000).await;
        assert_eq!(changes.len(), CHANGES as usize);
        assert_eq!(changes[0].number, state.last_valid(&topic(app)));
    }
}

/// Followers that are dropped at any point leave no task, and the log is as good as before.
pub async fn dropped_followers_leave_nothing_behind(place: &impl Place) {
    let log = place.open().await;
    append_some(&*log, "web", 3).await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for round in 0..300 {
        let mut follower = log.follow(LogNumber(0));
        match round % 3 {
            0 => {}
            1 => drop(poll!(pin!(follower.next()))),
            _ => {
                take(&mut follower, 3).await;
                assert!(poll!(pin!(follower.next())).is_pending());
            }
        }
    }
    in_time(PATIENCE, "no task of a dropped follower stays", async {
        while tasks() > before {
            saw(|| format!("{} tasks, and there were {before}", tasks()));
            tokio::task::yield_now().await;
        }
    })
    .await;
    append_some(&*log, "web", 2).await;
    assert_eq!(take(log.follow(LogNumber(0)), 5).await.len(), 5);
    // Nor does one that still waits keep the log from being closed and opened again.
    let mut waiting = log.follow(LogNumber(5));
    assert!(poll!(pin!(waiting.next())).is_pending());
    drop(log);
    let log = place.open().await;
    assert_eq!(take(log.follow(LogNumber(0)), 5).await.len(), 5);
}
