//! The proof: who moved whom, when, from which builds, how long it took, and who is left and why.

use std::{fmt::Write as _, fs, path::Path};

use serde::Serialize;
use serde_json::Value;

use crate::{
    api::{
        answers::{AffectedBuild, CensusAnswer, Changed, LogAnswer, SessionDetail, SessionsAnswer},
        campaigns::CampaignAnswer,
    },
    cli::{Console, Trouble, campaigns, client::typed, say},
    core::{
        judge::Standing,
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
        let census: CensusAnswer = typed(&get(&["census"], &[]).await?)?;
        let below = [
            ("standing".to_owned(), Standing::Unsupported.as_str().to_owned()),
            ("limit".to_owned(), MOST_EXPLAINED.to_string()),
        ];
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
        let rows = || census.rows.iter().filter(|row| row.standing == Standing::Unsupported);
        let finished_at = census.as_of;
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
            left: rows().map(|row| row.sessions).sum(),
            explained,
            away: rows().map(|row| row.away).sum(),
        })
    }

    /// For programs.
    pub fn json(&self) -> Value {
        serde_json::to_value(self).expect("a report is plain data")
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        self.lines().into_iter().fold(String::new(), |mut text, (name, line)| {
            let _ = writeln!(text, "{name:<9} {line}");
            text
        })
    }

    /// For a ticket.
    pub fn markdown(&self) -> String {
        let mut text = format!("# Proof: no page of {} below {} is open\n\n", self.app, self.minimum);
        if !self.complete {
            text = format!("# Not done: pages of {} below {} are open\n\n", self.app, self.minimum);
        }
        for (name, line) in self.lines() {
            let _ = writeln!(text, "- **{name}**: {}", line.replace('|', "\\|"));
        }
        text
    }

    /// Writes it, in the form that the file's name says.
    pub fn write(&self, file: &Path) -> Result<(), Trouble> {
        let text = match file.extension().and_then(|extension| extension.to_str()) {
            Some("json") => format!("{:#}\n", self.json()),
            Some("txt") => self.text(),
            _ => self.markdown(),
        };
        fs::write(file, text)
            .map_err(|error| Trouble::Usage(format!("can't write the report to {}: {error}", file.display())))
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let campaign = &self.campaign;
        let result = if self.complete {
            format!("no connected page of {} is below {}", self.app, self.minimum)
        } else {
            format!(
                "{} of {} below {}",
                say::verb(self.left, "connected page", "remain"),
                self.app,
                self.minimum
            )
        };
        let states: Vec<_> =
            campaign.states.iter().map(|(state, sessions)| format!("{sessions} {state}")).collect();
        let from: Vec<_> = self
            .from
            .iter()
            .map(|of| format!("{} {}", say::build(of.build.as_str(), of.version.as_ref()), of.sessions))
            .collect();
        let mut lines = vec![
            ("result", result),
            ("why", self.reason.clone().unwrap_or_default()),
            ("who", format!("{}, campaign {}", self.by.as_deref().unwrap_or("unknown"), campaign.campaign)),
            ("when", format!("{} to {} ({})", self.started_at, self.finished_at, self.took)),
            ("moved", format!("{} of {}", campaigns::moved(campaign), campaign.targeted)),
            ("from", if from.is_empty() { "nobody was below it".to_owned() } else { from.join(", ") }),
            ("states", states.join(", ")),
        ];
        if self.away > 0 {
            let said = say::count(self.away, "page");
            lines.push((
                "asleep",
                format!("{said} below it vanished without a goodbye, and will be told on return"),
            ));
        }
        for left in &self.explained {
            lines.push(("left", format!("{} on {}: {}", left.session, left.build, left.why)));
        }
        let more = self.left.saturating_sub(self.explained.len() as u64);
        if more > 0 {
            lines.push((
                "left",
                format!("{more} more: freshwire sessions {} --standing unsupported", self.app),
            ));
        }
        if let Some(seen) = &campaign.seen {
            lines.push(("look at", seen.clone()));
        }
        lines
    }
}
