//! What operators are answered about campaigns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::core::{
    change::Step,
    names::{BuildId, LogNumber},
    outcome::State,
    pace::{Brake, Share},
    time::{Moment, Period},
};

/// What a change set in motion, and what has become of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CampaignAnswer {
    /// Its name: the number of the change that started it.
    pub campaign: LogNumber,
    /// What that change was.
    pub kind: CampaignKind,
    /// The build that is retired, or that was made current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildId>,
    /// Why.
    pub reason: Option<String>,
    /// The number of its start or of its last resume: what was seen is of this run.
    pub run: LogNumber,
    /// Where it is.
    pub state: CampaignState,
    /// Who paused, aborted or braked it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_by: Option<String>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Moment>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_because: Option<String>,
    /// When it started.
    pub started_at: Moment,
    /// The time within which every page's first step comes due, holds not counted.
    #[schema(value_type = String)]
    pub over: Period,
    /// Rising shares, the last of them all; empty: one wave.
    #[schema(value_type = Vec<String>)]
    pub waves: Vec<Share>,
    /// Between two waves.
    #[schema(value_type = String)]
    pub hold: Period,
    /// The wave that it is in or holds after, counted from 1; none without waves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<usize>,
    /// When the next wave begins, if what is seen by then suffices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_wave_at: Option<Moment>,
    /// The share of failures at which it pauses itself.
    #[schema(value_type = f64)]
    pub brake: Brake,
    /// Its ladder; a release's depends on the releases above each page, and is empty here.
    pub steps: Vec<Step>,
    /// The share of places that have been reached, from 0 to 1.
    pub progress: f64,
    /// So many sessions it was ever about: the sum over all states.
    pub targeted: u64,
    /// Of these, whose page has acknowledged a notice.
    pub told: u64,
    /// Of those that have not ended, who is not connected.
    pub away: u64,
    /// Sessions by state; those in which nobody is are left out.
    pub states: BTreeMap<State, u64>,
    /// What was seen in this run.
    pub evidence: EvidenceAnswer,
    /// What to look at first, if anything went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

/// What set a campaign in motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CampaignKind {
    /// Another release became current.
    Release,
    /// The minimum changed.
    Minimum,
    /// A build was retired.
    Retire,
}

/// Where a campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CampaignState {
    /// It tells pages.
    Active,
    /// It tells nobody until it is resumed.
    Paused,
    /// Its wave is over, and too little was seen for the next one.
    Unproven,
    /// Everybody's place has been reached, and nothing more happens to anybody who is connected.
    Done,
    /// It was ended by an operator.
    Aborted,
    /// A newer one of its kind took its place.
    Replaced,
    /// What it was for was taken back.
    Undone,
}

/// What was seen in one run of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceAnswer {
    /// Reloaded, or changed in place.
    pub acted: u64,
    /// Of these, came back on a better build, or changed in place.
    pub came_back: u64,
    /// Of these, came back as old as before.
    pub still_old: u64,
    /// Of these, have not come back for a minute, though somebody was looking at them.
    pub missing: u64,
    /// What those say that tried and couldn't.
    pub stuck: Vec<StuckAnswer>,
}

/// Something that pages say that tried and couldn't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StuckAnswer {
    /// `origin_stale: …` or `failed: …`, in the pages' words; or `look_refused (policy)`, with the reason.
    pub detail: String,
    /// How many say so.
    pub sessions: u64,
}

/// `GET …/campaigns`, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CampaignsAnswer {
    /// Those under way, and the latest that have ended.
    pub campaigns: Vec<CampaignAnswer>,
    /// Cursor of the next page.
    pub next: Option<String>,
}
