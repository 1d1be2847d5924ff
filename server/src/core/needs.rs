//! What builds need of the back ends, and what those provide: the table of sequenced deployments.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    app::{App, Release},
    census::BuildCount,
    judge::{Standing, judge},
    names::{BuildId, InstanceName, Need},
    order::Version,
};

/// A back-end instance that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackEnd {
    /// What it calls itself.
    pub instance: InstanceName,
    /// What it runs.
    pub build: BuildId,
    /// What it offers.
    pub provides: BTreeSet<Need>,
}

/// A live instance that lacks something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lacking {
    /// Which one.
    pub instance: InstanceName,
    /// What it runs.
    pub build: BuildId,
    /// What it doesn't provide.
    pub missing: Vec<Need>,
}

/// The open pages of a build that needs something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NeedingBuild {
    /// Which build.
    pub build: BuildId,
    /// As registered.
    pub version: Option<Version>,
    /// Where its pages stand.
    pub standing: Standing,
    /// Connected or polling.
    pub sessions: u64,
    /// Vanished without a goodbye in the last 14 days.
    pub away: u64,
}

/// Who needs one thing, and who provides it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NeedRow {
    /// Its name.
    pub need: Need,
    /// Open pages that need it.
    pub sessions: u64,
    /// Vanished pages that need it, should they come back.
    pub away: u64,
    /// Releases that declare it, whether their pages are open or not.
    pub releases: u32,
    /// The current release does.
    pub current: bool,
    /// Those of them that have pages, are current, or wait to be settled; newest first.
    pub builds: Vec<NeedingBuild>,
    /// Live instances that provide it.
    pub provided_by: Vec<InstanceName>,
    /// Live instances that don't.
    pub lacked_by: Vec<InstanceName>,
}

/// Front-end builds against back-end builds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Matrix {
    /// The columns: live back ends by build.
    pub back_ends: Vec<MatrixColumn>,
    /// Registered builds that have pages, are current, or wait to be settled; newest first.
    pub rows: Vec<MatrixRow>,
}

/// The live back ends of one build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatrixColumn {
    /// Which build.
    pub build: BuildId,
    /// Who runs it.
    pub instances: Vec<InstanceName>,
    /// What every one of them provides.
    pub provides: Vec<Need>,
}

/// One front-end build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatrixRow {
    /// Its pages.
    #[serde(flatten)]
    pub pages: NeedingBuild,
    /// What they rely on.
    pub needs: Vec<Need>,
    /// One for each column.
    pub cells: Vec<MatrixCell>,
}

/// A front-end build on a back-end build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatrixCell {
    /// The back-end build.
    pub back_end: BuildId,
    /// It provides all that the pages need.
    pub ok: bool,
    /// What it doesn't.
    pub missing: Vec<Need>,
    /// Open pages of the row.
    pub sessions: u64,
    /// Live instances of the column.
    pub instances: u64,
}

/// The live instances that don't provide all of these needs.
pub fn lacking(needs: &[Need], live: &[BackEnd]) -> Vec<Lacking> {
    let lacking = |back_end: &BackEnd| {
        let missing = missing(needs, |need| back_end.provides.contains(need));
        (!missing.is_empty()).then(|| Lacking {
            instance: back_end.instance.clone(),
            build: back_end.build.clone(),
            missing,
        })
    };
    live.iter().filter_map(lacking).collect()
}

/// Everything that a release has ever declared or a live back end provides, by name. O(releases + builds).
pub fn needs(app: &App, counts: &[BuildCount], live: &[BackEnd]) -> Vec<NeedRow> {
    let pages = Pages::of(app, counts);
    let mut rows = BTreeMap::<Need, NeedRow>::new();
    for release in app.releases.iter().rev() {
        let of = pages.of_interest(release);
        let is_current = app.current.as_ref() == Some(&release.new.build);
        // A need that is named twice is one need.
        for need in release.new.needs.iter().collect::<BTreeSet<_>>() {
            let row = rows.entry(need.clone()).or_insert_with(|| NeedRow::nobodys(need.clone()));
            row.releases += 1;
            row.current |= is_current;
            if let Some(of) = &of {
                row.sessions += of.sessions;
                row.away += of.away;
                row.builds.push(of.clone());
            }
        }
    }
    for need in live.iter().flat_map(|back_end| &back_end.provides) {
        rows.entry(need.clone()).or_insert_with(|| NeedRow::nobodys(need.clone()));
    }
    for row in rows.values_mut() {
        for back_end in live {
            let provides = back_end.provides.contains(&row.need);
            let names = if provides { &mut row.provided_by } else { &mut row.lacked_by };
            names.push(back_end.instance.clone());
        }
    }
    rows.into_values().collect()
}

