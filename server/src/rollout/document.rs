//! The build that a document names: a `freshwire.json`, or the HTML that pages load.

use serde::Deserialize;

use crate::core::names::{AppName, BuildId};

/// More of a build's name that can't be one is not shown, in characters.
const LONGEST_SHOWN: usize = 80;

/// The build in a body, or why there is none.
pub fn build_of(body: &[u8], app: &AppName) -> Result<BuildId, String> {
    #[derive(Deserialize)]
    struct Named {
        build: Option<String>,
    }
    let text = String::from_utf8_lossy(body);
    // Some editors begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    let build = if text.starts_with('{') {
        let named: Named =
            serde_json::from_str(text).map_err(|error| format!("its JSON can't be read: {error}"))?;
        named.build.ok_or("its JSON has no \"build\"")?
    } else {
        marked(text, app).ok_or("its HTML has no <meta name=\"freshwire-build\">, and it isn't JSON")?
    };
    // What an origin says is shown to operators, but not all that it may say.
    let shown = || build.chars().take(LONGEST_SHOWN).collect::<String>();
    build.parse().map_err(|error| format!("it names the build '{}': {error}", shown().escape_debug()))
}

/// As a page takes it: the `data-build` of the app's own script, or else the meta tag.
fn marked(html: &str, app: &AppName) -> Option<String> {
    let mut meta = None;
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let is = |tag| name.eq_ignore_ascii_case(tag);
        if !is("meta") && !is("script") {
            continue;
        }
        let (attributes, after) = attributes(&rest[name.len()..]);
        rest = after;
        let value = |wanted: &str| {
            let found = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| *value).filter(|value| !value.is_empty())
        };
        if is("meta") && value("name") == Some("freshwire-build") {
            meta = meta.or(value("content").map(str::to_owned));
        } else if is("script")
            && value("data-app") == Some(app.as_str())
            && let Some(own) = value("data-build")
        {
            return Some(own.to_owned());
        }
    }
    meta
}

/// A tag's attributes up to its `>`, and what follows it.
fn attributes(mut rest: &str) -> (Vec<(&str, &str)>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return (found, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (found, after);
        }
        let ends_name = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/');
        // A name may begin with '=', as browsers read it.
        let end = rest.char_indices().skip(1).find(|(_, c)| ends_name(*c)).map_or(rest.len(), |(end, _)| end);
        let name = &rest[..end];
        rest = rest[end..].trim_start_matches(|c: char| c.is_ascii_whitespace());
        let Some(value) = rest.strip_prefix('=') else {
            found.push((name, ""));
            continue;
        };
        let value = value.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = if let Some(quote) = quote {
            value[1..].split_once(quote).unwrap_or((&value[1..], ""))
        } else {
            let ends = |c: char| c.is_ascii_whitespace() || c == '>';
            value.split_at(value.find(ends).unwrap_or(value.len()))
        };
        found.push((name, value));
        rest = after;
    }
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
            r#"<!doctype html><html><head><meta charset=utf-8><meta name="freshwire-build" content="b1"></head>"#,
            "<META CONTENT='b1' NAME=freshwire-build />",
            "<meta\n name = \"freshwire-build\"\n content=b1>",
            r#"<!-- <meta name="freshwire-build" content="old"> --><meta name="freshwire-build" content="b1">"#,
            r#"<p title="<"><meta name="freshwire-build" content="b1">"#,
            r#"<meta name="freshwire-build" content="x"><script data-app="web" data-build="b1" src=f.js></script>"#,
            r#"<script data-app="other" data-build="x"></script><meta name="freshwire-build" content="b1">"#,
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
            "<html></html>",
            "<meta",
            "<meta name",
            r#"<meta name="freshwire-build">"#,
            r#"<meta name="freshwire-build" content="#,
            "<!-- <meta",
            r#"<meta name="freshwire-build" content="a b">"#,
            "[]",
            "<",
            "<meta =",
        ] {
            assert!(build(body).is_err(), "{body}: {:?}", build(body));
        }
    }
}
