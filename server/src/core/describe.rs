//! Changes in words, for the history.

use std::fmt::Write as _;

use super::{
    change::{AppChange, Change, Organic, Terms},
    push::NewPush,
    time::Period,
    token::TokenChange,
};

impl Change {
    /// Its kind, as a word, and what it does, in a line.
    pub fn describe(&self) -> (String, String) {
        let (kind, summary) = match self {
            Self::App { change, .. } => describe_app(change),
            Self::Token(TokenChange::Create(token)) => {
                let app = token.app.as_ref().map(|app| format!(" for {app}")).unwrap_or_default();
                ("token", format!("token '{}' ({}{app}) made", token.name, token.scope))
            }
            Self::Token(TokenChange::Revoke(id)) => ("token", format!("token {id} revoked")),
            Self::Stray(topic) => ("stray", format!("no change: somebody else has written to {topic}")),
            Self::Strange(strange) => ("strange", format!("not understood: {}", strange.reason)),
        };
        (kind.to_owned(), summary)
    }
}

fn describe_app(change: &AppChange) -> (&'static str, String) {
    match change {
        AppChange::Settings(settings) => {
            let origins = match settings.allowed_origins.len() {
                0 => "any origin".to_owned(),
                _ => settings.allowed_origins.join(", "),
            };
            let (action, rate) = (settings.stale_action, settings.refresh_rate);
            let mut summary = format!("{origins}; stale pages {action}; {rate} refreshes/s");
            if !settings.probes.is_empty() {
                let _ = write!(summary, "; probes {}", settings.probes.join(", "));
            }
            if let Some(Organic { pages, lasting }) = settings.organic {
                let _ = write!(summary, "; organic: {pages} pages for {lasting}");
            }
            ("settings", summary)
        }
        AppChange::Release(new) => {
            let version = new.version.as_ref().map(|version| format!(" ({version})")).unwrap_or_default();
            let rolling = if new.rolling { ", rolling" } else { "" };
            let message = new.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
            ("release", format!("{}{version} registered{rolling}{message}", new.build))
        }
        AppChange::Settle { build, reason, .. } => {
            ("settle", format!("{build} settled and is current{}", because(reason.as_deref())))
        }
        AppChange::Current { build, reason, terms } => {
            let recall = if terms.steps.is_empty() { "" } else { ", pages ahead of it recalled" };
            ("current", format!("{build} is current{recall}{}", because(reason.as_deref())))
        }
        AppChange::Minimum { floor, reason, terms } => {
            ("minimum", format!("minimum is {floor}{}{}", pace(terms), because(Some(reason))))
        }
        AppChange::MinimumUndo => ("minimum", "the minimum before is restored".to_owned()),
        AppChange::Retire { build, reason, terms } => {
            ("retire", format!("{build} is retired{}{}", pace(terms), because(Some(reason))))
        }
        AppChange::Reinstate { build } => ("reinstate", format!("{build} is reinstated")),
        AppChange::Pause { campaign, reason, brake, .. } => {
            let by = if *brake { " by its brake" } else { "" };
            ("pause", format!("campaign {campaign} paused{by}{}", because(Some(reason))))
        }
        AppChange::Proven { campaign, wave, reason, .. } => {
            ("proven", format!("campaign {campaign}: wave {} proven: {reason}", wave + 1))
        }
        AppChange::Abort { campaign, reason } => {
            ("abort", format!("campaign {campaign} aborted{}", because(reason.as_deref())))
        }
        AppChange::Resume { campaign, reason } => {
            ("resume", format!("campaign {campaign} goes on{}", because(reason.as_deref())))
        }
        // What was pushed is for the app's pages, not for those who look over an operator's shoulder.
        AppChange::Push(NewPush { topic, select, data, over, expires }) => {
            let to = if select.is_everybody() { String::new() } else { format!(", to {select}") };
            let over = if *over == Period::ZERO { String::new() } else { format!(", over {over}") };
            ("push", format!("{topic}: {} bytes{to}{over}, for {expires}", data.bytes()))
        }
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

fn pace(terms: &Terms) -> String {
    let steps: Vec<_> = terms.steps.iter().map(|step| step.action.as_str()).collect();
    let waves: Vec<_> = terms.pace.waves.iter().map(ToString::to_string).collect();
    let waves = if waves.is_empty() { String::new() } else { format!(" in waves of {}", waves.join(", ")) };
    format!(" ({}, over {}{waves})", steps.join(" → "), terms.pace.over)
}
