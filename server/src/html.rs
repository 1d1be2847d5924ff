//! HTML as a browser reads it that runs scripts: which tags make elements of the document, and which build they name.

use std::ops::Range;

use html5gum::{DefaultEmitter, Emitter, ForwardingEmitter, StartTag, State, Token, Tokenizer};

use crate::core::names::AppName;

/// The `name` of the meta tag that carries a mark.
pub const MARK: &str = "freshwire-build";

/// A start tag that makes an element of the document. What stands in a comment, a script, a template, … does not.
#[derive(Debug)]
pub struct Tag(StartTag<usize>);

impl Tag {
    /// Its name in lower case.
    pub fn is(&self, name: &str) -> bool {
        *self.0.name == *name.as_bytes()
    }

    /// An attribute's value, decoded. None: it isn't there.
    pub fn value(&self, attribute: &str) -> Option<String> {
        let value = self.0.attributes.get(attribute.as_bytes())?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// From where its name begins an attribute to the end of the tag, in bytes of the document.
    pub fn from_attribute(&self, attribute: &str) -> Option<Range<usize>> {
        let value = self.0.attributes.get(attribute.as_bytes())?;
        Some(value.span.start..self.0.span.end)
    }

    /// Where it stands, from its `<` to behind its `>`, in bytes of the document.
    pub fn span(&self) -> Range<usize> {
        self.0.span.start..self.0.span.end
    }

    /// A mark, whatever it says.
    pub fn is_mark(&self) -> bool {
        self.is("meta") && self.value("name").as_deref() == Some(MARK)
    }
}

/// What a document is made of, as far as anybody here asks.
#[derive(Debug)]
pub enum Part {
    /// The document type, and where it ends.
    Doctype(usize),
    /// An element begins.
    Tag(Tag),
}

/// The parts of a document, in their order.
pub fn parts(html: &[u8]) -> impl Iterator<Item = Part> {
    let mut templates = 0_u32;
    Tokenizer::new_with_emitter(html, Reading::default()).filter_map(move |token| {
        let Ok(token) = token;
        match token {
            Token::Doctype(doctype) => return Some(Part::Doctype(doctype.span.end)),
            Token::StartTag(tag) if *tag.name == *b"template" => templates += 1,
            Token::EndTag(tag) if *tag.name == *b"template" => templates = templates.saturating_sub(1),
            Token::StartTag(tag) if templates == 0 => return Some(Part::Tag(Tag(tag))),
            _ => {}
        }
        None
    })
}

/// The build that a document names for an app, as a page takes it: the `data-build` of a script tag of the app, or else
/// the meta tag with the app's name, or else the one without any. Of equals the first that says something. Without an app:
/// what is said of none.
pub fn marked<'a>(html: &[u8], app: impl Into<Option<&'a AppName>>) -> Option<String> {
    let app = app.into().map(AppName::as_str);
    let (mut own, mut anybodys) = (None, None);
    for part in parts(html) {
        let Part::Tag(tag) = part else { continue };
        let value = |name| tag.value(name).filter(|value| !value.is_empty());
        if tag.is("script") && app.is_some() && tag.value("data-app").as_deref() == app {
            if let Some(build) = value("data-build") {
                return Some(build);
            }
        } else if tag.is_mark() {
            match tag.value("data-app") {
                None => anybodys = anybodys.or_else(|| value("content")),
                Some(of) if Some(&*of) == app => own = own.or_else(|| value("content")),
                Some(_) => {}
            }
        }
    }
    own.or(anybodys)
}

/// A tokenizer knows no elements. This knows as much of them as decides which text can't be tags.
#[derive(Debug)]
struct Reading {
    inner: DefaultEmitter<usize>,
    name: Vec<u8>,
    starts: bool,
    closes_itself: bool,
    /// How many `<svg>` and `<math>` it is in, where `/>` does close an element.
    foreign: u32,
}

impl Default for Reading {
    fn default() -> Self {
        let inner = DefaultEmitter::new_with_span();
        Self { inner, name: Vec::new(), starts: false, closes_itself: false, foreign: 0 }
    }
}

impl Reading {
    fn begin(&mut self, starts: bool) {
        self.name.clear();
        (self.starts, self.closes_itself) = (starts, false);
    }

