//! A command of the operator's that takes its time: what it says, line by line, and how it ends.

use std::{
    panic::Location,
    process::Stdio,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::waiting::{PATIENCE, tail, trouble};

/// A command under way.
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it has said.
    pub said: Vec<String>,
    /// What it has complained of, and who hears it: it is told with what was waited for in vain.
    errors: Arc<Mutex<String>>,
    hearing: JoinHandle<()>,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// All that it said.
    pub said: Vec<String>,
    /// What it complained of.
    pub errors: String,
}

impl Running {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let errors = Arc::<Mutex<String>>::default();
        let (mut complains, heard) =
            (BufReader::new(child.stderr.take().expect("a pipe")).lines(), Arc::clone(&errors));
        let hearing = tokio::spawn(async move {
            while let Some(line) = complains.next_line().await.expect("a text") {
                let mut heard = heard.lock().expect("nobody panics in it");
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self { child, lines, said: Vec::new(), errors, hearing }
    }

    /// Reads on until it says this.
    #[track_caller]
    pub fn until(&mut self, words: &str) -> impl Future<Output = String> {
        let at = Location::caller();
        async move {
            let what = format!("'{words}'");
            while let Some(line) = self.line(at, &what).await {
                if line.contains(words) {
                    return line;
                }
            }
            panic!("{at}: it ended and never said {what}: {}", self.so_far())
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> impl Future<Output = Ended> {
        let at = Location::caller();
        async move {
            while self.line(at, "its end").await.is_some() {}
            let ending = async {
                (&mut self.hearing).await.expect("a text");
                self.child.wait().await.expect("it ran")
            };
            let Ok(status) = timeout(PATIENCE, ending).await else { self.give_up(at, "its end") };
            let errors = std::mem::take(&mut *self.errors.lock().expect("nobody panics in it"));
            Ended { code: status.code(), said: self.said, errors }
        }
    }

    async fn line(&mut self, at: &Location<'_>, what: &str) -> Option<String> {
        let Ok(line) = timeout(PATIENCE, self.lines.next_line()).await else { self.give_up(at, what) };
        let line = line.expect("a text")?;
        self.said.push(line.clone());
        Some(line)
    }

    fn give_up(&self, at: &Location, what: &str) -> ! {
        panic!("{at}: it said nothing for {PATIENCE:?}, waiting for {what}: {}{}", self.so_far(), trouble())
    }

    fn so_far(&self) -> String {
        let errors = self.errors.lock().expect("nobody panics in it");
        format!("it said {:?} and complained of {:?}", tail(&self.said.join("\n")), tail(&errors))
    }
}

impl Ended {
    /// Its last line.
    pub fn last(&self) -> &str {
        self.said.last().map_or("", String::as_str)
    }
}
