//! Making a change: look first where pages are moved, ask, send, say what came of it.

use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use super::{Console, Trouble, args::ChangeFlags, client::Call, client::typed, say, terminal::Terminal};
use crate::{
    api::answers::{AppAnswer, Changed},
    core::names::AppName,
};

/// A change that an operator wants.
pub struct Wish<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// PUT, POST or DELETE.
    pub method: Method,
    /// Path segments after the app's.
    pub path: Vec<&'a str>,
    /// What is sent.
    pub body: Option<Value>,
    /// In words, without who is moved: `minimum 2.4.1`.
    pub what: String,
    /// It moves pages, so look and ask first.
    pub asks: bool,
}

/// Makes a change of an app and returns what it did. None when all is said already: a dry run, or JSON.
pub async fn make(
    console: &Console,
    flags: &ChangeFlags,
    wish: Wish<'_>,
) -> Result<Option<Changed>, Trouble> {
    let client = console.client()?;
    let mut path = vec!["apps", wish.app.as_str()];
    path.extend(&wish.path);
    let call = Call {
        method: wish.method,
        path,
        body: wish.body,
        dry_run: false,
        if_match: flags.if_match,
        repeatable: true,
    };
    // A push moves nobody.
    let verb = if wish.path == ["push"] { "would reach" } else { "would move" };
    let look = Call { dry_run: true, ..call.clone() };
    if flags.dry_run {
        let answer = client.change(&look).await?;
        if !console.printed_json(&answer) {
            let words = prospect(console, wish.app, &typed(&answer)?, verb).await;
            Console::say(format!("dry run: {} {words}; nothing was changed", wish.what));
        }
        return Ok(None);
    }
    let mut call = call;
    if wish.asks && console.terminal.interactive && !flags.yes {
        let changed: Changed = typed(&client.change(&look).await?)?;
        let words = prospect(console, wish.app, &changed, verb).await;
        Terminal::note(&super::table::plain(&format!("{} {words}", wish.what)));
        if !Terminal::agrees("Go on?") {
            return Err(Trouble::Declined);
        }
        // What is done is what was looked at: nobody else's change may have come between.
        call.if_match = call.if_match.or(Some(changed.number.0));
    }
    let answer = client.change(&call).await?;
    console.unless_json(&answer)
}

/// What a dry run found, with the number of all pages beside it where the server tells.
async fn prospect(console: &Console, app: &AppName, changed: &Changed, verb: &str) -> String {
    let all = match console.client() {
        Ok(client) => client.get(&["apps", app.as_str()], &[]).await.ok(),
        Err(_) => None,
    };
    let all = all.and_then(|answer| typed::<AppAnswer>(&answer).ok()).map(|app| app.counts.values().sum());
    say::moved(changed, verb, all)
}

/// A body as JSON.
pub fn json(body: &impl Serialize) -> Value {
    serde_json::to_value(body).expect("bodies are plain data")
}