/// Which front-end build runs on which back-end build. O(releases + builds × back-end builds).
pub fn matrix(app: &App, counts: &[BuildCount], live: &[BackEnd]) -> Matrix {
    let mut by_build = BTreeMap::<&BuildId, Vec<&BackEnd>>::new();
    for back_end in live {
        by_build.entry(&back_end.build).or_default().push(back_end);
    }
    let column = |(build, all): (&BuildId, Vec<&BackEnd>)| {
        let everybodys = |need: &&Need| all.iter().all(|back_end| back_end.provides.contains(*need));
        let provides = all.first().into_iter().flat_map(|first| &first.provides);
        MatrixColumn {
            build: build.clone(),
            instances: all.iter().map(|back_end| back_end.instance.clone()).collect(),
            provides: provides.filter(everybodys).cloned().collect(),
        }
    };
    let back_ends: Vec<_> = by_build.into_iter().map(column).collect();
    let pages = Pages::of(app, counts);
    let row = |release| {
        let pages = pages.of_interest(release)?;
        let cell = |column: &MatrixColumn| {
            let missing = missing(&release.new.needs, |need| column.provides.binary_search(need).is_ok());
            MatrixCell {
                back_end: column.build.clone(),
                ok: missing.is_empty(),
                missing,
                sessions: pages.sessions,
                instances: column.instances.len() as u64,
            }
        };
        let cells = back_ends.iter().map(cell).collect();
        Some(MatrixRow { pages, needs: release.new.needs.clone(), cells })
    };
    let rows = app.releases.iter().rev().filter_map(|release| row(&**release)).collect();
    Matrix { back_ends, rows }
}

/// Open and vanished pages whose builds are not registered, so that nobody knows what they need.
pub fn unregistered(app: &App, counts: &[BuildCount]) -> (u64, u64) {
    let unknown = counts.iter().filter(|count| app.release(&count.build).is_none());
    unknown.fold((0, 0), |(sessions, away), count| (sessions + count.sessions, away + count.away))
}

fn missing(needs: &[Need], provides: impl Fn(&Need) -> bool) -> Vec<Need> {
    let missing: BTreeSet<_> = needs.iter().filter(|need| !provides(need)).collect();
    missing.into_iter().cloned().collect()
}

impl NeedRow {
    fn nobodys(need: Need) -> Self {
        Self {
            need,
            sessions: 0,
            away: 0,
            releases: 0,
            current: false,
            builds: Vec::new(),
            provided_by: Vec::new(),
            lacked_by: Vec::new(),
        }
    }
}

/// Sessions and away by build.
struct Pages<'a> {
    app: &'a App,
    by_build: HashMap<&'a BuildId, (u64, u64)>,
}

impl<'a> Pages<'a> {
    fn of(app: &'a App, counts: &'a [BuildCount]) -> Self {
        let mut by_build = HashMap::<_, (u64, u64)>::new();
        for count in counts {
            let (sessions, away) = by_build.entry(&count.build).or_default();
            *sessions += count.sessions;
            *away += count.away;
        }
        Self { app, by_build }
    }

    /// A release's pages, if it has any, is current, or waits to be settled.
    fn of_interest(&self, release: &Release) -> Option<NeedingBuild> {
        let build = &release.new.build;
        let (sessions, away) = self.by_build.get(build).copied().unwrap_or_default();
        let waits = release.settled_at.is_none() && !self.app.retired.contains_key(build);
        let of_interest = sessions + away > 0 || waits || self.app.current.as_ref() == Some(build);
        of_interest.then(|| NeedingBuild {
            build: build.clone(),
            version: release.new.version.clone(),
            standing: judge(self.app, build, None).standing,
            sessions,
            away,
        })
    }
}
