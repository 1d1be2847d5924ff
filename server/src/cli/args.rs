//! Arguments that several commands share.

use std::str::FromStr;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    api::bodies::PaceBody,
    core::{
        change::{Action, Step},
        pace::{Brake, Share},
        time::Period,
    },
};

/// Names of the actions, from mild to strong.
pub const ACTIONS: [&str; 5] = ["silent", "navigate", "prompt", "countdown", "force"];

/// Where pages can stand.
pub const STANDINGS: [&str; 5] = ["current", "stale", "unsupported", "ahead", "unknown"];

/// A parser of one of the API's words.
pub fn word<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    words: impl IntoIterator<Item = &'static str>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words)
        .map(|word| T::deserialize(Value::String(word)).expect("the words listed are the type's own"))
}

/// How a change is made.
#[derive(Args, Clone, Debug, Default)]
pub struct ChangeFlags {
    /// Say what it would do, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Don't ask before pages are moved
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Only if this is still the app's last log number
    #[arg(long, value_name = "NUMBER")]
    pub if_match: Option<u64>,
}

/// How fast pages are moved, and when to stop.
#[derive(Args, Clone, Debug, Default)]
pub struct Speed {
    /// Time over which they are told, such as 90s or 30m [default: pages ÷ the app's refresh rate]
    #[arg(long, value_name = "DURATION", help_heading = "Pace")]
    pub over: Option<Period>,
    /// One wave after the other: rising shares of the pages, such as 1%,10%,100%
    #[arg(long, value_name = "SHARES", value_delimiter = ',', help_heading = "Pace")]
    pub waves: Vec<Share>,
    /// How long to wait and look between waves [default: 5m]
    #[arg(long, value_name = "DURATION", requires = "waves", help_heading = "Pace")]
    pub hold: Option<Period>,
    /// Pause by itself when more than this share of those who acted came back as old as before, or not at all
    /// [default: 0.05]
    #[arg(long, value_name = "SHARE", help_heading = "Pace")]
    pub brake: Option<Brake>,
    /// Go on to the next wave even if too few pages acted to tell
    #[arg(long, requires = "waves", help_heading = "Pace")]
    pub unproven_ok: bool,
}

impl Speed {
    /// As the API takes it.
    pub fn body(&self) -> PaceBody {
        let Self { over, hold, brake, unproven_ok, .. } = *self;
        PaceBody { over, waves: self.waves.clone(), hold, brake, unproven_ok, ..PaceBody::default() }
    }

    /// Nothing of it was given.
    pub fn is_empty(&self) -> bool {
        let Self { over, waves, hold, brake, unproven_ok } = self;
        over.is_none() && waves.is_empty() && hold.is_none() && brake.is_none() && !unproven_ok
    }
}

/// How pages are moved.
#[derive(Args, Clone, Debug, Default)]
pub struct Pace {
    /// What pages are asked to do [default: countdown; for current --recall the app's stale action]
    #[arg(long, value_parser = word::<Action>(ACTIONS), help_heading = "Pace")]
    pub action: Option<Action>,
    #[command(flatten)]
    pub speed: Speed,
    /// Force each page this long after it was first told
    #[arg(long, value_name = "DURATION", help_heading = "Pace")]
    pub deadline: Option<Period>,
    /// How long a countdown counts [default: 5m]
    #[arg(long, value_name = "DURATION", help_heading = "Pace")]
    pub countdown: Option<Period>,
    /// How long unsaved work may put it off [default: 10m]
    #[arg(long, value_name = "DURATION", help_heading = "Pace")]
    pub hold_cap: Option<Period>,
    /// Escalate: repeat it for each step, such as --step 0s:prompt --step 30m:countdown
    #[arg(
        long = "step",
        value_name = "AFTER:ACTION",
        value_parser = parse_step,
        conflicts_with = "action",
        help_heading = "Pace"
    )]
    pub steps: Vec<Step>,
}

impl Pace {
    /// As the API takes it.
    pub fn body(&self) -> PaceBody {
        PaceBody {
            action: self.action,
            deadline: self.deadline,
            countdown: self.countdown,
            hold_cap: self.hold_cap,
            steps: self.steps.clone(),
            ..self.speed.body()
        }
    }

    /// Nothing of it was given.
    pub fn is_empty(&self) -> bool {
        let Self { action, speed, deadline, countdown, hold_cap, steps } = self;
        let durations = [deadline, countdown, hold_cap];
        action.is_none()
            && speed.is_empty()
            && durations.iter().all(|duration| duration.is_none())
            && steps.is_empty()
    }

    /// It reloads pages without asking, now or later.
    pub fn forces(&self) -> bool {
        self.action == Some(Action::Force) || self.deadline.is_some() || forces(&self.steps)
    }
}

/// One of the steps reloads pages without asking.
pub fn forces(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.action == Action::Force)
}

/// Reads `30m:countdown`.
pub fn parse_step(text: &str) -> Result<Step, String> {
    let wanted = || "a step is AFTER:ACTION, such as 30m:countdown".to_owned();
    let (after, action) = text.split_once(':').ok_or_else(wanted)?;
    let after = Period::from_str(after).map_err(|error| format!("'{after}' is {error}"))?;
    let action = Action::ALL
        .into_iter()
        .find(|known| known.as_str() == action)
        .ok_or_else(|| format!("'{action}' is none of {}", ACTIONS.join(", ")))?;
    Ok(Step { after, action })
}

/// Reads `K=V`.
pub fn parse_label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a label is KEY=VALUE, such as tenant=acme".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_read_as_they_are_written() {
        let step = parse_step("30m:countdown").unwrap();
        assert_eq!(step, Step { after: Period::mins(30), action: Action::Countdown });
        for bad in ["countdown", "30m", "soon:prompt", "30m:shout", ":"] {
            assert!(parse_step(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_label("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(parse_label("=b").is_err() && parse_label("a").is_err());
    }

    #[test]
    fn the_words_of_the_command_line_are_the_contracts() {
        assert_eq!(ACTIONS, Action::ALL.map(Action::as_str));
    }
}
