//! `freshwire census --watch`: on a terminal, piped, and as JSON; while the server is there, while it isn't, and to the end.

use std::{
    io::Read,
    process::{ExitStatus, Stdio},
};

use freshwire_tests::{
    eventually,
    page::Page,
    process::{Server, TOKEN, binary},
    terminal::Terminal,
    waiting::{PATIENCE, in_time, tail},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};

/// It takes no time to start or to stop.
async fn server_with_app() -> Server {
    Server::with_app(&["--warmup", "0s", "--drain", "0s"]).await
}

/// The command, with nothing in its environment but what it needs.
fn command(server: &Server, words: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(["census", "web", "--watch"]).args(words);
    command.env_clear().env("FRESHWIRE_URL", server.url("")).env("FRESHWIRE_TOKEN", TOKEN);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn signal(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)).expect("it runs");
    kill_process(pid, signal).expect("it runs");
}

async fn ended(child: &mut Child) -> ExitStatus {
    in_time(PATIENCE, "the command ends", child.wait()).await.expect("it ran")
}

/// The command as a program sees it.
struct Piped {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
    /// The last line, for what is said of one that doesn't come.
    last: String,
}

impl Piped {
    fn start(server: &Server, words: &[&str]) -> Self {
        let mut child =
            command(server, words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, err, last: String::new() }
    }

    /// The next line, without its time.
    async fn line(&mut self) -> String {
        let line = self.whole_line().await;
        let (time, line) = line.split_once("  ").expect("a time");
        time.parse::<jiff::Timestamp>().expect("a time");
        line.to_owned()
    }

    /// The next line as it is.
    async fn whole_line(&mut self) -> String {
        let what = format!("a line comes after '{}'", self.last);
        let line = in_time(PATIENCE, &what, self.out.next_line()).await.unwrap();
        self.last = line.unwrap_or_else(|| panic!("it ended after '{}'", self.last));
        self.last.clone()
    }

    async fn note(&mut self) -> String {
        let what = format!("a note comes after the line '{}'", self.last);
        let note = in_time(PATIENCE, &what, self.err.next_line()).await.unwrap();
        note.unwrap_or_else(|| panic!("it ended after '{}'", self.last))
    }
}

#[tokio::test]
async fn piped_it_prints_a_line_for_every_change_and_outlives_the_server() {
    let mut server = server_with_app().await;
    let mut watch = Piped::start(&server, &[]);
    assert_eq!(watch.line().await, "0 sessions · no minimum");
    let page = Page::open(server.address(), "web", "a", "1.0.0").await;
    assert_eq!(watch.line().await, "1 session · 100% current · no minimum · 1.0.0 current 1");
    server.release("web", json!({"build": "b", "version": "1.1.0"})).await;
    assert_eq!(watch.line().await, "1 session · 0% current · no minimum · 1.0.0 stale 1");
    page.close(1000).await;
    assert_eq!(watch.line().await, "0 sessions · no minimum");

    server.kill().await;
    assert!(watch.note().await.ends_with("; trying again"));
    server.restart().await;
    assert_eq!(watch.note().await, "note: connected again");
    let _page = Page::open(server.address(), "web", "b", "1.1.0").await;
    assert_eq!(watch.line().await, "1 session · 100% current · no minimum · 1.1.0 current 1");
    signal(&watch.child, Signal::INT);
    assert_eq!(ended(&mut watch.child).await.code(), Some(0));
}

#[tokio::test]
async fn it_ends_when_nobody_reads_it() {
    let server = server_with_app().await;
    for words in [&[][..], &["--json"]] {
        let mut watch = Piped::start(&server, words);
        watch.whole_line().await;
        drop(watch.out);
        let page = Page::open(server.address(), "web", "a", "1.0.0").await;
        assert_eq!(ended(&mut watch.child).await.code(), Some(0), "{words:?}");
        page.close(1000).await;
        eventually("nobody is left", async || server.census("web").await.is_empty().then_some(())).await;
    }
}

#[tokio::test]
async fn as_json_every_line_is_a_census() {
    let server = server_with_app().await;
    let mut watch = Piped::start(&server, &["--json"]);
    let _page = Page::open(server.address(), "web", "a", "1.0.0").await;
    loop {
        let line = watch.whole_line().await;
        let census: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(census["rows"][0]["build"], "a");
        if census["sessions"] == 1 {
            break;
        }
    }
    signal(&watch.child, Signal::TERM);
    assert_eq!(ended(&mut watch.child).await.code(), Some(0));
}

