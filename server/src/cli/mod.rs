//! The operator's commands: a client of the HTTP API that answers in tables and sentences, or in JSON.

mod address;
mod apps;
mod args;
mod built;
mod campaigns;
mod census;
mod change;
mod client;
mod current;
mod events;
mod fix;
mod health;
mod history;
mod live;
mod minimum;
mod needs;
mod push;
mod release;
mod retire;
mod rollout;
mod say;
mod sessions;
mod shell;
mod snippet;
mod sse;
mod stamp;
mod table;
mod terminal;
mod token;
mod transfer;
mod trouble;
mod wait;
mod watch;

use std::{cell::OnceCell, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::{
    address::{DEFAULT_URL, ServerUrl, server_url},
    client::Client,
    terminal::Terminal,
    trouble::Trouble,
};
use crate::core::names::AppName;

/// Where a server that was started here has written its first admin token.
const LOCAL_TOKEN: &str = "freshwire-data/admin-token";
/// Flags of every command, in its help.
const HEADING: &str = "Every operator's command";

/// What an operator can do from the command line.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List the apps and how their pages stand
    Apps(apps::ListArgs),
    /// Make an app, or change its settings
    #[command(subcommand)]
    App(apps::AppCommand),
    /// Print what to paste into an app's HTML, its security policy and its pipeline
    Snippet(snippet::SnippetArgs),
    /// Write the build into HTML files that no plugin of ours has built, and into a freshwire.json beside them
    Stamp(stamp::StampArgs),
    /// Register a build; it becomes current at once unless it is rolling
    Release(release::ReleaseArgs),
    /// List an app's releases, newest first
    Releases(release::ListArgs),
    /// Make a rolling release current: every server serves it now
    Settle(release::SettleArgs),
    /// Why a rolling release has not settled yet: what its origins, back ends and pages show
    Rollout(rollout::RolloutArgs),
    /// Make another release current: roll back, or forward
    Current(current::CurrentArgs),
    /// Say what is the lowest release that is still supported, and move the pages below it
    Minimum(minimum::MinimumArgs),
    /// Raise the minimum for a security fix, follow every page until it has moved, and prove it
    Fix(fix::FixArgs),
    /// Say that one build is bad, and move its pages
    Retire(retire::RetireArgs),
    /// Take back that a build is bad
    Reinstate(retire::ReinstateArgs),
    /// List what changes have set in motion, and what became of whom
    Campaigns(campaigns::ListArgs),
    /// Stop a campaign: its pages are told no more, and what they didn't act on is withdrawn
    Pause(campaigns::HaltArgs),
    /// Go on with a campaign that was paused, or waits for proof of its wave
    Resume(campaigns::HaltArgs),
    /// End a campaign for good
    Abort(campaigns::HaltArgs),
    /// Send data to every open page, and to those that open until it expires
    Push(push::PushArgs),
    /// List the pushes that have not expired, and what became of them
    Pushes(push::ListArgs),
    /// Who is still old: open pages by build
    Census(census::CensusArgs),
    /// Wait until the pages that still need something are gone; exits 0, or 3 when that takes too long
    Wait(wait::WaitArgs),
    /// List open pages
    Sessions(sessions::SessionsArgs),
    /// Why one page hasn't moved
    Explain(sessions::ExplainArgs),
    /// What open pages rely on: need, builds, pages
    Needs(needs::ListArgs),
    /// Which front-end build works on which back-end build
    Matrix(needs::MatrixArgs),
    /// Which back ends report in, and what they provide
    Backends(needs::ListArgs),
    /// Who changed what, newest first; or the whole log, to a file and back
    Log(history::LogArgs),
    /// Make, list and revoke operators' tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Whether a server takes pages now; exits 0, or 1 with the reason
    Health,
    /// Print a script that completes freshwire's commands in a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// What every command takes. The token itself is no argument: other users see those.
#[derive(Args, Clone, Debug)]
pub struct Globals {
    /// The server.
    #[arg(help = "The server", long, global = true, env = "FRESHWIRE_URL", hide_env_values = true, default_value = DEFAULT_URL, value_parser = ServerUrl, help_heading = HEADING)]
    pub url: Url,
    /// File with the token.
    #[arg(help = "File with the token [default: env FRESHWIRE_TOKEN, or for a server on this machine freshwire-data/admin-token]", long, global = true, value_name = "FILE", env = "FRESHWIRE_TOKEN_FILE", hide_env_values = true, help_heading = HEADING)]
    pub token_file: Option<PathBuf>,
    /// Print the server's JSON answer.
    #[arg(help = "Print the server's JSON answer", long, global = true, help_heading = HEADING)]
    pub json: bool,
}

/// Which app.
#[derive(Args, Clone, Debug)]
struct OfApp {
    /// The app
    app: AppName,
}

/// Runs a command to its end. `root` is the whole program's command line, for its completions.
pub async fn run(command: Command, globals: Globals, root: fn() -> clap::Command) -> ExitCode {
    let console = Console { globals, terminal: Terminal::here(), client: OnceCell::new() };
    let done = match command {
        Command::Apps(args) => apps::list(&console, args).await,
        Command::App(apps::AppCommand::Set(args)) => apps::set(&console, args).await,
        Command::Snippet(args) => {
            snippet::print(&console, &args);
            Ok(())
        }
        Command::Stamp(args) => stamp::stamp(&console, &args),
        Command::Release(args) => release::register(&console, args).await,
        Command::Releases(args) => release::list(&console, args).await,
        Command::Settle(args) => release::settle(&console, args).await,
        Command::Rollout(args) => rollout::print(&console, args).await,
        Command::Current(args) => current::set(&console, args).await,
        Command::Minimum(args) => minimum::set(&console, args).await,
        Command::Fix(args) => fix::fix(&console, args).await,
        Command::Retire(args) => retire::retire(&console, args).await,
        Command::Reinstate(args) => retire::reinstate(&console, args).await,
        Command::Campaigns(args) => campaigns::list(&console, args).await,
        Command::Pause(args) => campaigns::pause(&console, args).await,
        Command::Resume(args) => campaigns::resume(&console, args).await,
        Command::Abort(args) => campaigns::abort(&console, args).await,
        Command::Push(args) => push::push(&console, args).await,
        Command::Pushes(args) => push::list(&console, args).await,
        Command::Census(args) => census::print(&console, args).await,
        Command::Wait(args) => wait::wait(&console, args).await,
        Command::Sessions(args) => sessions::list(&console, args).await,
        Command::Explain(args) => sessions::explain(&console, args).await,
        Command::Needs(args) => needs::needs(&console, args).await,
        Command::Matrix(args) => needs::matrix(&console, args).await,
        Command::Backends(args) => needs::back_ends(&console, args).await,
        Command::Log(args) => history::list(&console, args).await,
        Command::Token(command) => token::run(&console, command).await,
        Command::Health => health::ask(&console).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut root(), "freshwire", &mut script);
            Terminal::print(&String::from_utf8_lossy(&script));
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => console.fail(&trouble),
    }
}

