//! When a campaign stops by itself, and when a wave has shown enough for the next one to follow.

use super::{outcome::LookRefused, pace::Brake};

/// So many must have acted before their share of failures says something.
pub const ENOUGH: u64 = 20;
/// Fewer failures than this may be chance, however few have acted.
const FEWEST_FAILURES: u64 = 3;

/// What became, in one run of a campaign, of those who acted on it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Reloaded, or changed in place.
    pub acted: u64,
    /// Of these, came back as old as before.
    pub still_old: u64,
    /// Of these, have not come back for a while, though somebody was looking at them.
    pub missing: u64,
    /// The share of those who act that is missing in this app's campaigns anyway, from 0 to 1: people close tabs.
    pub usual_missing: f64,
}

/// What the evidence says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Too many fail, in words.
    Trip(String),
    /// Enough have acted, and few of them failed.
    Enough,
    /// Too few have acted to tell.
    TooLittle,
}

impl Evidence {
    /// Those missing beyond the usual share.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count"
    )]
    pub fn missing_unusually(&self) -> u64 {
        self.missing.saturating_sub((self.usual_missing * self.acted as f64).ceil() as u64)
    }

    /// Those that the new build, or the way to it, has failed.
    pub fn failures(&self) -> u64 {
        self.still_old + self.missing_unusually()
    }
}

/// Weighs the evidence of a run.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn verdict(evidence: &Evidence, brake: Brake) -> Verdict {
    let (acted, failures) = (evidence.acted, evidence.failures());
    let share = failures as f64 / acted.max(1) as f64;
    let too_many = (acted >= ENOUGH && share > brake.ratio()) || failures * 2 >= acted;
    if failures >= FEWEST_FAILURES && too_many {
        return Verdict::Trip(failed(evidence, brake, share));
    }
    if acted >= ENOUGH { Verdict::Enough } else { Verdict::TooLittle }
}

fn failed(evidence: &Evidence, brake: Brake, share: f64) -> String {
    let Evidence { acted, still_old, .. } = *evidence;
    let mut what = Vec::new();
    if still_old > 0 {
        what.push(format!("{still_old} came back as old as before"));
    }
    let missing = evidence.missing_unusually();
    if missing > 0 {
        what.push(format!("{missing} more than usual have not come back"));
    }
    format!(
        "of {acted} who acted {}: {} failed, {} may",
        what.join(" and "),
        percent(share),
        percent(brake.ratio())
    )
}

fn percent(share: f64) -> String {
    let percent = (share * 1_000.0).round() / 10.0;
    format!("{percent}%")
}

/// What an operator should look at first. `stuck`: what pages said that tried and could not, with how many said it.
pub fn suspicion(evidence: &Evidence, stuck: &[(String, u64)]) -> Option<String> {
    let (refused, stuck): (Vec<_>, Vec<_>) =
        stuck.iter().partition(|(detail, _)| LookRefused::named(detail).is_some());
    let (origin, other): (Vec<_>, Vec<_>) =
        stuck.into_iter().partition(|(detail, _)| detail.starts_with("origin_stale"));
    let count = |some: &[&(String, u64)]| some.iter().map(|(_, sessions)| sessions).sum::<u64>();
    let mut words = Vec::new();
    if count(&origin) > 0 {
        words.push(format!(
            "{} found the old document where they would load the new one: is the origin, or a CDN before it, stale?",
            count(&origin)
        ));
    }
    words.extend(refused.into_iter().filter_map(|(detail, sessions)| stuck_on(detail, *sessions)));
    if evidence.still_old > 0 {
        words.push(format!(
            "{} reloaded and were as old as before: does a service worker or an HTTP cache serve the old build?",
            evidence.still_old
        ));
    }
    let missing = evidence.missing_unusually();
    if missing > 0 {
        words.push(format!(
            "{missing} more than usual reloaded and have not been heard of since: does the new build crash on start, or \
             lack the snippet?"
        ));
    }
    if let Some((detail, sessions)) = other.iter().max_by_key(|(_, sessions)| sessions) {
        words.push(format!("{sessions} could not ({detail})."));
    }
    (!words.is_empty()).then(|| words.join(" "))
}

/// What is said of pages whose look was refused, with the cure. None: that isn't what they are stuck on.
pub fn stuck_on(detail: &str, sessions: u64) -> Option<String> {
    let why = LookRefused::named(detail)?;
    Some(format!("{sessions} stuck, {why}: {}.", why.cure()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(acted: u64, still_old: u64, missing: u64) -> Evidence {
        Evidence { acted, still_old, missing, usual_missing: 0.0 }
    }

    fn trips(acted: u64, still_old: u64, missing: u64) -> bool {
        matches!(verdict(&evidence(acted, still_old, missing), Brake::USUAL), Verdict::Trip(_))
    }

    #[test]
    fn the_brake_trips_on_a_share_of_enough_or_on_half_of_few() {
        assert!(
            trips(30, 3, 0) && trips(1_000, 51, 0) && trips(30, 1, 2),
            "a tenth of thirty, a twentieth of all"
        );
        assert!(!trips(1_000, 50, 0) && !trips(1_000, 10, 0), "no more than it may be");
        assert!(trips(5, 3, 0) && trips(6, 0, 3), "half of a few");
        assert!(!trips(7, 3, 0) && !trips(2, 2, 0) && !trips(20, 2, 0), "which may be chance");
        let all = Brake::try_from(1.0).unwrap();
        assert_eq!(verdict(&evidence(100, 40, 0), all), Verdict::Enough, "a brake of 1 lets almost all fail");
    }

    #[test]
    fn those_who_always_go_missing_are_no_failures() {
        let usual = Evidence { usual_missing: 0.1, ..evidence(100, 0, 10) };
        assert_eq!(verdict(&usual, Brake::USUAL), Verdict::Enough);
        let unusual = Evidence { missing: 17, ..usual };
        let Verdict::Trip(why) = verdict(&unusual, Brake::USUAL) else { panic!("17 are 7 too many") };
        assert_eq!(why, "of 100 who acted 7 more than usual have not come back: 7% failed, 5% may");
    }

    #[test]
    fn too_few_prove_nothing() {
        assert_eq!(verdict(&evidence(19, 0, 0), Brake::USUAL), Verdict::TooLittle);
        assert_eq!(verdict(&evidence(20, 0, 0), Brake::USUAL), Verdict::Enough);
    }

    #[test]
    fn what_was_seen_names_what_to_look_at() {
        assert_eq!(suspicion(&evidence(50, 0, 0), &[]), None);
        let stuck = [
            ("origin_stale".to_owned(), 7),
            ("failed: no service worker answer".to_owned(), 2),
            ("look_refused (policy)".to_owned(), 5),
        ];
        let said = suspicion(&evidence(50, 3, 4), &stuck).unwrap();
        for word in [
            "7 found the old document",
            "3 reloaded",
            "4 more than usual",
            "2 could not (failed: no service",
            "5 stuck, look_refused (policy): ",
            "add 'self' to connect-src.",
        ] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
}
