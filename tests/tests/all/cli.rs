//! The command line against a real server, with real pages connected: what it prints, its exit codes, and that every
//! undo it prints, pasted into a shell, brings back what was.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use freshwire_tests::{
    page::Page,
    process::{self, TOKEN, binary, text},
};
use serde_json::{Value, json};

/// A server and what its operator types. A command is waited for before anything else goes on.
struct Server(process::Server);

impl Server {
    async fn start() -> Self {
        Self(process::Server::start_with(&["--warmup", "0s", "--drain", "0s"]).await)
    }

    fn url(&self) -> String {
        self.0.url("")
    }

    /// Runs a command as the operator that the environment makes them: the server's URL and its admin token.
    fn run(&self, words: &[&str]) -> Ran {
        self.run_in(freshwire().args(words))
    }

    /// Runs a command that must succeed, and returns what it printed.
    fn ok(&self, words: &[&str]) -> String {
        let ran = self.run(words);
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        ran.out
    }

    /// Runs a command that must succeed with --json.
    fn json(&self, words: &[&str]) -> Value {
        let out = self.ok(&[words, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?}: {error}: {out}"))
    }

    /// Pastes the undo that a change has printed into a shell, and returns what that prints.
    fn undo(&self, printed: &str) -> String {
        let line = printed.lines().find_map(|line| line.strip_prefix("undo: "));
        let line = line.unwrap_or_else(|| panic!("no undo in {printed}"));
        assert!(line.starts_with("freshwire "), "{line}");
        let path = format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
        let mut shell = bare(Command::new("sh"));
        let ran = self.run_in(shell.arg("-c").arg(line).env("PATH", path));
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        ran.out
    }

    fn run_in(&self, command: &mut Command) -> Ran {
        Ran::of(command.env("FRESHWIRE_URL", self.url()).env("FRESHWIRE_TOKEN", TOKEN))
    }

    /// The census's standings and counts, in order.
    fn census(&self) -> Vec<(String, String, u64)> {
        let census = self.json(&["census", "web"]);
        let rows = census["rows"].as_array().unwrap().iter();
        rows.map(|row| (text(&row["build"]), text(&row["standing"]), row["sessions"].as_u64().unwrap()))
            .collect()
    }

    fn current(&self) -> String {
        text(&self.json(&["census", "web"])["current"])
    }

    /// Two releases, the second current, and a page on each.
    async fn with_two_releases(&self) -> [Page; 2] {
        self.ok(&[
            "release",
            "web",
            "--build",
            "aaa",
            "--version",
            "2.4.1",
            "--by",
            "Ada",
            "--message",
            "Fix carts",
        ]);
        self.ok(&["release", "web", "--build", "bbb", "--version", "2.5.0", "--message", "Faster search"]);
        let open = async |build: &str, tenant: &str| {
            let hello = json!({"app": "web", "build": build, "labels": {"tenant": tenant}});
            Page::hello(self.0.address(), hello).await
        };
        [open("aaa", "acme").await, open("bbb", "globex").await]
    }
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn of(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).output().unwrap().into()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

fn freshwire() -> Command {
    bare(Command::new(binary()))
}

/// A command that nothing in the environment tells where to go, in a folder where there is no token.
fn bare(mut command: Command) -> Command {
    for name in ["FRESHWIRE_URL", "FRESHWIRE_TOKEN", "FRESHWIRE_TOKEN_FILE"] {
        command.env_remove(name);
    }
    command.current_dir(std::env::temp_dir());
    command
}

#[test]
fn an_address_that_can_not_be_used_is_not_quoted() {
    for url in
        ["http://us:hunter2@127.0.0.1:3774", "http://us:hunter2@no host", "nats://us:hunter2@127.0.0.1"]
    {
        let in_env = Ran::of(freshwire().arg("apps").env("FRESHWIRE_URL", url));
        for ran in [in_env, Ran::of(freshwire().args(["apps", "--url", url]))] {
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
            assert!(ran.err.starts_with("error: --url or FRESHWIRE_URL: "), "{ran:?}");
            assert!(!ran.err.contains("hunter2"), "{ran:?}");
        }
    }
}

#[tokio::test]
async fn the_census_is_a_plain_table_when_piped_and_the_apis_answer_as_json() {
    let server = Server::start().await;
    let _pages = server.with_two_releases().await;
    let table = server.ok(&["census", "web"]);
    let lines: Vec<_> = table.lines().collect();
    let words: Vec<Vec<_>> = lines.iter().map(|line| line.split_whitespace().collect()).collect();
    let titles = ["BUILD", "VERSION", "STANDING", "SESSIONS", "SHARE", "AWAY", "BY", "MESSAGE", "RELEASED"];
    assert_eq!(words[0], titles, "{table}");
    assert_eq!(words[1][..6], ["bbb", "2.5.0", "current", "1", "50%", "0"], "{table}");
    assert_eq!(words[2][..7], ["aaa", "2.4.1", "stale", "1", "50%", "0", "Ada"], "{table}");
    assert_eq!(lines.len(), 3, "nothing but the table: {table}");
    let share = lines[0].find("SHARE").unwrap() + "SHARE".len() - 1;
    for line in &lines[1..] {
        assert!(
            !line.contains('\u{1b}') && line.trim_end() == *line,
            "neither colours nor trailing blanks: {table}"
        );
        assert_eq!(line.find('%'), Some(share), "figures end under their title: {table}");
    }
    assert_eq!(server.json(&["census", "web"])["sessions"], 2);
}

#[tokio::test]
async fn the_minimum_can_be_tried_set_undone_and_set_again() {
    let server = Server::start().await;
    let _pages = server.with_two_releases().await;
    let stale = [("bbb".into(), "current".into(), 1), ("aaa".into(), "stale".into(), 1)];
    let unsupported = [("bbb".into(), "current".into(), 1), ("aaa".into(), "unsupported".into(), 1)];
    let raise = ["minimum", "web", "2.5.0", "--reason", "CVE-2026-1234: it's bad", "--over", "0s"];

    let tried = server.ok(&[&raise[..], &["--dry-run"]].concat());
    let expected = "dry run: minimum 2.5.0 would move 1 of 2 connected pages over 0s: countdown; 2.4.1 (aaa) 1; \
                    nothing was changed\n";
    assert_eq!(tried, expected);
    assert_eq!(server.census(), stale);

    let set = server.ok(&raise);
    assert!(
        set.starts_with("the minimum of web is 2.5.0; this moves 1 connected page over 0s: countdown"),
        "{set}"
    );
    assert_eq!(set.lines().last(), Some("undo: freshwire minimum web --undo"));
    assert_eq!(server.census(), unsupported);

    let undone = server.undo(&set);
    assert!(undone.starts_with("web has no minimum any more"), "{undone}");
    assert_eq!(server.census(), stale);

    server.undo(&undone);
    assert_eq!(server.census(), unsupported);
    let log = server.json(&["log", "web"]);
    let reasons: Vec<_> = log["entries"].as_array().unwrap().iter().filter_map(reason).collect();
    assert_eq!(reasons, ["CVE-2026-1234: it's bad"; 2], "the same order again: {log}");
}

fn reason(entry: &Value) -> Option<&str> {
    entry["change"]["app"]["reason"].as_str()
}

#[tokio::test]
async fn releases_and_rollbacks_name_their_way_back() {
    let server = Server::start().await;
    let first = server.ok(&["release", "web", "--build", "aaa", "--version", "2.4.1"]);
    assert!(first.contains("undo: none;"), "{first}");
    let second = server.ok(&["release", "web", "--build", "bbb", "--version", "2.5.0"]);
    assert!(second.starts_with("2.5.0 (bbb) is released and current for web"), "{second}");
    let back = server.undo(&second);
    assert_eq!(server.current(), "aaa");
    server.undo(&back);
    assert_eq!(server.current(), "bbb");

    let again = server.ok(&["release", "web", "--build", "bbb", "--version", "2.5.0"]);
    assert!(again.contains("already") && again.contains("undo: none; nothing was changed"), "{again}");

    let rolling = server.ok(&["release", "web", "--build", "ccc", "--version", "2.6.0", "--rolling"]);
    assert!(rolling.contains("freshwire settle web ccc"), "{rolling}");
    assert_eq!(server.current(), "bbb");
    let settled = server.ok(&["settle", "web", "ccc"]);
    assert_eq!(server.current(), "ccc");
    server.undo(&settled);
    assert_eq!(server.current(), "bbb");

    let releases = server.ok(&["releases", "web"]);
    let lines: Vec<Vec<_>> = releases.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1][..4], ["3", "ccc", "2.6.0", "superseded"], "{releases}");
    assert_eq!(lines[2][..4], ["2", "bbb", "2.5.0", "current"], "{releases}");
    let cut = server.run(&["releases", "web", "--limit", "2"]);
    assert!(cut.out.lines().count() == 3 && cut.err.contains("--limit"), "{cut:?}");

