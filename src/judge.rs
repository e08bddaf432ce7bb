//! Judging: snapshot → candidate → trespass → receipt known? → slot → set-up → steps → verdict.
//!
//! The caller decides whether the gate may run and orders it ([`ask`]); a process of its own session carries it out
//! ([`work`]), so that it outlives a caller whose agent's tool was cut off; the caller follows it ([`follow`]).

mod ask;
mod follow;
mod last_words;
mod launch;
mod made;
mod objection;
mod order;
mod outcomes;
mod past;
mod put_back;
mod settle;
mod slot;
mod slots;
mod work;

pub(crate) use ask::{Answer, Ask, ask};
pub(crate) use follow::follow;
pub(crate) use launch::launch;
pub(crate) use order::{
    OrderRequest, covering_receipt, find_receipt, held_back, order, snapshot_of,
    tip_and_uncommitted,
};
pub(crate) use outcomes::{flaky_of, known_red};
pub(crate) use past::{PastRun, last_failure, past_runs, report_of, verdict_of};
pub(crate) use put_back::put_back;
pub(crate) use settle::{busy, clear_dead_judge, judge_at_work};
pub(crate) use slot::{drop_slot, slot_is_free, slot_is_taken};
pub(crate) use slots::{SlotFacts, SlotPlace, slot_places, slots};
pub(crate) use work::work;
