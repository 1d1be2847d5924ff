//! What a page needs to go from its build's assets to another build's.

use std::collections::BTreeMap;

use serde::Serialize;

use super::change::NewRelease;

/// Most style sheets that are changed in place; more are a reload.
pub const MOST_SWAPPED: usize = 20;
/// Most paths that a notice names for loading ahead.
pub const MOST_PRELOADED: usize = 20;
/// Shortest part of a file's name that is taken for a hash.
const SHORTEST_HASH: usize = 8;

/// A release's files: paths and hashes of what is in them.
pub type Assets = BTreeMap<String, String>;

/// One style sheet that takes another's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Swap {
    /// The page has it.
    pub from: String,
    /// It is to have this.
    pub to: String,
}

/// What takes a page from one build to another beside a reload, or ahead of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// Style sheets to change in place; none: it takes a reload.
    pub swap: Vec<Swap>,
    /// Files to load ahead of a reload.
    pub preload: Vec<String>,
}

impl Passage {
    /// From a build, whose assets may not be known, to a release.
    pub fn new(from: Option<&NewRelease>, to: &NewRelease) -> Self {
        let nothing = Assets::new();
        let assets = from.map_or(&nothing, |from| &from.assets);
        let preload = to.preload.iter().filter(|path| !assets.contains_key(*path));
        Self { swap: swap(assets, &to.assets), preload: preload.take(MOST_PRELOADED).cloned().collect() }
    }
}

/// The style sheets to change when nothing else differs between two builds; none when something does, or when it can't
/// be told. Bundlers put a hash of a file's content into its name, and the names of others into its content: so names
/// are compared without it, and a hash is expected to be that of the content with such names made alike.
pub fn swap(from: &Assets, to: &Assets) -> Vec<Swap> {
    pairs(from, to).filter(|pairs| pairs.len() <= MOST_SWAPPED).unwrap_or_default()
}

/// None: more than style sheets differs.
fn pairs(from: &Assets, to: &Assets) -> Option<Vec<Swap>> {
    if others(from) != others(to) {
        return None;
    }
    let (from, mut to) = (style_sheets(from)?, style_sheets(to)?);
    let mut pairs = Vec::new();
    for (name, (path, hash)) in from {
        let (new_path, new_hash) = to.remove(&name)?;
        if path != new_path || hash != new_hash {
            pairs.push(Swap { from: path.to_owned(), to: new_path.to_owned() });
        }
    }
    to.is_empty().then_some(pairs)
}

/// Path and hash by the name without its hash. None: two have the same, and which replaces which can't be told.
fn style_sheets(assets: &Assets) -> Option<BTreeMap<String, (&str, &str)>> {
    let sheets = || assets.iter().filter(|(path, _)| is_style_sheet(path));
    let named: BTreeMap<_, _> =
        sheets().map(|(path, hash)| (plain_name(path), (path.as_str(), hash.as_str()))).collect();
    (named.len() == sheets().count()).then_some(named)
}

/// Everything else, by name without hash and by content. Several may have one name: bundlers like `index`.
fn others(assets: &Assets) -> Vec<(String, &str)> {
    let others = assets.iter().filter(|(path, _)| !is_style_sheet(path));
    let mut named: Vec<_> = others.map(|(path, hash)| (plain_name(path), hash.as_str())).collect();
    named.sort_unstable();
    named
}

/// A path without the hash in its file's name: `/assets/app-B4k9_x2Q.css` and `/assets/app.0f3a99c1.css` are both
/// `/assets/app.css`. The shortest part that can be a hash is taken for one: hashes may have a `-` in them, but names do
/// more often.
pub fn plain_name(path: &str) -> String {
    let (folder, file) = path.rfind('/').map_or(("", path), |slash| path.split_at(slash + 1));
    let Some((stem, extension)) = file.rsplit_once('.') else { return path.to_owned() };
    let in_hash = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    let tail = stem.bytes().rev().take_while(|c| in_hash(*c)).count();
    let separators = stem.bytes().enumerate().rev().filter(|(_, c)| matches!(c, b'-' | b'.'));
    let hash = separators
        .map(|(at, _)| (at, stem.len() - at - 1))
        .find(|(at, length)| *at > 0 && (SHORTEST_HASH..=tail).contains(length));
    match hash {
        Some((at, _)) => format!("{folder}{}.{extension}", &stem[..at]),
        None => path.to_owned(),
    }
}

fn is_style_sheet(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("css"))
}
