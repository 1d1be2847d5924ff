//! Whether a rolling release is served everywhere: what was found, and what that adds up to.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    app::{App, Release, label},
    change::Organic,
    judge::{below_floor, registered_key},
    names::BuildId,
    needs::Lacking,
    time::Moment,
};

/// How often in a row every origin has to serve the new build: a load balancer's next answer may be another server's.
pub const IN_A_ROW: u32 = 3;

/// What one origin probe found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbeReading {
    /// What is asked.
    pub url: String,
    /// The build that it serves. None: it has not answered, or not with a build.
    pub build: Option<BuildId>,
    /// So many times in a row it served that build.
    pub in_a_row: u32,
    /// When it was asked last.
    pub at: Option<Moment>,
    /// What is wrong with its answer.
    pub detail: Option<String>,
}

impl ProbeReading {
    /// An origin that nobody has asked yet.
    pub fn unasked(url: &str) -> Self {
        Self { url: url.to_owned(), build: None, in_a_row: 0, at: None, detail: None }
    }

    /// Takes in the next answer.
    pub fn take_in(&mut self, answer: Result<BuildId, String>, at: Moment) {
        self.at = Some(at);
        match answer {
            Ok(build) if self.build.as_ref() == Some(&build) => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                self.detail = None;
            }
            Ok(build) => (self.build, self.in_a_row, self.detail) = (Some(build), 1, None),
            Err(detail) => (self.build, self.in_a_row, self.detail) = (None, 0, Some(detail)),
        }
    }
}

/// One kind of evidence that a release is served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// Every configured origin serves it.
    Probes {
        /// What each of them said.
        probes: Vec<ProbeReading>,
        /// So many times in a row each has to say it.
        wanted: u32,
    },
    /// Every live back end provides what it needs.
    BackEnds {
        /// Long enough has been listened to know of every one.
        heard_all: bool,
        /// How many are alive.
        live: u64,
        /// Those that don't.
        lacking: Vec<Lacking>,
    },
    /// Real pages live on it.
    Organic {
        /// So many have lived long enough.
        pages: u64,
        /// How many for how long it takes.
        wanted: Organic,
        /// When a page on it saw a chunk error last.
        failed_at: Option<Moment>,
    },
}

impl Evidence {
    /// It says that the release is served.
    pub fn complete(&self, build: &BuildId, now: Moment) -> bool {
        match self {
            Self::Probes { probes, wanted } => {
                !probes.is_empty() && probes.iter().all(|probe| serves(probe, build) >= *wanted)
            }
            Self::BackEnds { heard_all, live, lacking } => *heard_all && *live > 0 && lacking.is_empty(),
            Self::Organic { pages, wanted, failed_at } => {
                *pages >= u64::from(wanted.pages)
                    && failed_at.is_none_or(|at| now.since(at) >= wanted.lasting)
            }
        }
    }

    /// What was found, in words.
    pub fn words(&self, build: &BuildId, now: Moment) -> String {
        match self {
            Self::Probes { probes, wanted } => {
                let sure = probes.iter().filter(|probe| serves(probe, build) >= *wanted).count();
                let words = format!("{sure} of {} origins served it {wanted} times in a row", probes.len());
                match probes.iter().find(|probe| serves(probe, build) < *wanted) {
                    Some(ProbeReading { url, detail: Some(detail), .. }) => {
                        format!("{words}; {url}: {detail}")
                    }
                    Some(ProbeReading { url, build: Some(other), .. }) if other != build => {
                        format!("{words}; {url} serves {other}")
                    }
                    _ => words,
                }
            }
            Self::BackEnds { live: 0, .. } => "no back end has reported in yet".to_owned(),
            Self::BackEnds { live, lacking, .. } if !lacking.is_empty() => {
                format!("{} of {live} live back ends lack a need: {}", lacking.len(), named(lacking))
            }
            Self::BackEnds { heard_all: false, live, .. } => {
                format!("{live} live back ends provide all; others may not have reported in yet")
            }
            Self::BackEnds { live, .. } => format!("all {live} live back ends provide what it needs"),
            Self::Organic { pages, wanted: Organic { pages: most, lasting }, failed_at } => {
                let words = format!("{pages} of {most} pages have lived on it for {lasting}");
                match failed_at.filter(|at| now.since(*at) < *lasting) {
                    Some(at) => format!("{words}; one saw a chunk error {} ago", now.since(at)),
                    None => words,
                }
            }
        }
    }
}

/// What the evidence of a release adds up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It settles now, for this reason.
    Settles(String),
    /// It settles by itself when all of its evidence is complete.
    Waits(String),
    /// It settles only when told to, for this reason.
    ByHand(String),
}

/// Whether a release settles by itself now. Kinds that nobody has configured, and that nobody reports, are left out.
pub fn decide(app: &App, release: &Release, evidence: &[Evidence], now: Moment) -> Verdict {
    if let Some(why) = held_back(app, release) {
        return Verdict::ByHand(why);
    }
    if evidence.is_empty() {
        return Verdict::ByHand(
            "there is no evidence to go by: the app has no probes, no organic evidence is set, and no back end that \
             it needs something of reports in"
                .to_owned(),
        );
    }
    let build = &release.new.build;
    let words = |evidence: &[&Evidence]| {
        evidence.iter().map(|evidence| evidence.words(build, now)).collect::<Vec<_>>().join("; ")
    };
    let (complete, lacking): (Vec<_>, Vec<_>) =
        evidence.iter().partition(|evidence| evidence.complete(build, now));
    if lacking.is_empty() { Verdict::Settles(words(&complete)) } else { Verdict::Waits(words(&lacking)) }
}

/// Releases that may settle by themselves, oldest first.
pub fn unsettled(app: &App) -> impl Iterator<Item = &Release> {
    app.releases.iter().map(|release| &**release).filter(|release| held_back(app, release).is_none())
}

/// Why a release doesn't settle by itself, whatever is found: it never lowers current, and locks nobody out.
fn held_back(app: &App, release: &Release) -> Option<String> {
    let build = &release.new.build;
    if release.settled_at.is_some() {
        return Some("it has settled".to_owned());
    }
    if app.retired.contains_key(build) {
        return Some("it is retired".to_owned());
    }
    let key = registered_key(app, build)?;
    if below_floor(app, key) {
        return Some("it is below the minimum".to_owned());
    }
    let current = app.current_release()?;
    let current_key = registered_key(app, &current.new.build)?;
    (key.compare(current_key) != Some(Ordering::Greater))
        .then(|| format!("it is below current, {}, which nothing lowers by itself", label(current)))
}

fn serves(probe: &ProbeReading, build: &BuildId) -> u32 {
    if probe.build.as_ref() == Some(build) { probe.in_a_row } else { 0 }
}

/// Instances and what they lack: `api-1 (route.x)`.
pub fn named(lacking: &[Lacking]) -> String {
    const NAMED: usize = 5;
    let name = |lacking: &Lacking| {
        let missing: Vec<_> = lacking.missing.iter().take(NAMED).map(ToString::to_string).collect();
        format!("{} ({})", lacking.instance, missing.join(", "))
    };
    let mut words = lacking.iter().take(NAMED).map(name).collect::<Vec<_>>().join(", ");
    if lacking.len() > NAMED {
        words = format!("{words} and {} more", lacking.len() - NAMED);
    }
    words
}
