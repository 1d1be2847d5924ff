//! The proof: who moved whom, when, from which builds, how long it took, and who is left and why.

use std::{fmt::Write as _, fs, path::Path};

use serde::Serialize;
use serde_json::Value;

use crate::{
    api::{
        answers::{AffectedBuild, Changed, LogAnswer, SessionDetail, SessionsAnswer},
        campaigns::CampaignAnswer,
    },
    cli::{Console, Trouble, campaigns, client::typed, say, table::plain},
    core::{
        names::{AppName, LogNumber, SessionId},
        order::Version,
        time::{Moment, Period},
    },
};

/// Pages that are left and explained one by one.
const MOST_EXPLAINED: usize = 20;

/// What there is to prove.
#[derive(Debug, Serialize)]
pub struct Report {
    app: AppName,
    minimum: Version,
    /// Nobody who is connected is below the minimum.
    complete: bool,
    by: Option<String>,
    reason: Option<String>,
    started_at: Moment,
    finished_at: Moment,
    took: Period,
    campaign: CampaignAnswer,
    /// Builds that were below the minimum at the start, with the pages that were connected then.
    from: Vec<AffectedBuild>,
    /// Connected pages that are still below it.
    left: u64,
    /// Connected pages of unregistered builds, of which nobody can tell.
    unknown: u64,
    /// Some of them, with why.
    explained: Vec<Left>,
    /// Pages below it that vanished without a goodbye: they are told when they are back.
    away: u64,
}

/// A page that has not moved.
#[derive(Debug, Serialize)]
struct Left {
    session: SessionId,
    build: String,
    why: String,
}

impl Report {
    /// As things stand now.
    pub async fn gather(
        console: &Console,
        app: &AppName,
        minimum: &Version,
        number: LogNumber,
        changed: &Changed,
        complete: bool,
    ) -> Result<Self, Trouble> {
        let client = console.client()?;
        let of_app = |path: &[&str]| {
            let mut whole = vec!["apps", app.as_str()];
            whole.extend(path);
            whole.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let get = async |path: &[&str], query: &[(String, String)]| {
            let path = of_app(path);
            let path: Vec<_> = path.iter().map(String::as_str).collect();
            client.get(&path, query).await
        };
        let campaign: CampaignAnswer = typed(&get(&["campaigns", &number.to_string()], &[]).await?)?;
        let now = super::below(console, app, minimum).await?;
        let below =
            [("below".to_owned(), minimum.to_string()), ("limit".to_owned(), MOST_EXPLAINED.to_string())];
        let sessions: SessionsAnswer = typed(&get(&["sessions"], &below).await?)?;
        let mut explained = Vec::new();
        for session in sessions.sessions {
            // One that leaves meanwhile is not left.
            if let Ok(answer) = get(&["sessions", &session.session.to_string()], &[]).await {
                let detail: SessionDetail = typed(&answer)?;
                explained.push(Left {
                    session: session.session,
                    build: session.build.to_string(),
                    why: detail.explanation,
                });
            }
        }
        let log = get(&["log"], &[("limit".to_owned(), "1000".to_owned())]).await?;
        let log: LogAnswer = typed(&log)?;
        let by = log.entries.into_iter().find(|entry| entry.number == number).map(|entry| entry.actor);
        let finished_at = now.as_of;
        Ok(Self {
            app: app.clone(),
            minimum: minimum.clone(),
            complete,
            by,
            reason: campaign.reason.clone(),
            started_at: campaign.started_at,
            finished_at,
            took: Period::secs(finished_at.since(campaign.started_at).0.div_ceil(1_000)),
            campaign,
            from: changed.affected.builds.clone(),
            left: now.sessions,
            unknown: now.unknown,
            explained,
            away: now.away,
        })
    }

    /// For programs.
    pub fn json(&self) -> Value {
        serde_json::to_value(self).expect("a report is plain data")
    }

    /// For a terminal.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.facts().into_iter().map(|(name, fact)| format!("{name:<9} {fact}"))
    }

    /// For a ticket.
    pub fn markdown(&self) -> String {
        let mut text = if self.complete {
            format!("# Proof: no connected page of {} is known to be below {}\n\n", self.app, self.minimum)
        } else {
            format!("# Not done: connected pages of {} are below {}\n\n", self.app, self.minimum)
        };
        for (name, fact) in self.facts() {
            let _ = writeln!(text, "- **{name}**: {}", escaped(&fact));
        }
        text
    }

    /// Writes it, in the form that the file's name says.
    pub fn write(&self, file: &Path) -> Result<(), Trouble> {
        let text = match file.extension().and_then(|extension| extension.to_str()) {
            Some("json") => format!("{:#}\n", self.json()),
            Some("txt") => self.lines().fold(String::new(), |text, line| text + &line + "\n"),
            _ => self.markdown(),
        };
        fs::write(file, text).map_err(|error| {
            Trouble::Failed(format!("can't write the report to {}: {error}", file.display()))
        })
    }

    /// In an order to read them. Pages have a say in some: what steers a terminal or breaks a line is taken out.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let campaign = &self.campaign;
        let result = if self.complete {
            format!("no connected page of {} is known to be below {}", self.app, self.minimum)
        } else {
            let remain = if self.left == 1 { "remains" } else { "remain" };
            let pages = say::count(self.left, "connected page");
            format!("{pages} of {} {remain} below {}", self.app, self.minimum)
        };
        let states: Vec<_> =
            campaign.states.iter().map(|(state, sessions)| format!("{sessions} {state}")).collect();
        let from: Vec<_> = self
            .from
            .iter()
            .map(|of| format!("{} {}", say::build(of.build.as_str(), of.version.as_ref()), of.sessions))
            .collect();
        let mut facts = vec![
            ("result", result),
            ("why", self.reason.clone().unwrap_or_default()),
            ("who", format!("{}, campaign {}", self.by.as_deref().unwrap_or("unknown"), campaign.campaign)),
            ("when", format!("{} to {} ({})", self.started_at, self.finished_at, self.took)),
            ("moved", format!("{} of {}", campaigns::moved(campaign), campaign.targeted)),
            ("from", if from.is_empty() { "nobody was below it".to_owned() } else { from.join(", ") }),
            ("states", states.join(", ")),
        ];
        if self.unknown > 0 {
            let pages = say::count(self.unknown, "connected page");
            facts.push(("unknown", format!("{pages} of unregistered builds, of which nobody can tell")));
        }
        if self.away > 0 {
            let pages = say::count(self.away, "page");
            facts.push((
                "asleep",
                format!("{pages} below it vanished without a goodbye, and will be told on return"),
            ));
        }
        for left in &self.explained {
            facts.push(("left", format!("{} on {}: {}", left.session, left.build, left.why)));
        }
        let more = self.left.saturating_sub(self.explained.len() as u64);
        if more > 0 {
            let all = format!("freshwire sessions {} --below {}", self.app, self.minimum);
            facts.push(("left", format!("{more} more: {all}")));
        }
        if let Some(seen) = &campaign.seen {
            facts.push(("look at", seen.clone()));
        }
        facts.into_iter().map(|(name, fact)| (name, plain(&fact))).collect()
    }
}

/// Whether a report could be written there, before there is one.
pub fn writable(file: &Path) -> Result<(), Trouble> {
    let opened = fs::OpenOptions::new().append(true).create(true).open(file);
    let fails = |error| Trouble::Usage(format!("can't write a report to {}: {error}", file.display()));
    opened.map(drop).map_err(fails)
}

/// As Markdown shows it letter by letter.
fn escaped(text: &str) -> String {
    let special = |c: char| matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>');
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
