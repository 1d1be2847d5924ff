//! What a change makes of an app, and the rules that no change may break.

use std::{cmp::Ordering, sync::Arc};

use super::{
    app::{App, Minimum, Refusal, Release, Retirement, Stamp, label},
    campaign::{Campaign, Halt, Kind, Run},
    change::{AppChange, Floor, NewRelease, Settings, Terms},
    judge::{below_floor, registered_key},
    names::{BuildId, LogNumber},
    order::Order,
    time::Moment,
};

/// How many ended campaigns an app remembers, for pages that were told by one of them.
const ENDED_CAMPAIGNS_KEPT: usize = 32;

impl App {
    /// The app after a change, or why there is no such app. What is accepted never leaves current below the
    /// minimum or retired.
    pub fn apply(&self, change: &AppChange, stamp: Stamp<'_>) -> Result<Self, Refusal> {
        let mut app = self.clone();
        app.number = stamp.number;
        app.last_at = stamp.at;
        app.forget_expired_pushes(stamp.at);
        match change {
            AppChange::Settings(settings) => app.set(settings)?,
            AppChange::Release(new) => app.register(new, stamp)?,
            AppChange::Settle { build, pace, reason } => {
                let release = app.known(build)?;
                if release.settled_at.is_some() {
                    return Err(Refusal::Conflict(format!(
                        "{build} has settled already; to make it current again: freshwire current {} {build}",
                        app.name
                    )));
                }
                let terms = Terms {
                    countdown: release.new.countdown,
                    hold_cap: release.new.hold_cap,
                    ..Terms::only(pace.clone())
                };
                app.make_current(build, terms, reason.clone(), stamp)?;
            }
            AppChange::Current { build, reason, terms } => {
                app.make_current(build, terms.clone(), reason.clone(), stamp)?;
            }
            AppChange::Minimum { floor, reason, terms } => app.raise_minimum(floor, reason, terms, stamp)?,
            AppChange::MinimumUndo => app.undo_minimum(stamp)?,
            AppChange::Retire { build, reason, terms } => app.retire(build, reason, terms, stamp)?,
            AppChange::Reinstate { build } => {
                if app.retired.remove(build).is_none() {
                    return Err(Refusal::NotFound(format!("{build} is not retired")));
                }
                app.end(&Kind::Retire(build.clone()), stamp.at);
            }
            AppChange::Pause { campaign, run, reason, brake } => {
                let by = stamp.actor.to_owned();
                let halt = Halt { at: stamp.at, by, reason: Some(reason.clone()), brake: *brake };
                app.pause(*campaign, *run, halt)?;
            }
            AppChange::Proven { campaign, run, wave, .. } => {
                app.prove(*campaign, *run, usize::from(*wave), stamp.at)?;
            }
            AppChange::Abort { campaign, reason } => {
                let campaign = app.campaign_mut(*campaign)?;
                campaign.close_run(stamp.at);
                campaign.ended = true;
                let (at, by) = (stamp.at, stamp.actor.to_owned());
                campaign.aborted = Some(Halt { at, by, reason: reason.clone(), brake: false });
            }
            AppChange::Resume { campaign, .. } => app.resume(*campaign, stamp)?,
            AppChange::Push(new) => app.push(new, stamp)?,
        }
        app.check_nobody_locked_out()?;
        app.forget_old_campaigns();
        Ok(app)
    }

    fn known(&self, build: &BuildId) -> Result<&Arc<Release>, Refusal> {
        self.release(build).ok_or_else(|| {
            Refusal::NotFound(format!(
                "no release {build} of {name}; register it: freshwire release {name} --build {build}",
                name = self.name
            ))
        })
    }

    fn set(&mut self, settings: &Settings) -> Result<(), Refusal> {
        let all_versioned = self.releases.iter().all(|release| release.new.version.is_some());
        if settings.order == Some(Order::Version) && !all_versioned {
            return Err(Refusal::Conflict(
                "order 'version' needs a version on every release, and some have none; keep order 'release'"
                    .into(),
            ));
        }
        // The order, once decided, stays unless another is asked for.
        let order = settings.order.or(self.settings.order);
        self.settings = Settings { order, ..settings.clone() };
        Ok(())
    }

