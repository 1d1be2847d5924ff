//! What a build says of itself in a file: its assets, and with our Vite plugin its name, too.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::Trouble;
use crate::core::{assets::Assets, names::BuildId, order::Version};

/// A build, as far as the file tells.
#[derive(Debug, Default, PartialEq)]
pub struct Built {
    /// What its pages carry.
    pub build: Option<BuildId>,
    /// Its semantic version.
    pub version: Option<Version>,
    /// Its files and their hashes.
    pub assets: Assets,
    /// What its pages load first.
    pub preload: Vec<String>,
}

/// `freshwire.json`. What a later plugin adds to it is no reason to refuse it.
#[derive(Deserialize)]
struct FreshwireJson {
    build: BuildId,
    #[serde(default)]
    version: Option<Version>,
    #[serde(default)]
    assets: Split,
    #[serde(default)]
    preload: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Split {
    #[serde(default)]
    css: Assets,
    #[serde(default)]
    rest: Assets,
}

impl Built {
    /// Reads the file.
    pub fn read(file: &Path) -> Result<Self, Trouble> {
        let wrong =
            |why: String| Trouble::Usage(format!("can't use the assets in {}: {why}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        Self::parse(&text).map_err(|error| {
            wrong(format!(
                "it should be a JSON object of paths and their hashes, or a freshwire.json: {error}"
            ))
        })
    }

    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let value: Value = serde_json::from_str(text)?;
        // In a plain list of assets every value is a text; `freshwire stamp` knows of no assets.
        let mut names = value.as_object().into_iter().flat_map(serde_json::Map::keys);
        let stamped =
            value["build"].is_string() && names.all(|name| matches!(&**name, "app" | "build" | "version"));
        if !value["assets"].is_object() && !stamped {
            return Ok(Self { assets: serde_json::from_value(value)?, ..Self::default() });
        }
        let FreshwireJson { build, version, assets: Split { css, rest }, preload } =
            serde_json::from_value(value)?;
        let assets = css.into_iter().chain(rest).collect();
        Ok(Self { build: Some(build), version, assets, preload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        let plain = Built::parse(r#"{"assets": "h0", "build": "h1"}"#).unwrap();
        assert_eq!((plain.assets.len(), plain.build), (2, None));
        let ours = r#"{"build": "3f9c2ab", "version": "2.4.1", "made_by": "a later plugin", "preload": ["/a.js"],
            "assets": {"css": {"/a.css": "h1"}, "rest": {"/a.js": "h2"}}}"#;
        let ours = Built::parse(ours).unwrap();
        assert_eq!(
            (ours.build.unwrap().as_str(), ours.version.unwrap().to_string()),
            ("3f9c2ab", "2.4.1".into())
        );
        assert_eq!((ours.assets.len(), ours.preload.len()), (2, 1));
        let stamped = Built::parse(r#"{"app": "web", "build": "3f9c2ab"}"#).unwrap();
        assert_eq!((stamped.build.unwrap().as_str(), stamped.assets.len()), ("3f9c2ab", 0));
        for bad in [
            "[]",
            "3",
            "null",
            r#"{"a.css": 3}"#,
            r#"{"assets": {"css": {}}}"#,
            r#"{"build": "a b", "assets": {}}"#,
            r#"{"build": "a", "assets": {"css": {"/a.css": 3}}}"#,
        ] {
            assert!(Built::parse(bad).is_err(), "{bad}");
        }
    }
}
