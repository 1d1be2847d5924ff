//! Words: times, numbers and changes as people say them.

use crate::{
    api::answers::{Affected, Changed, FloorRef, ReleaseRef},
    core::{
        change::{Action, Step},
        order::Version,
        time::{Moment, Period},
    },
};

/// How many builds a sentence names before it sums up the rest.
const BUILDS_NAMED: usize = 5;

const DAY: u64 = 86_400;
/// Units of time: from how many seconds on, how many seconds each. Two months and two years before they are said in
/// those: '45 days' says more than '1 month'.
const UNITS: [(u64, u64, &str); 6] = [
    (2 * 365 * DAY, 365 * DAY, "year"),
    (2 * 30 * DAY, 30 * DAY, "month"),
    (DAY, DAY, "day"),
    (3_600, 3_600, "hour"),
    (60, 60, "minute"),
    (1, 1, "second"),
];

/// A time as people say it: `13 hours ago`, `in 3 days`.
pub fn relative(then: Moment, now: Moment) -> String {
    let past = then <= now;
    // What lies ahead is rounded up, so that 30 days read as 30 days a moment later.
    let seconds = if past { now.since(then).0 / 1000 } else { then.since(now).0.div_ceil(1000) };
    let Some((_, length, unit)) = UNITS.into_iter().find(|(from, ..)| seconds >= *from) else {
        return "just now".to_owned();
    };
    let text = count(seconds / length, unit);
    if past { format!("{text} ago") } else { format!("in {text}") }
}

/// The same where room is short: `13h ago`.
pub fn briefly(then: Moment, now: Moment) -> String {
    let long = relative(then, now);
    match long.split_once(' ') {
        Some((figure, unit)) if figure.parse::<u64>().is_ok() && !unit.starts_with("month") => {
            format!("{figure}{} ago", &unit[..1])
        }
        _ => long,
    }
}

/// `1 page`, `2 pages`.
pub fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// `1 page moves`, `2 pages move`.
pub fn verb(n: u64, what: &str, does: &str) -> String {
    format!("{} {does}{}", count(n, what), if n == 1 { "s" } else { "" })
}

/// A share of a whole in percent; what isn't nothing never reads 0%, and what isn't all never 100%.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
pub fn percent(share: f64) -> String {
    let rounded = (share.clamp(0.0, 1.0) * 100.0).round() as u8;
    match rounded {
        0 if share > 0.0 => "<1%".to_owned(),
        100 if share < 1.0 => ">99%".to_owned(),
        _ => format!("{rounded}%"),
    }
}

/// A release, the version first because people know it by that.
pub fn release(release: &ReleaseRef) -> String {
    build(release.build.as_str(), release.version.as_ref())
}

/// `2.4.1 (3f9c2ab)`, or the build alone.
pub fn build(build: &str, version: Option<&Version>) -> String {
    match version {
        Some(version) => format!("{version} ({build})"),
        None => build.to_owned(),
    }
}

/// The minimum as its operator named it.
pub fn floor(floor: &FloorRef) -> String {
    match (&floor.version, &floor.build) {
        (Some(version), _) => version.to_string(),
        (None, Some(build)) => format!("build {build}"),
        (None, None) => "none".to_owned(),
    }
}

/// Steps in a row: `prompt, after 30m countdown`.
pub fn steps(steps: &[Step]) -> String {
    let step = |step: &Step| match step.after {
        Period::ZERO => step.action.to_string(),
        after => format!("after {after} {}", step.action),
    };
    steps.iter().map(step).collect::<Vec<_>>().join(", ")
}

/// Whom a change moves and how, after a verb such as `moves` or `would move`.
/// `of` is the number of all connected pages, where it is known.
pub fn moved(changed: &Changed, verb: &str, of: Option<u64>) -> String {
    let affected = &changed.affected;
    if affected.sessions == 0 {
        return format!("{verb} no connected page");
    }
    let pages = match of {
        Some(of) if of >= affected.sessions => {
            format!("{} of {}", affected.sessions, count(of, "connected page"))
        }
        _ => count(affected.sessions, "connected page"),
    };
    let mut text = match changed.steps.as_slice() {
        [only] if only.action == Action::Silent => format!("{verb} {pages}, without telling them (silent)"),
        steps => {
            let over = changed.over.map(|over| format!(" over {over}")).unwrap_or_default();
            let over = format!("{over}{}", waves(changed));
            let how = if steps.is_empty() { String::new() } else { format!(": {}", self::steps(steps)) };
            format!("{verb} {pages}{over}{how}")
        }
    };
    let builds = builds(affected);
    if !builds.is_empty() {
        text = format!("{text}; {builds}");
    }
    text
}