    let recalled = server.ok(&["current", "web", "aaa", "--recall", "--reason", "it burns"]);
    assert!(recalled.starts_with("2.4.1 (aaa) is current for web"), "{recalled}");
    server.undo(&recalled);
    assert_eq!(server.current(), "bbb");
}

#[tokio::test]
async fn a_retired_build_comes_back_by_the_undo_and_goes_again_by_its_undo() {
    let server = Server::start().await;
    let _pages = server.with_two_releases().await;
    let standing = || server.census()[1].1.clone();
    let retired = server.ok(&[
        "retire",
        "web",
        "aaa",
        "--reason",
        "eats carts",
        "--step",
        "0s:prompt",
        "--deadline",
        "2h",
    ]);
    assert!(retired.contains("prompt, after 2h force"), "{retired}");
    assert_eq!(standing(), "unsupported");
    let reinstated = server.undo(&retired);
    assert_eq!(standing(), "stale");
    assert!(reinstated.contains("--reason 'eats carts' --step 0s:prompt --step 2h:force"), "{reinstated}");
    server.undo(&reinstated);
    assert_eq!(standing(), "unsupported");
}

#[tokio::test]
async fn an_apps_settings_are_set_back_by_the_undo() {
    let server = Server::start().await;
    server.ok(&["app", "set", "web", "--origin", "https://a.example", "--refresh-rate", "20"]);
    let settings = || server.json(&["apps"])["apps"][0]["settings"].clone();
    let before = settings();
    let change = ["app", "set", "web", "--any-origin", "--stale-action", "prompt", "--refresh-rate", "5"];
    let tried = server.ok(&[&change[..], &["--dry-run"]].concat());
    assert!(tried.contains("nothing was changed") && settings() == before, "{tried}");
    let set = server.ok(&change);
    assert_eq!(settings()["allowed_origins"], json!([]));
    server.undo(&set);
    assert_eq!(settings(), before);
    let apps = server.ok(&["apps"]);
    assert!(apps.starts_with("APP  ") && apps.lines().nth(1).unwrap().starts_with("web "), "{apps}");
}