    fn register(&mut self, new: &NewRelease, stamp: Stamp<'_>) -> Result<(), Refusal> {
        if self.by_build.contains_key(&new.build) {
            return Err(Refusal::Conflict(format!(
                "{} is registered with other details; a build's ID stands for one release only",
                new.build
            )));
        }
        let order = if new.version.is_some() { Order::Version } else { Order::Release };
        let order = *self.settings.order.get_or_insert(order);
        if order == Order::Version && new.version.is_none() {
            return Err(Refusal::Invalid {
                field: "version".into(),
                reason: format!("{} orders its builds by version: every release needs one", self.name),
            });
        }
        let number = u32::try_from(self.releases.len() + 1).expect("fewer than 4 billion releases");
        self.by_build.insert(new.build.clone(), number);
        // Where origins can be asked what they serve, no page is told before they have answered.
        let rolling = new.rolling || !self.settings.probes.is_empty();
        let release =
            Release { number, new: new.clone(), rolling, registered_at: stamp.at, settled_at: None };
        self.releases.push(Arc::new(release));
        if !new.anyway {
            self.check_not_older_than_current(new, rolling)?;
        }
        if !rolling {
            let (countdown, hold_cap) = (new.countdown, new.hold_cap);
            let terms = Terms { countdown, hold_cap, ..Terms::only(new.pace.clone()) };
            self.make_current(&new.build, terms, None, stamp)?;
        }
        Ok(())
    }

    fn check_not_older_than_current(&self, new: &NewRelease, rolling: bool) -> Result<(), Refusal> {
        let Some(current) = self.current_release() else { return Ok(()) };
        let way_out = "pass 'anyway' if that is what you want";
        if let (Some(new_at), Some(current_at)) = (new.committed_at, current.new.committed_at)
            && new_at < current_at
        {
            return Err(Refusal::OutOfOrder(format!(
                "its commit of {new_at} is older than that of current, {current_at} ({}): the re-run of an old \
                 pipeline? {way_out}",
                current.new.build
            )));
        }
        if rolling {
            return Ok(());
        }
        let (key, current_key) = (registered_key(self, &new.build), registered_key(self, &current.new.build));
        if let (Some(key), Some(current_key)) = (key, current_key)
            && key.compare(current_key) == Some(Ordering::Less)
        {
            return Err(Refusal::OutOfOrder(format!(
                "it would lower current from {}: register it as rolling to leave current alone, or {way_out}",
                label(current)
            )));
        }
        Ok(())
    }

    fn make_current(
        &mut self,
        build: &BuildId,
        terms: Terms,
        reason: Option<String>,
        stamp: Stamp<'_>,
    ) -> Result<(), Refusal> {
        let release = self.known(build)?;
        let index = release.number as usize - 1;
        if release.settled_at.is_none() {
            Arc::make_mut(&mut self.releases[index]).settled_at = Some(stamp.at);
        }
        self.current = Some(build.clone());
        self.start(Kind::Release, terms, reason, stamp);
        Ok(())
    }

    fn raise_minimum(
        &mut self,
        floor: &Floor,
        reason: &str,
        terms: &Terms,
        stamp: Stamp<'_>,
    ) -> Result<(), Refusal> {
        if self.current.is_none() {
            return Err(Refusal::Conflict(format!(
                "{name} has no current release that pages could move to; release one first: freshwire release \
                 {name} --build …",
                name = self.name
            )));
        }
        match floor {
            Floor::Build(build) => drop(self.known(build)?),
            Floor::Version(version) => {
                if self.order() == Order::Release && self.first_release_at_or_above(version) == u32::MAX {
                    return Err(Refusal::NotFound(format!(
                        "{} orders its builds by registration, and no release of it has version {version} or \
                         higher; name a build instead",
                        self.name
                    )));
                }
            }
        }
        self.minimums.push(Minimum {
            floor: floor.clone(),
            reason: reason.to_owned(),
            terms: terms.clone(),
            at: stamp.at,
            by: stamp.actor.to_owned(),
        });
        self.start(Kind::Minimum, terms.clone(), Some(reason.to_owned()), stamp);
        Ok(())
    }

    fn undo_minimum(&mut self, stamp: Stamp<'_>) -> Result<(), Refusal> {
        if self.minimums.pop().is_none() {
            return Err(Refusal::NotFound(format!("{} has no minimum to undo", self.name)));
        }
        match self.minimums.last().cloned() {
            Some(Minimum { terms, reason, .. }) => self.start(Kind::Minimum, terms, Some(reason), stamp),
            None => self.end(&Kind::Minimum, stamp.at),
        }
        Ok(())
    }

    fn retire(
        &mut self,
        build: &BuildId,
        reason: &str,
        terms: &Terms,
        stamp: Stamp<'_>,
    ) -> Result<(), Refusal> {
        self.known(build)?;
        let retirement = Retirement { reason: reason.to_owned(), at: stamp.at, by: stamp.actor.to_owned() };
        if self.retired.insert(build.clone(), retirement).is_some() {
            return Err(Refusal::Conflict(format!("{build} is retired already")));
        }
        self.start(Kind::Retire(build.clone()), terms.clone(), Some(reason.to_owned()), stamp);
        Ok(())
    }