/// ` in waves of 1%, 10%, 100%`, if there is more than one.
fn waves(changed: &Changed) -> String {
    let waves: Vec<_> = changed.waves.iter().map(ToString::to_string).collect();
    if waves.len() < 2 { String::new() } else { format!(" in waves of {}", waves.join(", ")) }
}

fn builds(affected: &Affected) -> String {
    let mut all: Vec<_> = affected.builds.iter().filter(|build| build.sessions > 0).collect();
    all.sort_by_key(|build| std::cmp::Reverse(build.sessions));
    let (named, rest) = all.split_at(all.len().min(BUILDS_NAMED));
    let mut words: Vec<_> = named
        .iter()
        .map(|of| format!("{} {}", build(of.build.as_str(), of.version.as_ref()), of.sessions))
        .collect();
    if !rest.is_empty() {
        let sessions: u64 = rest.iter().map(|build| build.sessions).sum();
        words.push(format!("{} more {sessions}", count(rest.len() as u64, "build")));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::answers::AffectedBuild;

    #[test]
    fn times_read_as_people_say_them() {
        let now = Moment(2_000_000_000_000);
        let said = |seconds: i64| relative(Moment(now.0 - seconds * 1000), now);
        let expected = [
            (0, "just now"),
            (1, "1 second ago"),
            (59, "59 seconds ago"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (13 * 3600 + 1800, "13 hours ago"),
            (86_400, "1 day ago"),
            (29 * 86_400, "29 days ago"),
            (61 * 86_400, "2 months ago"),
            (800 * 86_400, "2 years ago"),
            (-1, "in 1 second"),
            (-3 * 86_400, "in 3 days"),
        ];
        assert_eq!(relative(Moment(now.0 + 30 * 86_400_000 - 5), now), "in 30 days");
        for (seconds, words) in expected {
            assert_eq!(said(seconds), words);
        }
    }

    #[test]
    fn times_in_tight_places_are_said_briefly() {
        let now = Moment(2_000_000_000_000);
        let said =
            [0, 21, 120, 7_200, 3 * 86_400, 90 * 86_400].map(|ago| briefly(Moment(now.0 - ago * 1000), now));
        assert_eq!(said, ["just now", "21s ago", "2m ago", "2h ago", "3d ago", "3 months ago"]);
    }

    #[test]
    fn shares_round_without_lying() {
        let said = [0.0, 0.001, 0.54, 0.999, 1.0].map(percent);
        assert_eq!(said, ["0%", "<1%", "54%", ">99%", "100%"]);
    }

    #[test]
    fn a_dry_run_says_who_is_moved_and_how() {
        let mut changed = changed(&[("3f9c2ab", Some("2.4.1"), 30), ("f00", None, 11)]);
        assert_eq!(
            moved(&changed, "moves", Some(43)),
            "moves 41 of 43 connected pages over 1s: prompt, after 30m countdown; 2.4.1 (3f9c2ab) 30, f00 11"
        );
        changed.steps = vec![Step { after: Period::ZERO, action: Action::Silent }];
        assert!(moved(&changed, "moves", None).starts_with("moves 41 connected pages, without telling them"));
        let many: Vec<_> = (0..7).map(|_| ("b", None, 1)).collect();
        assert!(moved(&self::changed(&many), "moves", None).ends_with("b 1, 2 builds more 2"));
        assert_eq!(moved(&self::changed(&[]), "would move", Some(3)), "would move no connected page");
    }

    fn changed(builds: &[(&str, Option<&str>, u64)]) -> Changed {
        let affected_build = |(build, version, sessions): &(&str, Option<&str>, u64)| AffectedBuild {
            build: build.parse().unwrap(),
            version: version.map(|version| version.parse().unwrap()),
            sessions: *sessions,
        };
        Changed {
            affected: Affected {
                sessions: builds.iter().map(|(_, _, sessions)| sessions).sum(),
                builds: builds.iter().map(affected_build).collect(),
            },
            over: Some(Period::secs(1)),
            steps: vec![
                Step { after: Period::ZERO, action: Action::Prompt },
                Step { after: Period::mins(30), action: Action::Countdown },
            ],
            dry_run: true,
            ..Changed::default()
        }
    }
}