#[tokio::test]
async fn sessions_are_listed_by_what_one_asks_for() {
    let server = Server::start().await;
    let _pages = server.with_two_releases().await;
    let builds = |filter: &[&str]| -> Vec<String> {
        let answer = server.json(&[&["sessions", "web"], filter].concat());
        let sessions = answer["sessions"].as_array().unwrap().iter();
        let mut builds: Vec<_> =
            sessions.map(|session| session["build"].as_str().unwrap().to_owned()).collect();
        builds.sort();
        builds
    };
    assert_eq!(builds(&[]), ["aaa", "bbb"]);
    assert_eq!(builds(&["--below", "2.5.0"]), ["aaa"]);
    assert_eq!(builds(&["--below", "bbb"]), ["aaa"]);
    assert_eq!(builds(&["--standing", "current"]), ["bbb"]);
    assert_eq!(builds(&["--label", "tenant=globex"]), ["bbb"]);
    assert_eq!(builds(&["--label", "tenant=globex", "--build", "aaa"]), Vec::<String>::new());
    let table = server.ok(&["sessions", "web", "--build", "aaa"]);
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("SESSION ") && lines[0].ends_with("LABELS"), "{table}");
    assert!(lines.len() == 2 && lines[1].ends_with("tenant=acme"), "{table}");
    let cut = server.run(&["sessions", "web", "--limit", "1"]);
    assert!(cut.code == 0 && cut.out.lines().count() == 2 && cut.err.contains("more"), "{cut:?}");
    let none = server.run(&["sessions", "web", "--held"]);
    assert_eq!((none.code, none.out.as_str(), none.err.as_str()), (0, "", "no such sessions\n"));
}

#[tokio::test]
async fn a_token_does_what_its_scope_says_until_it_is_revoked() {
    let server = Server::start().await;
    server.ok(&["release", "web", "--build", "aaa"]);
    let made = server.ok(&[
        "token",
        "create",
        "the pipeline",
        "--scope",
        "read",
        "--app",
        "web",
        "--expires-in",
        "24h",
    ]);
    let secret = made.lines().nth(1).unwrap();
    let with_it = |words: &[&str]| {
        let mut command = freshwire();
        Ran::of(command.args(words).env("FRESHWIRE_URL", server.url()).env("FRESHWIRE_TOKEN", secret))
    };
    assert_eq!(with_it(&["census", "web"]).code, 0);
    let refused = with_it(&["release", "web", "--build", "bbb"]);
    assert!(refused.code == 1 && refused.out.is_empty(), "{refused:?}");
    assert!(refused.err.starts_with("error: ") && refused.err.contains("\ntry: "), "{refused:?}");

    let list = server.ok(&["token", "list"]);
    assert!(list.contains("the pipeline") && list.contains("read") && !list.contains(secret), "{list}");
    assert!(server.undo(&made).contains("undo: none;"));
    let revoked = with_it(&["census", "web"]);
    assert!(revoked.code == 1 && revoked.err.contains("admin-token"), "{revoked:?}");
}