    fn pause(&mut self, campaign: LogNumber, run: LogNumber, halt: Halt) -> Result<(), Refusal> {
        let name = self.name.clone();
        if self.campaign_mut(campaign)?.paused() {
            return Err(Refusal::Conflict(format!(
                "campaign {campaign} is paused already; freshwire resume {name} {campaign} lets it go on"
            )));
        }
        let campaign = self.campaign_in_run(campaign, run)?;
        campaign.close_run(halt.at);
        campaign.halted = Some(halt);
        // What it had kept is withdrawn like its own.
        campaign.keeps = None;
        Ok(())
    }

    fn prove(&mut self, campaign: LogNumber, run: LogNumber, wave: usize, at: Moment) -> Result<(), Refusal> {
        let campaign = self.campaign_in_run(campaign, run)?;
        if campaign.proven != wave || wave + 1 >= campaign.terms.pace.waves.len() {
            return Err(Refusal::Conflict(format!("wave {} is not the one to be proven", wave + 1)));
        }
        campaign.prove(at);
        Ok(())
    }

    fn campaign_in_run(&mut self, campaign: LogNumber, run: LogNumber) -> Result<&mut Campaign, Refusal> {
        let campaign = self.campaign_mut(campaign)?;
        if !campaign.active() || campaign.last_run().number != run {
            return Err(Refusal::Conflict("the campaign is not in the run that was judged".into()));
        }
        Ok(campaign)
    }

    fn resume(&mut self, campaign: LogNumber, stamp: Stamp<'_>) -> Result<(), Refusal> {
        let campaign = self.campaign_mut(campaign)?;
        if campaign.unproven(stamp.at) {
            campaign.prove(stamp.at);
        } else if campaign.paused() {
            campaign.resume(stamp.number, stamp.at);
        } else {
            return Err(Refusal::Conflict("the campaign is not paused".into()));
        }
        Ok(())
    }

    fn campaign_mut(&mut self, number: LogNumber) -> Result<&mut Campaign, Refusal> {
        match self.campaigns.get_mut(&number) {
            Some(campaign) if !campaign.ended => Ok(Arc::make_mut(campaign)),
            _ => Err(Refusal::NotFound(format!("no campaign {number} under way"))),
        }
    }

    /// Starts a campaign in place of the one of the same kind.
    fn start(&mut self, kind: Kind, terms: Terms, reason: Option<String>, stamp: Stamp<'_>) {
        let before = self.under_way(&kind);
        let replaces = before.map(|campaign| campaign.number);
        let keeps = before.filter(|campaign| campaign.active()).map(|campaign| campaign.number);
        self.end(&kind, stamp.at);
        let release = self.current_release().map_or(0, |release| release.number);
        let number = stamp.number;
        let runs = vec![Run { number, from: stamp.at, until: None }];
        let campaign = Campaign {
            number,
            kind,
            release,
            terms,
            reason,
            replaces,
            keeps,
            runs,
            proven: 0,
            halted: None,
            aborted: None,
            ended: false,
        };
        self.campaigns.insert(number, Arc::new(campaign));
    }

    fn under_way(&self, kind: &Kind) -> Option<&Arc<Campaign>> {
        self.campaigns.values().find(|campaign| !campaign.ended && campaign.kind == *kind)
    }

    fn end(&mut self, kind: &Kind, at: Moment) {
        for campaign in
            self.campaigns.values_mut().filter(|campaign| !campaign.ended && campaign.kind == *kind)
        {
            let campaign = Arc::make_mut(campaign);
            campaign.close_run(at);
            campaign.ended = true;
        }
    }

    fn forget_old_campaigns(&mut self) {
        let ended: Vec<_> = self
            .campaigns
            .values()
            .filter(|campaign| campaign.ended)
            .map(|campaign| campaign.number)
            .collect();
        for number in ended.iter().rev().skip(ENDED_CAMPAIGNS_KEPT) {
            self.campaigns.remove(number);
        }
    }

    fn check_nobody_locked_out(&self) -> Result<(), Refusal> {
        let Some(current) = self.current_release() else { return Ok(()) };
        if self.retired.contains_key(&current.new.build) {
            return Err(Refusal::LocksEveryoneOut(format!(
                "current, {}, would be retired, and pages would have nowhere to go; make another release current \
                 first: freshwire current {} BUILD",
                label(current),
                self.name
            )));
        }
        if registered_key(self, &current.new.build).is_some_and(|key| below_floor(self, key)) {
            let floor = self.minimum().map(|minimum| minimum.floor.to_string()).unwrap_or_default();
            return Err(Refusal::LocksEveryoneOut(format!(
                "the minimum, {floor}, would be above current, {}, and every page would be unsupported; release or \
                 settle a build at or above it first",
                label(current)
            )));
        }
        Ok(())
    }
}
