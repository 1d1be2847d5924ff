//! An app's sessions counted by where they are in each campaign: kept as records change, never by walking them.

use parking_lot::Mutex;

use crate::core::{
    app::App,
    tally::{Campaigns, Counted},
};

/// The tallies of one app's campaigns on this node.
#[derive(Default)]
pub struct Tallies(Mutex<Campaigns>);

impl Tallies {
    /// A session comes into a campaign.
    pub fn enter(&self, now: Counted<'_>) {
        self.0.lock().entry(now.record.campaign).or_default().enter(now);
    }

    /// A session is somewhere else in a campaign.
    pub fn change(&self, before: Counted<'_>, now: Counted<'_>) {
        // None: the campaign has been forgotten.
        if let Some(tally) = self.0.lock().get_mut(&before.record.campaign) {
            tally.change(before, now);
        }
    }

    /// A session goes on at another node, which counts it from now on.
    pub fn hand_over(&self, before: Counted<'_>) {
        if let Some(tally) = self.0.lock().get_mut(&before.record.campaign) {
            tally.hand_over(before);
        }
    }

    /// Forgets the campaigns that the app has forgotten. One that it doesn't know yet is newer: others know it already.
    pub fn forget_all_but(&self, app: &App) {
        self.0.lock().retain(|campaign, _| *campaign > app.number || app.campaigns.contains_key(campaign));
    }

    /// All of them, as they are now.
    pub fn all(&self) -> Campaigns {
        self.0.lock().clone()
    }
}
