//! What changes have set in motion, and what has become of it.

use axum::{
    Json,
    extract::{Path, State},
};

use super::{
    Context, Ctx,
    auth::Reader,
    page::PageQuery,
    pausing::campaign_number,
    problem::ApiError,
    request::{AtLeast, Known},
};
use crate::{
    api::{
        answers::Problem,
        campaigns::{
            CampaignAnswer, CampaignKind, CampaignState, CampaignsAnswer, EvidenceAnswer, StuckAnswer,
        },
    },
    core::{
        app::App,
        brake::suspicion,
        campaign::{Campaign, Kind},
        names::{AppName, LogNumber},
        tally::{Tally, seen},
        time::Moment,
    },
};

/// The campaigns under way and the latest that have ended, newest first.
#[utoipa::path(get, operation_id = "list_campaigns", path = "/v1/apps/{app}/campaigns", security(("token" = [])),
    params(("app" = AppName, Path), PageQuery, AtLeast),
    responses((status = 200, body = CampaignsAnswer), (status = "default", body = Problem)))]
pub async fn list(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    page: PageQuery,
) -> Result<Json<CampaignsAnswer>, ApiError> {
    let now = crate::clock::now();
    let before = page.after()?.map_or(LogNumber(u64::MAX), LogNumber);
    let older = app.campaigns.range(..before).rev();
    let answers = older.map(|(_, campaign)| answer(&context, &app, campaign, now));
    let (campaigns, next) = page.take(answers, |last| last.campaign.to_string())?;
    Ok(Json(CampaignsAnswer { campaigns, next }))
}

/// One campaign.
#[utoipa::path(get, operation_id = "get_campaign", path = "/v1/apps/{app}/campaigns/{campaign}", security(("token" = [])),
    params(("app" = AppName, Path), ("campaign" = LogNumber, Path), AtLeast),
    responses((status = 200, body = CampaignAnswer), (status = "default", body = Problem)))]
pub async fn get(
    State(context): Ctx,
    _: Reader,
    Known(app): Known,
    Path((_, campaign)): Path<(String, String)>,
) -> Result<Json<CampaignAnswer>, ApiError> {
    let number = campaign_number(&campaign)?;
    let Some(campaign) = app.campaigns.get(&number) else {
        return Err(ApiError::not_found(format!(
            "'{app}' has no campaign {number}, or it ended long ago; list them with: freshwire campaigns {app}",
            app = app.name
        )));
    };
    Ok(Json(answer(&context, &app, campaign, crate::clock::now())))
}

/// A campaign as operators see it.
pub fn answer(context: &Context, app: &App, campaign: &Campaign, now: Moment) -> CampaignAnswer {
    let now = now.max(app.last_at);
    let run = campaign.last_run().number;
    let campaigns = context.fleet.campaigns(&app.name);
    let tally = campaigns.get(&campaign.number).cloned().unwrap_or_default();
    let seen = seen(&campaigns, campaign.number, run);
    let halt = campaign.aborted.as_ref().or(campaign.halted.as_ref());
    let (kind, build) = match &campaign.kind {
        Kind::Release => (CampaignKind::Release, released(app, campaign)),
        Kind::Minimum => (CampaignKind::Minimum, None),
        Kind::Retire(build) => (CampaignKind::Retire, Some(build.clone())),
    };
    let pace = &campaign.terms.pace;
    let unproven = campaign.unproven(now);
    let stuck = seen
        .stuck
        .iter()
        .map(|(detail, sessions)| StuckAnswer { detail: detail.clone(), sessions: *sessions });
    CampaignAnswer {
        campaign: campaign.number,
        kind,
        build,
        reason: campaign.reason.clone(),
        run,
        state: state(app, campaign, &tally, now),
        paused_by: halt.map(|halt| halt.by.clone()),
        paused_at: halt.map(|halt| halt.at),
        paused_because: halt.and_then(|halt| halt.reason.clone()),
        started_at: campaign.runs[0].from,
        over: pace.over,
        waves: pace.waves.clone(),
        hold: pace.hold,
        wave: (!pace.waves.is_empty()).then(|| campaign.wave(now) + 1),
        next_wave_at: campaign.hold_ends_at(now).filter(|_| !unproven),
        brake: pace.brake,
        steps: campaign.terms.steps.clone(),
        progress: campaign.progress(now),
        targeted: tally.targeted,
        told: tally.told,
        away: tally.away,
        states: tally.states(),
        evidence: EvidenceAnswer {
            acted: seen.evidence.acted,
            came_back: seen.came_back,
            still_old: seen.evidence.still_old,
            missing: seen.evidence.missing,
            stuck: stuck.collect(),
        },
        seen: suspicion(&seen.evidence, &seen.stuck),
    }
}

fn released(app: &App, campaign: &Campaign) -> Option<crate::core::names::BuildId> {
    let index = campaign.release.checked_sub(1)?;
    app.releases.get(index as usize).map(|release| release.new.build.clone())
}

fn state(app: &App, campaign: &Campaign, tally: &Tally, now: Moment) -> CampaignState {
    let replaced = || app.campaigns.values().any(|other| other.replaces == Some(campaign.number));
    if campaign.aborted.is_some() {
        CampaignState::Aborted
    } else if campaign.ended {
        if replaced() { CampaignState::Replaced } else { CampaignState::Undone }
    } else if campaign.paused() {
        CampaignState::Paused
    } else if campaign.unproven(now) {
        CampaignState::Unproven
    } else if campaign.progress(now) >= 1.0 && tally.targeted > 0 && tally.under_way() == 0 {
        CampaignState::Done
    } else {
        CampaignState::Active
    }
}
