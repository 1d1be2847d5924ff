//! Entries to append, where a test doesn't mind what is in them.

use freshwire::core::{
    change::{AppChange, Change, Draft, Settings, Topic},
    names::{AppName, LogNumber},
    time::Moment,
};
use uuid::Uuid;

/// An app's name.
pub fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

/// The topic of an app.
pub fn topic(name: &str) -> Topic {
    Topic::App(app(name))
}

/// A change of an app's settings, always accepted by the fold if `prev` is right. `rate` tells it from others.
pub fn settings(name: &str, prev: LogNumber, rate: u32) -> Draft {
    let settings = Settings { refresh_rate: rate, ..Settings::default() };
    Draft {
        id: Uuid::now_v7(),
        at: Moment(1_700_000_000_000),
        actor: "test".into(),
        prev,
        request: None,
        change: Change::App { app: app(name), change: AppChange::Settings(settings) },
    }
}
