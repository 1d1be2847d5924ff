//! A second, naive telling of what the core says: written from the rules, not from the code.

use std::cmp::Ordering;

use freshwire::core::{
    change::{AppChange, Floor, NewRelease},
    judge::{Standing, Why},
    names::BuildId,
    order::{Order, Version},
};

/// One app, from its accepted changes.
#[derive(Clone, Debug, Default)]
pub struct Model {
    order: Option<Order>,
    releases: Vec<NewRelease>,
    current: Option<BuildId>,
    pub floors: Vec<Floor>,
    retired: Vec<BuildId>,
}

impl Model {
    pub fn accept(&mut self, change: &AppChange) {
        match change {
            AppChange::Settings(settings) => self.order = settings.order.or(self.order),
            AppChange::Release(new) => {
                let order = if new.version.is_some() { Order::Version } else { Order::Release };
                self.order.get_or_insert(order);
                self.releases.push((**new).clone());
                if !new.rolling {
                    self.current = Some(new.build.clone());
                }
            }
            AppChange::Settle { build, .. } | AppChange::Current { build, .. } => {
                self.current = Some(build.clone());
            }
            AppChange::Minimum { floor, .. } => self.floors.push(floor.clone()),
            AppChange::MinimumUndo => drop(self.floors.pop()),
            AppChange::Retire { build, .. } => self.retired.push(build.clone()),
            AppChange::Reinstate { build } => self.retired.retain(|retired| retired != build),
            AppChange::Pause { .. }
            | AppChange::Resume { .. }
            | AppChange::Proven { .. }
            | AppChange::Abort { .. }
            | AppChange::Push(_) => {}
        }
    }

    pub fn judge(&self, build: &BuildId, reported: Option<&Version>) -> (Standing, Option<Why>) {
        if self.retired.contains(build) {
            return (Standing::Unsupported, Some(Why::Retired));
        }
        let number = self.number(build);
        let by_version = self.order == Some(Order::Version);
        if number.is_none() && !(by_version && reported.is_some()) {
            return (Standing::Unknown, None);
        }
        if self.floors.last().is_some_and(|floor| self.is_below(build, reported, floor)) {
            return (Standing::Unsupported, Some(Why::Minimum));
        }
        let standing = match &self.current {
            None => Standing::Unknown,
            Some(current) if current == build => Standing::Current,
            Some(current) => match self.compare(build, reported, current) {
                Some(Ordering::Less) => Standing::Stale,
                Some(Ordering::Greater) => Standing::Ahead,
                _ => Standing::Unknown,
            },
        };
        (standing, None)
    }

    /// Whether one floor supports no build that the other doesn't.
    pub fn at_least_as_high(&self, high: &Floor, low: &Floor) -> bool {
        let position = |floor: &Floor| match floor {
            Floor::Build(build) => (self.version_of(build), self.number(build).unwrap_or(0)),
            Floor::Version(floor) if self.order == Some(Order::Version) => (Some(plain(floor)), 0),
            Floor::Version(floor) => (None, self.first_that_reaches(floor).unwrap_or(usize::MAX)),
        };
        position(high) >= position(low)
    }

    fn is_below(&self, build: &BuildId, reported: Option<&Version>, floor: &Floor) -> bool {
        match floor {
            Floor::Build(floor) => self.compare(build, reported, floor) == Some(Ordering::Less),
            Floor::Version(floor) if self.order == Some(Order::Version) => {
                self.version_of(build).or(reported.map(plain)).is_some_and(|version| version < plain(floor))
            }
            Floor::Version(floor) => match (self.number(build), self.first_that_reaches(floor)) {
                (Some(number), Some(first)) => number < first,
                (number, None) => number.is_some(),
                (None, _) => false,
            },
        }
    }

    /// A build beside a registered one.
    fn compare(&self, build: &BuildId, reported: Option<&Version>, other: &BuildId) -> Option<Ordering> {
        match self.number(build) {
            Some(number) => {
                Some((self.version_of(build), number).cmp(&(self.version_of(other), self.number(other)?)))
            }
            None => Some(plain(reported?).cmp(&self.version_of(other)?)).filter(|ordering| ordering.is_ne()),
        }
    }

    fn number(&self, build: &BuildId) -> Option<usize> {
        self.releases.iter().position(|release| release.build == *build).map(|index| index + 1)
    }

    /// The version of a registered build, where versions count.
    fn version_of(&self, build: &BuildId) -> Option<semver::Version> {
        let release = &self.releases[self.number(build)? - 1];
        release.version.as_ref().filter(|_| self.order == Some(Order::Version)).map(plain)
    }

    fn first_that_reaches(&self, floor: &Version) -> Option<usize> {
        let reaches =
            |release: &NewRelease| release.version.as_ref().is_some_and(|v| plain(v) >= plain(floor));
        self.releases.iter().position(reaches).map(|index| index + 1)
    }
}

/// Without what doesn't count in comparisons.
fn plain(version: &Version) -> semver::Version {
    semver::Version { build: semver::BuildMetadata::EMPTY, ..version.0.clone() }
}
