//! A command of the operator's that takes its time: what it says, line by line, and how it ends.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_mins(1);

/// A command under way.
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it has said.
    pub said: Vec<String>,
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
        Self { child, lines, said: Vec::new() }
    }

    /// Reads on until it says this.
    pub async fn until(&mut self, words: &str) -> String {
        while let Some(line) = self.line().await {
            self.said.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
        panic!("it never said '{words}': {:?}", self.said);
    }

    /// Waits for its end.
    pub async fn end(mut self) -> Ended {
        while let Some(line) = self.line().await {
            self.said.push(line);
        }
        let mut errors = String::new();
        self.child.stderr.take().expect("a pipe").read_to_string(&mut errors).await.expect("a text");
        let status = self.child.wait().await.expect("it ran");
        Ended { code: status.code(), said: self.said, errors }
    }

    async fn line(&mut self) -> Option<String> {
        timeout(PATIENCE, self.lines.next_line()).await.expect("it goes on").expect("a text")
    }
}

impl Ended {
    /// Its last line.
    pub fn last(&self) -> &str {
        self.said.last().map_or("", String::as_str)
    }
}
