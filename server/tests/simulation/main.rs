//! A whole cluster in one thread: the real fold, plans, roll call, tallies and brake, on a model of the log and of the
//! network, driven by one seeded scheduler. What goes wrong goes wrong again: `SEED=n cargo test -p freshwire --test
//! simulation`.

mod log;
mod node;
mod page;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use world::{Totals, World};

const SEEDS: u64 = 1_000;

#[test]
fn clusters_agree_whatever_happens_to_them() {
    let seed = std::env::var("SEED").ok().map(|seed| seed.parse().expect("SEED is a number"));
    let seeds = seed.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    let mut totals = Totals::default();
    for seed in seeds.clone() {
        let ran = catch_unwind(AssertUnwindSafe(|| World::new(seed).run()));
        let of_one = ran.unwrap_or_else(|_| {
            panic!(
                "seed {seed} fails; to see it again: SEED={seed} cargo test -p freshwire --test simulation"
            )
        });
        totals.add(&of_one);
    }
    println!("{} clusters: {totals:?}", seeds.count());
    if seed.is_none() {
        assert!(totals.has_everything(), "what is never reached is not tested: {totals:?}");
    }
}
