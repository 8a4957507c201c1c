//! Two-phase commit, the same as the Go package model/check/twophase, in states as small as there.

use stateright::{Model, Property};

const WORKING: u64 = 0;
const PREPARED: u64 = 1;
const COMMITTED: u64 = 2;
const ABORTED: u64 = 3;

/// What the transaction manager has decided and told everybody.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Decided {
    Nothing,
    Commit,
    Abort,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub struct State {
    decisions: u64, // two bits for each manager
    decided: Decided,
    told: u32,  // managers that have told that they are prepared
    heard: u32, // managers of which that was heard
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    DecideCommit,
    DecideAbort,
    Hear(usize),
    Prepare(usize),
    ChooseAbort(usize),
    ObeyCommit(usize),
    ObeyAbort(usize),
}

pub struct TwoPhase {
    pub managers: usize,
}

impl State {
    fn of(&self, manager: usize) -> u64 {
        self.decisions >> (2 * manager) & 3
    }

    fn set(&mut self, manager: usize, decision: u64) {
        self.decisions = self.decisions & !(3 << (2 * manager)) | decision << (2 * manager);
    }
}

impl TwoPhase {
    fn all(&self, state: &State, decision: u64) -> bool {
        (0..self.managers).all(|m| state.of(m) == decision)
    }

    fn any(&self, state: &State, decision: u64) -> bool {
        (0..self.managers).any(|m| state.of(m) == decision)
    }
}

impl Model for TwoPhase {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { decisions: 0, decided: Decided::Nothing, told: 0, heard: 0 }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.decided == Decided::Nothing {
            if state.heard == (1 << self.managers) - 1 {
                actions.push(Action::DecideCommit);
            }
            actions.push(Action::DecideAbort);
        }
        for m in 0..self.managers {
            if state.decided == Decided::Nothing && state.told >> m & 1 != 0 {
                actions.push(Action::Hear(m));
            }
            if state.of(m) == WORKING {
                actions.push(Action::Prepare(m));
                actions.push(Action::ChooseAbort(m));
            }
            match state.decided {
                Decided::Commit => actions.push(Action::ObeyCommit(m)),
                Decided::Abort => actions.push(Action::ObeyAbort(m)),
                Decided::Nothing => {}
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        match action {
            Action::DecideCommit => next.decided = Decided::Commit,
            Action::DecideAbort => next.decided = Decided::Abort,
            Action::Hear(m) => next.heard |= 1 << m,
            Action::Prepare(m) => {
                next.set(m, PREPARED);
                next.told |= 1 << m;
            }
            Action::ChooseAbort(m) | Action::ObeyAbort(m) => next.set(m, ABORTED),
            Action::ObeyCommit(m) => next.set(m, COMMITTED),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("consistent", |m: &TwoPhase, s: &State| {
                !(m.any(s, COMMITTED) && m.any(s, ABORTED))
            }),
            Property::sometimes("everybody commits", |m: &TwoPhase, s: &State| m.all(s, COMMITTED)),
            Property::sometimes("everybody aborts", |m: &TwoPhase, s: &State| m.all(s, ABORTED)),
        ]
    }
}
