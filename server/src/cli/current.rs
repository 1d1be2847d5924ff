//! `current`: roll back, or forward.

use clap::Args;
use reqwest::Method;

use super::{
    Console, OfApp, Trouble, Undo,
    args::{ChangeFlags, Pace},
    change::{Wish, json, make},
    say,
};
use crate::{
    api::{answers::Changed, bodies::CurrentBody},
    core::names::{AppName, BuildId},
};

/// What `current` takes.
#[derive(Args, Debug)]
pub struct CurrentArgs {
    #[command(flatten)]
    of: OfApp,
    /// The release that pages should be on
    build: BuildId,
    /// For the history
    #[arg(long)]
    reason: Option<String>,
    /// Also move the pages that are ahead of it
    #[arg(long)]
    recall: bool,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Makes a release current.
pub async fn set(console: &Console, args: CurrentArgs) -> Result<(), Trouble> {
    let (app, build) = (&args.of.app, &args.build);
    let body = CurrentBody::new(build.clone(), args.reason, args.recall, args.pace.body());
    let recall = if args.recall { ", with the pages ahead of it recalled," } else { "" };
    let wish = Wish {
        app,
        method: Method::PUT,
        path: vec!["current"],
        body: Some(json(&body)),
        what: format!("making {build} current{recall}"),
        asks: args.recall || args.pace.forces(),
    };
    let Some(changed) = make(console, &args.flags, wish).await? else { return Ok(()) };
    let named = changed.current.as_ref().map_or_else(|| build.to_string(), say::release);
    Console::say(format!("{named} is current for {app}; this {}", say::moved(&changed, "moves", None)));
    console.undo(&undo(app, &changed));
    Ok(())
}

/// Makes current what was current before.
pub fn undo(app: &AppName, changed: &Changed) -> Undo {
    let Some(before) = &changed.before else {
        return Undo::never(format!("what was current before is in: freshwire log {app}"));
    };
    match &before.current {
        None => Undo::never("it is the app's first current release"),
        Some(before) if changed.current.as_ref() == Some(before) => Undo::never("it was current before"),
        Some(before) => Undo::by(["current", app.as_str(), before.build.as_str()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::answers::{Before, ReleaseRef},
        core::change::Settings,
    };

    #[test]
    fn the_undo_names_what_was_current_before() {
        let release = |build: &str| ReleaseRef { build: build.parse().unwrap(), version: None };
        let changed = |before: Option<&str>| Changed {
            current: Some(release("b")),
            before: Some(Before {
                current: before.map(release),
                minimum: None,
                settings: Settings::default(),
            }),
            ..Changed::default()
        };
        let app = "web".parse().unwrap();
        assert_eq!(undo(&app, &changed(Some("a"))), Undo::by(["current", "web", "a"]));
        assert!(matches!(undo(&app, &changed(Some("b"))), Undo::Never(_)));
        assert!(matches!(undo(&app, &changed(None)), Undo::Never(_)));
    }
}
