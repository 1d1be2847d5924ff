//! The build that a document names: a `freshwire.json`, or the HTML that pages load.

use serde::Deserialize;

use crate::{
    core::names::{AppName, BuildId},
    html::{MARK, marked},
};

/// More of a name that an origin gives is not shown, in characters.
const LONGEST_SHOWN: usize = 80;

/// The build in a body, or why there is none.
pub fn build_of(body: &[u8], app: &AppName) -> Result<BuildId, String> {
    #[derive(Deserialize)]
    struct Named {
        app: Option<String>,
        build: Option<String>,
    }
    // Some editors begin a file with a byte order mark.
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii();
    let build = if body.starts_with(b"{") {
        let named: Named =
            serde_json::from_slice(body).map_err(|error| format!("its JSON can't be read: {error}"))?;
        // Where several apps share a folder, its freshwire.json is of one of them.
        if let Some(other) = named.app.filter(|other| other != app.as_str()) {
            return Err(format!("its JSON is of another app, '{}'", shown(&other)));
        }
        named.build.ok_or("its JSON has no \"build\"")?
    } else {
        marked(body, app).ok_or_else(|| {
            format!("its HTML has no <meta name=\"{MARK}\"> for this app, and it isn't JSON")
        })?
    };
    build.parse().map_err(|error| format!("it names the build '{}': {error}", shown(&build)))
}

/// What an origin says is shown to operators, but not all that it may say.
fn shown(text: &str) -> String {
    text.chars().take(LONGEST_SHOWN).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(body: &str) -> Result<String, String> {
        build_of(body.as_bytes(), &"web".parse().unwrap()).map(|build| build.to_string())
    }

    #[test]
    fn the_build_is_read_from_json_and_from_html() {
        for body in [
            r#"{"build": "b1"}"#,
            "\u{feff} {\"version\": \"1.0.0\", \"build\": \"b1\", \"assets\": {}}",
            r#"{"build": "b1", "app": "web"}"#,
            r#"<!doctype html><html><head><meta charset=utf-8><meta name="freshwire-build" content="b1"></head>"#,
            "\u{feff}\n<meta name=freshwire-build content=b1>",
        ] {
            assert_eq!(build(body), Ok("b1".to_owned()), "{body}");
        }
    }

    #[test]
    fn what_names_no_build_says_so() {
        for body in [
            "",
            "hello",
            "{}",
            "{",
            r#"{"build": 7}"#,
            r#"{"build": "a b"}"#,
            r#"{"build": "b1", "app": "other"}"#,
            "<html></html>",
            r#"<meta name="freshwire-build">"#,
            r#"<meta name="freshwire-build" content="a b">"#,
            r#"<meta name="freshwire-build" data-app="other" content="b1">"#,
            "[]",
            "<",
        ] {
            assert!(build(body).is_err(), "{body}: {:?}", build(body));
        }
    }
}
