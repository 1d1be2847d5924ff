//! What there is when the curtain rises: the app, five releases, and a token that can do no more than it needs to.

use freshwire::{
    api::{
        answers::{Changed, TokenChanged},
        bodies::{AppBody, ReleaseBody, TokenBody},
    },
    core::{
        change::{Action, Severity},
        token::Scope,
    },
};
use reqwest::Method;

use super::operator::{APP, CallError, Operator};

/// Who the shop's buttons are in the history.
pub const ACTOR: &str = "demo-shop";
/// Pages refreshed a second: slow enough to watch.
const REFRESH_RATE: u32 = 15;

/// A release before it has a number.
pub struct Planned {
    pub version: &'static str,
    pub by: &'static str,
    pub message: &'static str,
}

const fn planned(version: &'static str, by: &'static str, message: &'static str) -> Planned {
    Planned { version, by, message }
}

/// The builds that are out at the start, with how many of a hundred pages are on each.
pub const SEEDS: [(&str, Planned, u32); 5] = [
    ("7c41d0e", planned("2.3.0", "storefront team", "The shop opens"), 7),
    ("b02f9a6", planned("2.3.1", "checkout team", "Baskets survive a restart"), 11),
    ("1e8d53c", planned("2.4.0", "catalogue team", "Ratings on every tea"), 15),
    ("94ac7f2", planned("2.4.1", "checkout team", "Fix the rounding of totals"), 27),
    ("d36b1e8", planned("2.5.0", "catalogue team", "Brewing notes for every tea"), 40),
];

/// What the first deployments bring; their versions are worked out when they are made.
const NEXT: [Planned; 4] = [
    planned("", "delivery team", "Free delivery from €40, with a meter"),
    planned("", "catalogue team", "Teas by kind: green, black, herbal"),
    planned("", "checkout team", "Gift notes at the checkout"),
    planned("", "storefront team", "Tea of the hour"),
];
/// And all after them.
const LATER: [Planned; 3] = [
    planned("", "platform team", "Lighter pages, a new coat of paint"),
    planned("", "checkout team", "Fewer steps to an order"),
    planned("", "platform team", "Warmer colours, colder caches"),
];

/// Who makes a release, and what it brings, by its number.
pub fn planned_for(release: u32) -> &'static Planned {
    let nth = (release as usize).saturating_sub(SEEDS.len() + 1);
    NEXT.get(nth).unwrap_or_else(|| &LATER[nth % LATER.len()])
}

/// Registers app and releases, and makes the token that the shop works with.
pub async fn seed(admin: &Operator, shop_url: &str) -> Result<String, String> {
    let seeded = async {
        let app = AppBody {
            allowed_origins: Some(vec![shop_url.to_owned(), shop_url.replace("127.0.0.1", "localhost")]),
            // A release's prompt is worth seeing; by default stale pages would move when nobody looks.
            stale_action: Some(Action::Prompt),
            refresh_rate: Some(REFRESH_RATE),
            ..AppBody::default()
        };
        let _: Changed = admin.change(Method::PUT, "", &app).await?;
        for (build, planned, _) in &SEEDS {
            // Silent: whoever is on an older one at the start is left in peace until something happens.
            let release = release(build, planned.version, planned, Severity::Silent);
            let _: Changed = admin.change(Method::POST, "/releases", &release).await?;
        }
        let token = TokenBody {
            name: ACTOR.to_owned(),
            scope: Scope::Operate,
            app: Some(APP.parse().expect("the demo's app has a good name")),
            expires_in: None,
        };
        let token: TokenChanged = admin.send(Method::POST, "/v1/tokens", &token).await?;
        Ok::<_, CallError>(token.secret)
    };
    let secret = seeded.await.map_err(|error| format!("the demo can't be set up: {error}"))?;
    secret.ok_or_else(|| "the demo can't be set up: its token has no secret".to_owned())
}

/// A release as it is registered.
pub fn release(build: &str, version: &str, planned: &Planned, severity: Severity) -> ReleaseBody {
    ReleaseBody {
        build: build.parse().expect("the demo's builds have good names"),
        version: Some(version.parse().expect("the demo's versions are semantic")),
        by: Some(planned.by.to_owned()),
        message: Some(planned.message.to_owned()),
        committed_at: None,
        severity,
        needs: Vec::new(),
        assets: std::collections::BTreeMap::default(),
        preload: Vec::new(),
        rolling: false,
        anyway: false,
        over: None,
        waves: Vec::new(),
        hold: None,
        brake: None,
        unproven_ok: false,
        countdown: None,
        hold_cap: None,
        steps: Vec::new(),
    }
}
