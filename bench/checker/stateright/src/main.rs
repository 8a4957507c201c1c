//! Runs one calibration model under Stateright and prints one line of JSON.
//! Usage: peer two-phase-commit THREADS MANAGERS | peer paxos THREADS ACCEPTORS BALLOTS VALUES

mod paxos;
mod twophase;

use stateright::{Checker, Model};
use std::hash::Hash;
use std::time::Instant;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = words.iter().skip(1).filter_map(|w| w.parse().ok()).collect();
    match (words.first().map(String::as_str), numbers.as_slice()) {
        (Some("two-phase-commit"), &[threads, managers]) => {
            explore(twophase::TwoPhase { managers }, threads)
        }
        (Some("paxos"), &[threads, acceptors, ballots, values]) => {
            explore(paxos::Paxos { acceptors, ballots, values }, threads)
        }
        _ => {
            eprintln!("usage: peer two-phase-commit THREADS MANAGERS | peer paxos THREADS ACCEPTORS BALLOTS VALUES");
            std::process::exit(2);
        }
    }
}

/// Explores everything breadth first and fails if a property does not hold.
fn explore<M>(model: M, threads: usize)
where
    M: Model + Send + Sync + 'static,
    M::State: Hash + Send + Sync + std::fmt::Debug + PartialEq + Clone,
    M::Action: Send + Sync + std::fmt::Debug + PartialEq + Clone,
{
    let start = Instant::now();
    let checker = model.checker().threads(threads).spawn_bfs().join();
    let seconds = start.elapsed().as_secs_f64();
    checker.assert_properties();
    println!(
        "{{\"distinct\":{},\"generated\":{},\"seconds\":{:.6}}}",
        checker.unique_state_count(),
        checker.state_count(),
        seconds
    );
}
