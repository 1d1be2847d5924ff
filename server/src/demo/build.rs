//! One build of the shop: its document and its hashed assets, all from three files and the release's number.

use serde::Serialize;
use sha2::{Digest, Sha256};

const DOCUMENT: &str = include_str!("../../demo/shop.html");
const SCRIPT: &str = include_str!("../../demo/shop.js");
const STYLE: &str = include_str!("../../demo/shop.css");

/// From which release on a feature is there.
const FEATURES: [(&str, u32); 6] =
    [("ratings", 3), ("brewing", 5), ("delivery", 6), ("kinds", 7), ("gift", 8), ("hour", 9)];
/// Far apart on the colour wheel, so that two builds in a row can't be mistaken for each other.
const FIRST_HUE: u32 = 232;
const HUE_STEP: u32 = 101;

/// One build of the shop.
pub struct Build {
    pub id: String,
    pub version: String,
    pub script: Asset,
    pub style: Asset,
}

/// A file whose name changes with its content.
pub struct Asset {
    pub path: String,
    pub content: String,
}

/// What the shop's script is told of its build.
#[derive(Serialize)]
struct Facts<'a> {
    id: &'a str,
    version: &'a str,
    message: &'a str,
    features: Vec<&'a str>,
}

impl Build {
    /// The build that is registered as release number `release`.
    pub fn new(release: u32, id: &str, version: &str, message: &str) -> Self {
        let features = FEATURES.iter().filter(|(_, from)| release >= *from).map(|(name, _)| *name).collect();
        let facts = serde_json::to_string(&Facts { id, version, message, features })
            .expect("plain texts can be written as JSON");
        let hue = (FIRST_HUE + release * HUE_STEP) % 360;
        Self {
            id: id.to_owned(),
            version: version.to_owned(),
            script: Asset::new("shop", "js", SCRIPT.replace("__BUILD__", &facts)),
            style: Asset::new("shop", "css", format!(":root{{--hue:{hue}}}\n{STYLE}")),
        }
    }

    /// Its document, with the snippet of the server at this URL.
    pub fn document(&self, server_url: &str) -> String {
        DOCUMENT
            .replace("{{build}}", &escape(&self.id))
            .replace("{{version}}", &escape(&self.version))
            .replace("{{style}}", &self.style.path)
            .replace("{{script}}", &self.script.path)
            .replace("{{server}}", server_url)
    }
}

impl Asset {
    fn new(name: &str, kind: &str, content: String) -> Self {
        let digest = Sha256::digest(content.as_bytes());
        let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self { path: format!("/assets/{name}.{hash:08x}.{kind}"), content }
    }
}

/// Names of builds come from outside.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}