#[tokio::test]
async fn what_can_not_be_watched_is_said_at_once() {
    let mut server = server_with_app().await;
    let output = |mut command: Command| async move {
        in_time(PATIENCE, "the command ends", command.output()).await.expect("it ran")
    };
    let mut unknown = Command::new(binary());
    unknown.args(["census", "nobody", "--watch"]).env_clear();
    unknown.env("FRESHWIRE_URL", server.url("")).env("FRESHWIRE_TOKEN", TOKEN);
    let refused = output(unknown).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there is no app 'nobody'"), "{refused:?}");
    server.kill().await;
    assert_eq!(output(command(&server, &[])).await.status.code(), Some(4));
}

/// The command as a person sees it.
struct Seen {
    child: Child,
    terminal: Terminal,
    bytes: mpsc::UnboundedReceiver<Vec<u8>>,
    raw: Vec<u8>,
    all: String,
}

impl Seen {
    fn start(server: &Server, columns: u16, rows: u16) -> Self {
        let (terminal, inner) = Terminal::open(columns, rows);
        let child = command(server, &[]).env("NO_COLOR", "1").stdout(inner).spawn().expect("it starts");
        let (sender, bytes) = mpsc::unbounded_channel();
        let mut reader = terminal.reader();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // An error: the other end is closed.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, terminal, bytes, raw: Vec::new(), all: String::new() }
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.terminal.resize(columns, rows);
        // As the kernel does where the terminal is the process's own.
        signal(&self.child, Signal::WINCH);
    }

    /// Waits for a picture that shows something, and answers its lines.
    async fn picture(&mut self, shows: impl Fn(&[String]) -> bool) -> Vec<String> {
        loop {
            // What was drawn last is between the last beginning and end.
            if let Some((before, _)) = self.all.rsplit_once("\x1b[J\x1b[?2026l")
                && let Some((_, picture)) = before.rsplit_once("\x1b[?2026h\x1b[H")
            {
                // The terminal adds a carriage return of its own.
                let lines = picture.replace('\r', "").replace("\x1b[K", "");
                let lines: Vec<_> = lines.split('\n').map(str::to_owned).collect();
                if shows(&lines) {
                    return lines;
                }
            }
            self.read().await.expect("it goes on");
        }
    }

    async fn read(&mut self) -> Option<()> {
        let Ok(bytes) = timeout(PATIENCE, self.bytes.recv()).await else {
            panic!("nothing is drawn for {PATIENCE:?} after {:?}", tail(&self.all))
        };
        let bytes = bytes?;
        self.raw.extend(bytes);
        // What was read may end within a character: that comes with the rest of it.
        self.all = String::from_utf8_lossy(&self.raw).into_owned();
        Some(())
    }
}

fn has(lines: &[String], words: &str) -> bool {
    lines.iter().any(|line| line.contains(words))
}

#[tokio::test]
async fn on_a_terminal_it_is_redrawn_in_place_and_leaves_it_as_it_was() {
    let mut server = server_with_app().await;
    let message = "Carts are emptied when their owner logs out on another device";
    server.release("web", json!({"build": "b", "version": "1.1.0", "message": message})).await;
    let mut seen = Seen::start(&server, 120, 24);
    seen.picture(|lines| has(lines, "0 sessions") && has(lines, "live")).await;
    let mut pages = Vec::new();
    for build in 0..12 {
        pages.push(Page::open(server.address(), "web", &format!("u{build}"), "0.9.0").await);
    }
    let lines = seen.picture(|lines| has(lines, "12 sessions")).await;
    assert!(has(&lines, "u11") && has(&lines, "logs out"), "{lines:#?}");

    // Smaller: the table gives way, and the rest is there still.
    seen.resize(70, 10);
    let lines = seen.picture(|lines| lines.len() == 10).await;
    assert!(lines.iter().all(|line| line.chars().count() <= 70), "{lines:#?}");
    assert!(
        has(&lines, "b ") && has(&lines, "and 10 more builds") && has(&lines, "12 sessions"),
        "{lines:#?}"
    );

    server.kill().await;
    let lines = seen.picture(|lines| has(lines, "not live")).await;
    assert!(has(&lines, "12 sessions"), "{lines:#?}");
    server.restart().await;
    seen.picture(|lines| has(lines, "0 sessions") && has(lines, "live; Ctrl-C")).await;

    signal(&seen.child, Signal::INT);
    assert_eq!(ended(&mut seen.child).await.code(), Some(0));
    while !seen.all.contains("\x1b[?1049l") {
        seen.read().await.expect("it puts things back");
    }
    // The other screen, the hidden cursor and the cut lines: each begun once, each ended.
    for (begin, end) in [("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?25l", "\x1b[?25h"), ("\x1b[?7l", "\x1b[?7h")]
    {
        assert_eq!((seen.all.matches(begin).count(), seen.all.matches(end).count()), (1, 1));
    }
    let after = seen.all.split("\x1b[?1049l").nth(1).unwrap().to_owned();
    assert!(!after.contains('\x1b'), "{after}");
}