/// Where a command gets its answers and puts its words.
struct Console {
    globals: Globals,
    terminal: Terminal,
    client: OnceCell<Client>,
}

impl Console {
    /// The client, made when it is first needed.
    fn client(&self) -> Result<&Client, Trouble> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::new(self.globals.url.clone(), self.globals.token()?.as_deref())?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Prints the server's answer when that is what was asked for.
    fn printed_json(&self, answer: &Value) -> bool {
        if self.globals.json {
            Terminal::print(&format!("{answer:#}\n"));
        }
        self.globals.json
    }

    /// The server's answer to say in words; none where JSON was asked for, which is printed then.
    fn unless_json<T: DeserializeOwned>(&self, answer: &Value) -> Result<Option<T>, Trouble> {
        if self.printed_json(answer) { Ok(None) } else { client::typed(answer).map(Some) }
    }

    /// Prints a line for people.
    fn say(line: impl AsRef<str>) {
        Terminal::print(&format!("{}\n", table::plain(line.as_ref())));
    }

    /// Prints how to undo what was just done.
    fn undo(&self, undo: &Undo) {
        let word = self.terminal.paint("undo:", terminal::BOLD);
        let way = match undo {
            Undo::By(words) => self.command(words),
            Undo::Never(why) => format!("none; {why}"),
        };
        Terminal::print(&format!("{word} {way}\n"));
    }

    /// A freshwire command that reaches the same server in the same role, quoted for a shell.
    fn command<S: AsRef<str>>(&self, words: &[S]) -> String {
        let mut line = vec!["freshwire".to_owned()];
        line.extend(words.iter().map(|word| word.as_ref().to_owned()));
        let env = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let usual = env("FRESHWIRE_URL").unwrap_or_else(|| DEFAULT_URL.to_owned());
        if server_url(&usual).ok().as_ref() != Some(&self.globals.url) {
            line.extend(["--url".to_owned(), self.globals.url.as_str().trim_end_matches('/').to_owned()]);
        }
        if let Some(file) = self.globals.token_file.as_ref().map(|file| file.to_string_lossy().into_owned())
            && env("FRESHWIRE_TOKEN_FILE").as_ref() != Some(&file)
        {
            line.extend(["--token-file".to_owned(), file]);
        }
        shell::line(line)
    }

    /// Says that a list was cut off at its limit.
    fn note_more(&self, next: Option<&String>, shown: usize) {
        if next.is_some() {
            self.terminal
                .complain("note", &format!("there are more than these {shown}: --limit N shows more"));
        }
    }

    fn fail(&self, trouble: &Trouble) -> ExitCode {
        if let Trouble::Refused { answer, .. } = trouble {
            self.printed_json(answer);
        }
        if matches!(trouble, Trouble::Declined) {
            Terminal::note(&trouble.to_string());
        } else {
            self.terminal.complain("error", &table::plain(&trouble.to_string()));
        }
        if let Some(advice) = trouble.advice() {
            let text = match advice.command {
                Some(words) => format!("{}: {}", advice.text, self.command(&words)),
                None => advice.text,
            };
            self.terminal.complain("try", &text);
        }
        trouble.exit_code()
    }
}

/// How a change is taken back.
#[derive(Debug, PartialEq, Eq)]
enum Undo {
    /// By this command's words.
    By(Vec<String>),
    /// Not at all, for this reason.
    Never(String),
}

impl Undo {
    fn by<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Self {
        Self::By(words.into_iter().map(Into::into).collect())
    }

    fn never(why: impl Into<String>) -> Self {
        Self::Never(why.into())
    }
}

impl Globals {
    /// The token: from the file named, else from the environment, else a local server's own.
    fn token(&self) -> Result<Option<String>, Trouble> {
        let trimmed = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(file) = &self.token_file {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Trouble::Usage(format!("can't read the token file {}: {error}", file.display()))
            })?;
            return match trimmed(text) {
                Some(token) => Ok(Some(token)),
                None => Err(Trouble::Usage(format!("the token file {} is empty", file.display()))),
            };
        }
        if let Some(token) = std::env::var("FRESHWIRE_TOKEN").ok().and_then(trimmed) {
            return Ok(Some(token));
        }
        let local =
            client::is_loopback(&self.url).then(|| std::fs::read_to_string(LOCAL_TOKEN).ok()).flatten();
        Ok(local.and_then(trimmed))
    }
}
