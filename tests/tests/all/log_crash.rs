//! A process that is killed while it appends, hundreds of times, on one folder.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use freshwire::{
    core::names::LogNumber,
    log::{Log, sqlite::SqliteLog},
};
use freshwire_tests::{
    log_contract::take,
    waiting::{PATIENCE, in_time, saw, trouble},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tempfile::tempdir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{Instant as Deadline, timeout_at},
};
use uuid::Uuid;

const ROUNDS: u32 = 300;

/// A process that appends, and what it has said.
pub struct Appender {
    pub process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub said: Said,
}

/// What an appender has been told about its entries.
#[derive(Default)]
pub struct Said {
    pub acknowledged: HashMap<Uuid, LogNumber>,
    pub unavailable: HashSet<Uuid>,
    pub undecided: HashSet<Uuid>,
    pub side: u64,
}

impl Appender {
    pub fn command() -> Command {
        Command::new(env!("CARGO_BIN_EXE_append_until_killed"))
    }

    pub fn start(mut command: Command, folder: &Path) -> Self {
        let mut process = command.arg(folder).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines, said: Said::default() }
    }

    /// Reads a line; false when there are no more. A last line that was cut off counts for nothing.
    async fn hear(&mut self) -> bool {
        let Some(line) = self.lines.next_line().await.unwrap() else { return false };
        saw(|| line.clone());
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["ack", number, id] => {
                if let (Ok(number), Ok(id)) = (number.parse().map(LogNumber), id.parse()) {
                    self.said.acknowledged.insert(id, number);
                }
            }
            ["unavailable", id] => drop(id.parse().map(|id| self.said.unavailable.insert(id))),
            ["undecided", id] => drop(id.parse().map(|id| self.said.undecided.insert(id))),
            ["side", round] => self.said.side = round.parse().unwrap_or(0).max(self.said.side),
            _ => {}
        }
        true
    }

    /// Reads until something has been said.
    pub async fn hear_until(&mut self, enough: impl Fn(&Said) -> bool) {
        let hearing = async {
            while !enough(&self.said) {
                assert!(self.hear().await, "the appender ended by itself{}", trouble());
            }
        };
        in_time(PATIENCE, "the appender says enough", hearing).await;
    }

    /// Kills it after a while (SIGKILL), and reads what it said before that.
    pub async fn kill_after(mut self, delay: Duration) -> Said {
        let deadline = Deadline::now() + delay;
        while let Ok(more) = timeout_at(deadline, self.hear()).await {
            assert!(more, "the appender ended by itself{}", trouble());
        }
        self.process.start_kill().unwrap();
        while self.hear().await {}
        self.process.wait().await.unwrap();
        self.said
    }
}

/// All entries of a log, held against what its writers have been told so far.
#[derive(Default)]
pub struct Ledger {
    entries: HashMap<Uuid, LogNumber>,
    last: LogNumber,
    side: u64,
}

impl Ledger {
    /// Opens the folder (which checks the file), reads what is new, and answers how many acknowledged are not there.
    pub async fn check(&mut self, folder: &Path, said: &Said) -> usize {
        let log = SqliteLog::open(folder).unwrap();
        let last = log.last().await.unwrap();
        let new = usize::try_from(last.0 - self.last.0).unwrap();
        for entry in take(log.follow(self.last), new).await {
            assert_eq!(entry.number.0, self.last.0 + 1, "numbers have no gaps");
            self.last = entry.number;
            assert_eq!(self.entries.insert(entry.draft.id, entry.number), None, "no entry is there twice");
        }
        let probe = log.side_table().load("probe").await.unwrap();
        let rounds: Vec<u64> = probe.iter().map(|(_, value, _)| value.parse().unwrap()).collect();
        let side = rounds.first().copied().unwrap_or(0);
        assert!(rounds.iter().all(|round| *round == side), "a batch is there whole: {rounds:?}");
        assert!(
            side >= said.side.max(self.side),
            "the side table lost a batch: {side}, {} was written",
            said.side
        );
        self.side = side;
        for id in &said.unavailable {
            assert!(!self.entries.contains_key(id), "{id} was said not to be written");
        }
        said.acknowledged.iter().filter(|(id, number)| self.entries.get(id) != Some(number)).count()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[tokio::test]
async fn kill_nine_at_any_moment_loses_no_acknowledged_entry() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempdir().unwrap();
    let mut ledger = Ledger::default();
    let (mut acknowledged, mut lost, started) = (HashMap::new(), 0, Instant::now());
    for round in 1..=ROUNDS {
        let mut appender = Appender::start(Appender::command(), folder.path());
        // Now and then also while it starts.
        if round % 10 != 0 {
            appender.hear_until(|said| !said.acknowledged.is_empty()).await;
        }
        let said = appender.kill_after(Duration::from_micros(random.random_range(5_000..40_000))).await;
        lost += ledger.check(folder.path(), &said).await;
        acknowledged.extend(said.acknowledged);
    }
    // Once more all of it, from the beginning.
    let mut whole = Ledger::default();
    lost += whole.check(folder.path(), &Said { acknowledged: acknowledged.clone(), ..Said::default() }).await;
    println!(
        "rounds {ROUNDS}, acknowledged {}, in the log {}, lost {lost}, {:.1} s",
        acknowledged.len(),
        whole.len(),
        started.elapsed().as_secs_f64()
    );
    assert_eq!(lost, 0);
    assert_eq!(whole.len(), ledger.len());
}
