//! What all parts of the demo share: the builds, which of them is deployed, which one the CDN serves, and what just
//! happened.

use std::{collections::VecDeque, sync::Arc};

use freshwire::{api::answers::ReleasesAnswer, clock, core::time::Moment};
use parking_lot::Mutex;
use serde::Serialize;

use super::{build::Build, operator::Operator};

/// Most events that are kept.
const EVENTS: usize = 8;

/// The shop's side of the demo.
pub struct Stage {
    /// Asks the server with the shop's own token.
    pub operator: Operator,
    /// Where the server is.
    pub server_url: String,
    /// Where the shop is.
    pub shop_url: String,
    /// One button at a time.
    pub acting: tokio::sync::Mutex<()>,
    builds: Mutex<Builds>,
    tale: Mutex<Tale>,
}

struct Builds {
    all: Vec<Arc<Build>>,
    deployed: Arc<Build>,
    /// The CDN is broken and goes on serving this one.
    frozen: Option<Arc<Build>>,
}

#[derive(Default)]
struct Tale {
    story: Option<Story>,
    events: VecDeque<Event>,
}

/// What just happened, and what to watch now.
#[derive(Clone, Serialize)]
pub struct Story {
    pub at: Moment,
    pub text: String,
    pub watch: String,
    /// The server said no.
    pub refused: bool,
}

/// One line of the past.
#[derive(Clone, Serialize)]
pub struct Event {
    pub at: Moment,
    pub text: String,
}

impl Stage {
    /// With the releases that the server knows.
    pub async fn new(operator: Operator, server_url: &str, shop_url: &str) -> Result<Self, String> {
        let known: ReleasesAnswer =
            operator.get("/releases?limit=100").await.map_err(|error| error.to_string())?;
        let all: Vec<_> = known.releases.iter().rev().map(build_of).map(Arc::new).collect();
        let deployed = all.last().ok_or("the demo has no releases")?.clone();
        Ok(Self {
            operator,
            server_url: server_url.to_owned(),
            shop_url: shop_url.to_owned(),
            acting: tokio::sync::Mutex::default(),
            builds: Mutex::new(Builds { all, deployed, frozen: None }),
            tale: Mutex::default(),
        })
    }

    /// The build whose document a page would load now.
    pub fn served(&self) -> Arc<Build> {
        let builds = self.builds.lock();
        builds.frozen.as_ref().unwrap_or(&builds.deployed).clone()
    }

    /// The build that was deployed last.
    pub fn deployed(&self) -> Arc<Build> {
        self.builds.lock().deployed.clone()
    }

    /// The CDN goes on serving an old document.
    pub fn broken(&self) -> bool {
        self.builds.lock().frozen.is_some()
    }

    /// One of the builds.
    pub fn build(&self, id: &str) -> Option<Arc<Build>> {
        self.builds.lock().all.iter().find(|build| build.id == id).cloned()
    }

    /// What an asset's path stands for: assets of old builds stay.
    pub fn asset(&self, path: &str) -> Option<String> {
        let builds = self.builds.lock();
        let assets = builds.all.iter().flat_map(|build| [&build.script, &build.style]);
        assets.into_iter().find(|asset| asset.path == path).map(|asset| asset.content.clone())
    }

    /// Puts a build on the origin.
    pub fn deploy(&self, build: Arc<Build>) {
        let mut builds = self.builds.lock();
        if !builds.all.iter().any(|known| known.id == build.id) {
            builds.all.push(build.clone());
        }
        builds.deployed = build;
    }

    /// Breaks the CDN, or heals it; says whether it is broken now.
    pub fn toggle_cdn(&self) -> bool {
        let mut builds = self.builds.lock();
        builds.frozen = match builds.frozen {
            Some(_) => None,
            None => Some(builds.deployed.clone()),
        };
        builds.frozen.is_some()
    }

    /// Says what happened.
    pub fn tell(&self, text: impl Into<String>, watch: impl Into<String>, refused: bool) -> Story {
        let story = Story { at: clock::now(), text: text.into(), watch: watch.into(), refused };
        self.tale.lock().story = Some(story.clone());
        story
    }

    /// What just happened.
    pub fn story(&self) -> Option<Story> {
        self.tale.lock().story.clone()
    }

    /// Notes a line for the terminal.
    pub fn note(&self, at: Moment, text: impl Into<String>) {
        let mut tale = self.tale.lock();
        tale.events.push_back(Event { at, text: text.into() });
        if tale.events.len() > EVENTS {
            tale.events.pop_front();
        }
    }

    /// The last lines, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.tale.lock().events.iter().cloned().collect()
    }
}

/// The shop as a registered release has it.
pub fn build_of(release: &freshwire::api::answers::ReleaseAnswer) -> Build {
    let version = release.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let message = release.message.as_deref().unwrap_or("A release from outside");
    Build::new(release.release, release.build.as_str(), &version, message)
}
