//! The crowd: so many pages on real sockets, a task each, spread over the builds that are out.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    page::{End, Page},
    seed::SEEDS,
    stage::Stage,
    temper::{Temper, between, chance},
};

/// What tells the crowd from browsers.
pub const USER_AGENT: &str = "freshwire-demo-crowd";
/// The doors are open for so long.
const ARRIVE_WITHIN: Duration = Duration::from_secs(2);
/// Percent of the crowd whose laptops are closed soon after the start: they are away in the census.
const AWAY: u32 = 5;

/// Lets the crowd in.
pub fn start(stage: &Arc<Stage>, pages: u16, tasks: &TaskTracker, stop: &CancellationToken) {
    for nth in 0..u32::from(pages) {
        let arrives = ARRIVE_WITHIN * nth / u32::from(pages);
        let (stage, id) = (stage.clone(), build_of(nth));
        tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
            sleep(arrives).await;
            live(stage, id).await;
        }));
    }
}

/// The seeds' shares, mixed, so that every prefix of the crowd is a fair one. 37 and 100 have no common divisor.
fn build_of(nth: u32) -> &'static str {
    let mut left = nth * 37 % 100;
    for (id, _, share) in &SEEDS {
        match left.checked_sub(*share) {
            Some(rest) => left = rest,
            None => return id,
        }
    }
    SEEDS[SEEDS.len() - 1].0
}

/// One seat in the crowd: its pages come, move, go, and are followed by others.
async fn live(stage: Arc<Stage>, id: &str) {
    let Some(build) = stage.build(id) else { return };
    let naps = chance(AWAY).then(|| between(1.0, 4.0));
    let mut page = Page::open(&build, Temper::random(), naps);
    loop {
        match page.connect(&stage).await {
            End::Refreshing(build) => {
                sleep(between(0.3, 1.5)).await;
                page.come_back_as(&build);
            }
            End::Left => {
                sleep(between(4.0, 25.0)).await;
                page = Page::open(&stage.served(), Temper::random(), None);
            }
            End::Vanished => sleep(between(20.0, 150.0)).await,
            End::Lost(wait) => sleep(wait).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crowd_is_spread_as_the_seeds_say() {
        for (id, _, share) in &SEEDS {
            let on_it = (0..300).filter(|nth| build_of(*nth) == *id).count();
            assert_eq!(on_it, 3 * *share as usize, "{id}");
        }
    }
}
