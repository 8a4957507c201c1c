//! Paxos for a single decree, the same as the Go package model/check/paxos, in states as small as there.

use stateright::{Model, Property};

const MAX_ACCEPTORS: usize = 5;
const MAX_BALLOTS: usize = 4;

/// Ballot and value, both from 1; zero for nothing.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq)]
pub struct Vote {
    ballot: u8,
    value: u8,
}

#[derive(Clone, Debug, Default, Hash, PartialEq, Eq)]
pub struct State {
    promised: [u8; MAX_ACCEPTORS],
    voted: [Vote; MAX_ACCEPTORS],
    prepared: [bool; MAX_BALLOTS],
    promises: [[Option<Vote>; MAX_ACCEPTORS]; MAX_BALLOTS],
    proposed: [u8; MAX_BALLOTS],
    accepting: [u8; MAX_BALLOTS], // acceptors, as bits
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    Prepare(usize),
    Promise(usize, usize),
    Propose(usize, u8),
    Accept(usize, usize),
}

pub struct Paxos {
    pub acceptors: usize,
    pub ballots: usize,
    pub values: usize,
}

impl Paxos {
    fn majority(&self, acceptors: u32) -> bool {
        2 * acceptors.count_ones() as usize > self.acceptors
    }

    /// The values, as bits, that the promises of quorum allow for ballot b.
    fn allowed(&self, state: &State, b: usize, quorum: u32) -> u32 {
        let mut highest = Vote::default();
        for a in (0..self.acceptors).filter(|a| quorum >> a & 1 != 0) {
            match state.promises[b][a] {
                None => return 0,
                Some(vote) if vote.ballot > highest.ballot => highest = vote,
                Some(_) => {}
            }
        }
        if highest.ballot == 0 {
            return (1 << (self.values + 1)) - 2;
        }
        1 << highest.value
    }

    /// The values, as bits, that a majority has accepted in one ballot.
    fn chosen(&self, state: &State) -> u32 {
        (0..self.ballots)
            .filter(|&b| self.majority(state.accepting[b] as u32))
            .fold(0, |values, b| values | 1 << state.proposed[b])
    }
}

impl Model for Paxos {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for b in 0..self.ballots {
            let ballot = b as u8 + 1;
            if !state.prepared[b] {
                actions.push(Action::Prepare(b));
            } else {
                let open = (0..self.acceptors).filter(|&a| ballot > state.promised[a]);
                actions.extend(open.map(|a| Action::Promise(a, b)));
            }
            if state.proposed[b] == 0 {
                let quorums = (0..1u32 << self.acceptors).filter(|&q| self.majority(q));
                let allowed = quorums.fold(0, |all, q| all | self.allowed(state, b, q));
                let values = (1..=self.values as u8).filter(|v| allowed >> v & 1 != 0);
                actions.extend(values.map(|v| Action::Propose(b, v)));
            } else {
                for a in 0..self.acceptors {
                    if ballot >= state.promised[a] && state.accepting[b] >> a & 1 == 0 {
                        actions.push(Action::Accept(a, b));
                    }
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        match action {
            Action::Prepare(b) => next.prepared[b] = true,
            Action::Promise(a, b) => {
                next.promised[a] = b as u8 + 1;
                next.promises[b][a] = Some(last.voted[a]);
            }
            Action::Propose(b, v) => next.proposed[b] = v,
            Action::Accept(a, b) => {
                next.promised[a] = b as u8 + 1;
                next.voted[a] = Vote { ballot: b as u8 + 1, value: last.proposed[b] };
                next.accepting[b] |= 1 << a;
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("one value", |m: &Paxos, s: &State| m.chosen(s).count_ones() <= 1),
            Property::sometimes("first value", |m: &Paxos, s: &State| m.chosen(s) == 2),
            Property::sometimes("last value", |m: &Paxos, s: &State| m.chosen(s) == 1 << m.values),
        ]
    }
}