#[tokio::test]
async fn refusals_say_what_to_do_and_change_nothing() {
    let server = Server::start().await;
    let _pages = server.with_two_releases().await;
    let number = || server.json(&["census", "web"])["number"].as_u64().unwrap();
    let before = number();
    let refused = |words: &[&str], advice: &str| {
        let ran = server.run(words);
        assert!(ran.code == 1 && ran.out.is_empty() && ran.err.starts_with("error: "), "{words:?}: {ran:?}");
        assert!(ran.err.contains(advice), "{words:?}: {ran:?}");
    };
    refused(&["minimum", "web", "9.0.0", "--reason", "r"], "try: ");
    refused(&["retire", "web", "bbb", "--reason", "r"], "freshwire releases web");
    refused(&["release", "web", "--build", "old", "--version", "1.0.0"], "--anyway");
    refused(&["release", "web", "--build", "none"], "version");
    refused(&["minimum", "web", "2.5.0", "--reason", "r", "--if-match", "1"], "freshwire log web");
    refused(&["retire", "web", "aaa", "--reason", "r", "--step", "5m:prompt"], "steps[0].after");
    refused(&["current", "web", "nosuch"], "nosuch");
    refused(&["minimum", "web", "--undo"], "no minimum");
    refused(&["census", "nosuch"], "nosuch");
    assert_eq!(number(), before);

    let problem = server.run(&["retire", "web", "bbb", "--reason", "r", "--json"]);
    let answer: Value = serde_json::from_str(&problem.out).unwrap();
    assert!(
        problem.code == 1 && answer["type"].as_str().unwrap().ends_with("locks-everyone-out"),
        "{problem:?}"
    );
}

#[test]
fn the_exit_code_tells_usage_from_refusal_from_no_server() {
    let code = |words: &[&str]| Ran::of(freshwire().args(words)).code;
    assert_eq!(code(&["minimum", "web"]), 2);
    assert_eq!(code(&["minimum", "web", "two", "--reason", "r"]), 2);
    assert_eq!(code(&["census", "Not A Slug"]), 2);
    assert_eq!(code(&["census", "web", "--token-file", "/no/such/file"]), 2);
    // Port 1 of this machine has no server.
    let away = Ran::of(freshwire().args(["census", "web", "--url", "http://127.0.0.1:1"]));
    assert!(away.code == 4 && away.out.is_empty(), "{away:?}");
    assert!(
        away.err.contains("can't reach http://127.0.0.1:1") && away.err.contains("freshwire serve"),
        "{away:?}"
    );
}

#[tokio::test]
async fn the_undo_repeats_the_flags_that_lead_to_the_server() {
    let server = Server::start().await;
    // As a server leaves its first token behind that was given none.
    let data = server.0.folder().join("freshwire-data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("admin-token"), TOKEN).unwrap();
    let (url, token) = (server.url(), data.join("admin-token"));
    let token = token.to_str().unwrap();
    let release = |build| {
        let words = ["release", "web", "--build", build, "--url", &url, "--token-file", token];
        Ran::of(freshwire().args(words))
    };
    assert_eq!(release("aaa").code, 0);
    let undo = format!("undo: freshwire current web aaa --url {url} --token-file {token}\n");
    let second = release("bbb");
    assert!(second.out.ends_with(&undo), "{second:?}");

    // Beside its data folder it is found.
    let local = Ran::of(freshwire().args(["census", "web", "--url", &url]).current_dir(server.0.folder()));
    assert_eq!(local.code, 0, "{local:?}");
    let nowhere = Ran::of(freshwire().args(["census", "web", "--url", &url]));
    assert!(nowhere.code == 1 && nowhere.err.contains("FRESHWIRE_TOKEN"), "{nowhere:?}");
}

#[test]
fn the_snippet_and_the_completions_need_no_server() {
    let snippet = Ran::of(freshwire().args(["snippet", "web", "--url", "https://fresh.example.com"]));
    assert_eq!(snippet.code, 0);
    for part in [
        r#"<meta name="freshwire-build" content="BUILD">"#,
        r#"<script src="https://fresh.example.com/freshwire.js" data-app="web""#,
        "\nscript-src 'self' https://fresh.example.com; connect-src 'self' https://fresh.example.com wss://fresh.example.com\n",
        "freshwire release web ",
    ] {
        assert!(snippet.out.contains(part), "{part}: {}", snippet.out);
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = Ran::of(freshwire().args(["completions", shell]));
        assert!(script.code == 0 && script.out.contains("reinstate"), "{shell}");
    }
}
