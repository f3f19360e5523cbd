//! The delay that spreads runs.

use std::collections::HashSet;
use std::time::Duration;

use dispatcher::schedule::jitter;
use schemas::RepoRef;

fn repository(name: &str) -> RepoRef {
    format!("github/acme/{name}").parse().unwrap()
}

#[test]
fn the_delay_is_the_same_everywhere_and_for_ever() {
    let delay = jitter::offset("weekly-dependencies", &repository("api"), Duration::from_secs(600));
    assert_eq!(delay, Duration::from_millis(364_700), "changing this moves every schedule's runs");
}

#[test]
fn delays_fill_the_width_evenly_and_never_reach_its_end() {
    let width = Duration::from_secs(600);
    let mut minutes = [0; 10];
    let mut different = HashSet::new();
    for number in 0..10_000 {
        let delay = jitter::offset("weekly", &repository(&format!("r{number}")), width);
        assert!(delay < width);
        *minutes.get_mut(usize::try_from(delay.as_secs() / 60).unwrap()).unwrap() += 1;
        different.insert(delay);
    }
    assert!(minutes.iter().all(|count| (850..1150).contains(count)), "{minutes:?}");
    assert!(different.len() > 9_000, "{}", different.len());
    let one = repository("one");
    assert_ne!(jitter::offset("a", &one, width), jitter::offset("b", &one, width));
    assert_eq!(jitter::offset("a", &one, Duration::ZERO), Duration::ZERO);
    assert!(jitter::offset("a", &one, Duration::MAX) < Duration::MAX);
}
