//! A whole cluster in one thread: the real fold, plans, roll call, tallies and brake, on a model of the log and of the
//! network, driven by one seeded scheduler. What goes wrong goes wrong again: `SEED=n cargo test -p freshwire --test
//! simulation`.

mod log;
mod node;
mod page;
mod world;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use world::{Totals, World};

const SEEDS: u64 = 1_000;

#[test]
fn clusters_agree_whatever_happens_to_them() {
    let seed = std::env::var("SEED").ok().map(|seed| seed.parse().expect("SEED is a number"));
    let seeds = seed.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    // Each is in one thread, and knows nothing of the others.
    let next = AtomicU64::new(seeds.start);
    let some = || {
        let mut totals = Totals::default();
        while let seed = next.fetch_add(1, Ordering::Relaxed)
            && seeds.contains(&seed)
        {
            let ran = catch_unwind(AssertUnwindSafe(|| World::new(seed).run()));
            totals.add(&ran.unwrap_or_else(|_| {
                // The others are not tried any more.
                next.store(seeds.end, Ordering::Relaxed);
                panic!(
                    "seed {seed} fails; to see it again: SEED={seed} cargo test -p freshwire --test simulation"
                )
            }));
        }
        totals
    };
    let mut totals = Totals::default();
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
        for of_some in running {
            totals.add(&of_some.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
    println!("{} clusters: {totals:?}", seeds.clone().count());
    if seed.is_none() {
        assert!(totals.has_everything(), "what is never reached is not tested: {totals:?}");
    }
}