    /// How what follows the tag is to be read.
    fn next(&mut self) -> Option<State> {
        let foreign = matches!(&*self.name, b"svg" | b"math");
        if !self.starts {
            self.foreign = self.foreign.saturating_sub(u32::from(foreign));
            return None;
        }
        if self.closes_itself && (foreign || self.foreign > 0) {
            return None;
        }
        self.foreign += u32::from(foreign);
        match &*self.name {
            b"script" => Some(State::ScriptData),
            b"textarea" | b"title" => Some(State::RcData),
            // `noscript`, too: pages that ask have scripts.
            b"style" | b"xmp" | b"iframe" | b"noembed" | b"noframes" | b"noscript" => Some(State::RawText),
            b"plaintext" => Some(State::PlainText),
            _ => None,
        }
    }
}

impl ForwardingEmitter for Reading {
    type Token = Token<usize>;

    fn inner(&mut self) -> &mut impl Emitter<Token = Self::Token> {
        &mut self.inner
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn init_start_tag(&mut self) {
        self.begin(true);
        Emitter::init_start_tag(&mut self.inner);
    }

    fn init_end_tag(&mut self) {
        self.begin(false);
        Emitter::init_end_tag(&mut self.inner);
    }

    fn push_tag_name(&mut self, name: &[u8]) {
        self.name.extend_from_slice(name);
        Emitter::push_tag_name(&mut self.inner, name);
    }

    fn set_self_closing(&mut self) {
        self.closes_itself = true;
        Emitter::set_self_closing(&mut self.inner);
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        // The inner one switches nothing by itself, unless it is asked to.
        Emitter::emit_current_tag(&mut self.inner).or_else(|| self.next())
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.foreign > 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Table {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        what: String,
        html: Pieces,
        app: AppName,
        build: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Pieces {
        Text(String),
        Repeated { repeat: String, times: usize },
        Several(Vec<Pieces>),
    }

    impl Pieces {
        fn text(&self) -> String {
            match self {
                Self::Text(text) => text.clone(),
                Self::Repeated { repeat, times } => repeat.repeat(*times),
                Self::Several(pieces) => pieces.iter().map(Self::text).collect(),
            }
        }
    }

    fn web() -> AppName {
        "web".parse().unwrap()
    }

    #[test]
    fn a_probe_finds_what_a_page_finds() {
        let table: Table = serde_json::from_str(include_str!("../../fixtures/marks.json")).unwrap();
        for Case { what, html, app, build } in table.cases {
            assert_eq!(marked(html.text().as_bytes(), &app), build, "{what}");
        }
    }

    #[test]
    fn what_only_a_browser_tells_apart_is_read_as_there() {
        let mark = r#"<meta name="freshwire-build" content="b1">"#;
        let old = r#"<meta name="freshwire-build" content="old">"#;
        for html in [
            // In SVG a slash does close them.
            format!("<svg><style/><title/><script/></svg>{mark}"),
            format!("<svg><style>a{{}}</style><title>x</title></svg>{mark}"),
            format!("<svg><![CDATA[ {old} ]]></svg>{mark}"),
            // In HTML it does not, and this isn't closed by the first end tag.
            format!("<script/>{old}</script>{mark}"),
            format!("<script><!-- <script> </script> {old} --></script>{mark}"),
            // A reference may lack its semicolon, and stand in any attribute.
            r#"<meta name="freshwire&#45;build" content="b&#49">"#.to_owned(),
        ] {
            assert_eq!(marked(html.as_bytes(), &web()).as_deref(), Some("b1"), "{html}");
        }
        let beyond_utf8 = b"<title>\xe9\xff</title><meta name=freshwire-build content=b1>\x80";
        assert_eq!(marked(beyond_utf8, &web()).as_deref(), Some("b1"));
    }

    proptest! {
        /// What is written anew by it depends on where it says that tags stand.
        #[test]
        fn tags_stand_where_it_says(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just("<meta name=a content='x>y'>".to_owned()),
                    Just("<head\r\n>".to_owned()),
                    Just("<script>'<meta>'</script>".to_owned()),
                    Just("<template>".to_owned()),
                    Just("</template>".to_owned()),
                    Just("<!-- x -->".to_owned()),
                    Just("<!doctype html>".to_owned()),
                    Just("&amp;\r\r\n\0".to_owned()),
                    Just("<svg/>".to_owned()),
                    "[<>!/='\"a-c \r\n&;#-]{0,6}",
                ],
                0..12,
            )
        ) {
            let html = pieces.concat();
            for part in parts(html.as_bytes()) {
                match part {
                    Part::Tag(tag) => {
                        let tag = &html[tag.span()];
                        prop_assert!(tag.starts_with('<') && tag.ends_with('>'), "{tag:?} in {html:?}");
                    }
                    Part::Doctype(end) => {
                        prop_assert!(html[..end].ends_with('>') || end == html.len(), "{end} in {html:?}");
                    }
                }
            }
        }
    }
}
