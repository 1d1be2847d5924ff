//! A document with a mark in it: everything else stays as it is, byte for byte.

use std::ops::Range;

use crate::{
    core::names::{AppName, BuildId},
    html::{MARK, Part, Tag, marked, parts},
};

/// What becomes of a document.
#[derive(Debug, PartialEq, Eq)]
pub struct Edited {
    /// All of it, anew.
    pub html: Vec<u8>,
    /// What its mark said before.
    pub was: Option<String>,
}

/// Why a document isn't stamped.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unfit {
    /// It is a part of documents: what puts it into one has the mark.
    #[error("it has no <!doctype>, <html>, <head> or <meta charset>, so it is a part of a document, not one")]
    Fragment,
    /// Tags in it aren't ASCII.
    #[error("it is UTF-16: save it as UTF-8")]
    Utf16,
    /// A script tag goes before the mark.
    #[error(
        "a script tag in it says data-build=\"{build}\" for {app}, which goes before a mark: take it out, or give --app {app}"
    )]
    ScriptSays {
        /// Its app.
        app: String,
        /// Its build.
        build: String,
    },
    /// Something that we don't see goes before it.
    #[error("stamped it would still say {0}")]
    StillSays(String),
}

/// The document with the mark of a build: its own one, where it has one, else one behind `<meta charset>`, which browsers
/// look for in the first 1,024 bytes, or where the head begins.
pub fn stamp(html: &[u8], build: &BuildId, app: Option<&AppName>) -> Result<Edited, Unfit> {
    if html.starts_with(&[0xff, 0xfe]) || html.starts_with(&[0xfe, 0xff]) {
        return Err(Unfit::Utf16);
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut anchors = Anchors::default();
    let mut mark = None;
    let mut by_script = false;
    for part in parts(html) {
        let tag = match part {
            Part::Doctype(end) => {
                anchors.doctype.get_or_insert(end);
                continue;
            }
            Part::Tag(tag) => tag,
        };
        anchors.note(&tag);
        if tag.is("script")
            && let (Some(of), Some(says)) = (tag.value("data-app"), tag.value("data-build"))
            && !says.is_empty()
        {
            match app {
                Some(app) if of == app.as_str() => {
                    by_script = true;
                    edits.extend(set(html, &tag, "data-build", build));
                }
                None if says != build.as_str() => return Err(Unfit::ScriptSays { app: of, build: says }),
                _ => {}
            }
        } else if mark.is_none()
            && tag.is_mark()
            && tag.value("data-app").as_deref() == app.map(AppName::as_str)
        {
            edits.extend(set(html, &tag, "content", build));
            mark = Some(tag);
        }
    }
    if mark.is_none() && !by_script {
        let at = anchors.place().ok_or(Unfit::Fragment)?;
        let of = app.map(|app| format!(" data-app=\"{app}\"")).unwrap_or_default();
        let tag = format!("<meta name=\"{MARK}\"{of} content=\"{}\">", escaped(build));
        edits.push((at..at, format!("{}{tag}", indentation(&html[at..]))));
    }
    let mut edited = Vec::with_capacity(html.len() + 256);
    let mut done = 0;
    for (range, text) in edits {
        edited.extend_from_slice(&html[done..range.start]);
        edited.extend_from_slice(text.as_bytes());
        done = range.end;
    }
    edited.extend_from_slice(&html[done..]);
    match marked(&edited, app) {
        Some(says) if says == build.as_str() => Ok(Edited { html: edited, was: marked(html, app) }),
        says => Err(Unfit::StillSays(says.unwrap_or_else(|| "nothing".to_owned()))),
    }
}

/// Behind what a new mark may stand, each by its end.
#[derive(Debug, Default)]
struct Anchors {
    doctype: Option<usize>,
    html: Option<usize>,
    head: Option<usize>,
    charset: Option<usize>,
    in_body: bool,
}

impl Anchors {
    fn note(&mut self, tag: &Tag) {
        let end = tag.span().end;
        let declares = || {
            let is_type = tag.value("http-equiv").is_some_and(|is| is.eq_ignore_ascii_case("content-type"));
            tag.value("charset").is_some() || is_type
        };
        self.in_body |= tag.is("body");
        if self.in_body {
            return;
        }
        if tag.is("html") {
            self.html.get_or_insert(end);
        } else if tag.is("head") {
            self.head.get_or_insert(end);
        } else if tag.is("meta") && declares() {
            self.charset.get_or_insert(end);
        }
    }

    /// None: it is no document.
    fn place(&self) -> Option<usize> {
        self.charset.or(self.head).or(self.html).or(self.doctype)
    }
}

/// The edit that gives an attribute of a tag a value. None: it has it.
fn set(html: &[u8], tag: &Tag, name: &str, build: &BuildId) -> Option<(Range<usize>, String)> {
    if tag.value(name).as_deref() == Some(build.as_str()) {
        return None;
    }
    let value = format!("\"{}\"", escaped(build));
    let Some(range) = tag.from_attribute(name) else {
        let behind_name = tag.span().start + "<meta".len();
        return Some((behind_name..behind_name, format!(" {name}={value}")));
    };
    let text = &html[range.clone()];
    let spaces =
        |from: usize| from + text[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let equals = spaces(name.len());
    if text.get(equals) != Some(&b'=') {
        let behind_name = range.start + name.len();
        return Some((behind_name..behind_name, format!("={value}")));
    }
    let start = spaces(equals + 1);
    let length = match text.get(start) {
        Some(quote @ (b'"' | b'\'')) => {
            text[start + 1..].iter().position(|byte| byte == quote).map_or(text.len() - start, |end| end + 2)
        }
        _ => text[start..].iter().take_while(|byte| !byte.is_ascii_whitespace() && **byte != b'>').count(),
    };
    Some((range.start + start..range.start + start + length, value))
}

/// As the value of an attribute in double quotes.
pub fn escaped(build: &BuildId) -> String {
    build.as_str().replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The line break and the indentation that follow, if a line ends here.
fn indentation(rest: &[u8]) -> String {
    let space = &rest[..rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()];
    let Some(line) = space.iter().rposition(|byte| *byte == b'\n') else { return String::new() };
    let line = if line > 0 && space[line - 1] == b'\r' { line - 1 } else { line };
    String::from_utf8_lossy(&space[line..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(html: &str, app: Option<&str>) -> Result<String, Unfit> {
        let app = app.map(|app| app.parse().unwrap());
        let edited = stamp(html.as_bytes(), &"b2".parse().unwrap(), app.as_ref())?;
        Ok(String::from_utf8(edited.html).unwrap())
    }

    #[test]
    fn a_mark_comes_where_the_head_begins_and_behind_the_charset() {
        let mark = r#"<meta name="freshwire-build" content="b2">"#;
        for (before, after) in [
            ("<!doctype html><html><head>", "<title>x</title></head>"),
            ("<!doctype html>\n<html>\n  <head>\n    <meta charset=utf-8>", "\n    <title>x</title>"),
            (
                "<head>\r\n\t<META HTTP-EQUIV='Content-Type' content='text/html; charset=latin1'>",
                "\r\n\t<title>x</title>",
            ),
            (
                "<!-- <head> --><!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\">",
                "<title>x</title>",
            ),
            ("<html lang=en>", "<title>x</title>"),
            ("<meta charset=utf-8>", "<title><head></title>"),
            ("<head>", "<script>'<meta charset=utf-8>'</script><body><meta charset=utf-8>"),
            ("\u{feff}<!doctype html>", "<p>x"),
        ] {
            let indent = indentation(after.as_bytes());
            let expected = format!("{before}{indent}{mark}{after}");
            assert_eq!(stamped(&format!("{before}{after}"), None), Ok(expected.clone()));
            assert_eq!(stamped(&expected, None), Ok(expected), "again it is the same");
        }
    }

    #[test]
    fn an_older_mark_gets_another_value_and_nothing_else_changes() {
        for (old, new) in [
            (
                "<head><meta name=\"freshwire-build\" content=\"b1\" id=x />",
                "<head><meta name=\"freshwire-build\" content=\"b2\" id=x />",
            ),
            ("<meta content='b1' name='freshwire-build'>", "<meta content=\"b2\" name='freshwire-build'>"),
            ("<META NAME=freshwire-build CONTENT = b1>", "<META NAME=freshwire-build CONTENT = \"b2\">"),
            ("<meta content name=freshwire-build>", "<meta content=\"b2\" name=freshwire-build>"),
            ("<meta content=\"\" name=freshwire-build>", "<meta content=\"b2\" name=freshwire-build>"),
            ("<meta name=freshwire-build>", "<meta content=\"b2\" name=freshwire-build>"),
            (
                "<meta name=freshwire-build content=\"1.0.0&#43;x\">",
                "<meta name=freshwire-build content=\"b2\">",
            ),
            ("<meta name=freshwire-build content=b&#50>", "<meta name=freshwire-build content=b&#50>"),
        ] {
            assert_eq!(stamped(old, None), Ok(new.to_owned()));
        }
    }

    #[test]
    fn every_app_has_its_own_mark() {
        let shell = r#"<head><meta name="freshwire-build" data-app="shell" content="s1"><meta name="freshwire-build" content="b1"></head>"#;
        let web = stamped(shell, Some("web")).unwrap();
        assert_eq!(
            web,
            shell.replace("<head>", r#"<head><meta name="freshwire-build" data-app="web" content="b2">"#)
        );
        assert_eq!(stamped(&web, Some("web")), Ok(web.clone()));
        assert_eq!(stamped(&web, Some("shell")), Ok(web.replace("s1", "b2")));
        assert_eq!(stamped(&web, None), Ok(web.replace("b1", "b2")));
    }

    #[test]
    fn a_script_tag_that_names_a_build_is_what_counts() {
        let tag = r#"<head><script src="/freshwire.js" data-app="web" data-build="b1"></script>"#;
        assert_eq!(stamped(tag, Some("web")), Ok(tag.replace("b1", "b2")));
        let says = Unfit::ScriptSays { app: "web".into(), build: "b1".into() };
        assert_eq!(stamped(tag, None), Err(says));
        assert!(stamped(&tag.replace("b1", "b2"), None).is_ok());
        assert!(stamped(tag, Some("admin")).unwrap().contains(r#"data-app="admin" content="b2""#));
    }

    #[test]
    fn what_a_build_may_be_called_is_escaped() {
        let build: BuildId = "1.0.0+a&b\"<c>'".parse().unwrap();
        let edited = stamp(b"<head>", &build, None).unwrap();
        assert_eq!(marked(&edited.html, None).as_deref(), Some(build.as_str()));
        assert_eq!(stamp(&edited.html, &build, None).unwrap().html, edited.html);
    }

    #[test]
    fn bytes_that_are_no_utf8_stay() {
        let latin = b"<head><title>caf\xe9</title>\xff\x00</head>";
        let edited = stamp(latin, &"b2".parse().unwrap(), None).unwrap();
        assert!(edited.html.ends_with(&latin[6..]), "{:?}", edited.html);
        assert_eq!(edited.was, None);
    }

    #[test]
    fn what_is_no_document_is_not_stamped() {
        for part in
            ["", "text", "<div>{{ item }}</div>", "<template><head></head></template>", "<!-- <head> -->"]
        {
            assert_eq!(stamped(part, None), Err(Unfit::Fragment), "{part}");
        }
        let wide: Vec<u8> = "\u{feff}<head>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(stamp(&wide, &"b2".parse().unwrap(), None), Err(Unfit::Utf16));
    }
}
