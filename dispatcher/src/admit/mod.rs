//! From a match to a queued run, through gates: its own time, more events, a person's word, its place
//! in line, money. Only `Dispatcher::admit` makes a run `queued`; the sweep repeats it, so that a
//! crash between two steps costs a second.

pub mod approval;
mod breaker;
pub mod debounce;
pub mod line;
mod start;
mod writes;

use chrono::{DateTime, Utc};
use schemas::automation::OnFull;
use schemas::run::{Gate, Outcome, Reason, Run, RunState, Step, Transition};
use store::{Candidate, Near, RunRecord, StoreError, Tx};

use crate::Dispatcher;
use line::{Line, Turn};

pub(crate) use start::Started;
pub(crate) use writes::{commented, item_number};

impl Dispatcher {
    /// Lets go on whoever can, oldest first; with `near` only what a change there may have freed.
    /// True when somebody may be claimed.
    pub(crate) async fn admit(
        &self,
        tx: &Tx,
        near: Option<&Near>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let heads = tx.heads(near).await?;
        if heads.is_empty() {
            return Ok(false);
        }
        let mut line = self.line(tx, &heads, now).await?;
        let mut admitted = false;
        for head in &heads {
            let due = line::day_of(now).end;
            let transition = match line.turn(head) {
                Turn::Goes => Transition::Admit { wake_at: now },
                Turn::OverBudget(_) if head.gate != (Gate::Budget, Some(due)) => {
                    Transition::Wait { gate: Gate::Budget, due_at: Some(due) }
                }
                Turn::Behind(_) if head.gate.0 != Gate::Concurrency => {
                    Transition::Wait { gate: Gate::Concurrency, due_at: None }
                }
                Turn::Behind(_) | Turn::OverBudget(_) => continue,
            };
            let goes = matches!(transition, Transition::Admit { .. });
            let Some(mut record) = tx.lock_run(head.run).await? else { continue };
            let Ok(state) = record.run.state.next(transition, record.epoch) else { continue };
            record.run.state = state;
            if goes {
                record.run.admitted_at.get_or_insert(now);
                admitted = true;
            }
            tx.save_run(&record).await?;
            self.plan_comment(tx, &record, now).await?;
        }
        Ok(admitted)
    }

    /// What is taken of the groups and budgets that decide over these runs.
    async fn line(&self, tx: &Tx, runs: &[Candidate], now: DateTime<Utc>) -> Result<Line, StoreError> {
        let mut groups: Vec<String> =
            runs.iter().map(|run| run.group.clone()).filter(|group| !group.is_empty()).collect();
        groups.sort_unstable();
        groups.dedup();
        let mut accounts: Vec<_> = runs.iter().flat_map(line::accounts).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let sums = tx.day_sums(&accounts, line::day_of(now)).await?;
        Ok(Line::new(tx.under_way(&groups).await?, sums))
    }

    /// Opens gates whose time has come, and admits what a crash may have left waiting.
    pub(crate) async fn sweep_admission(&self) -> Result<(), StoreError> {
        let tx = self.store.begin().await?;
        let now = self.clock.now();
        for record in tx.due_at_gates(now).await? {
            self.open_gate(&tx, record, now).await?;
        }
        let admitted = self.admit(&tx, None, now).await?;
        tx.commit().await?;
        if admitted {
            self.wake_workers();
        }
        Ok(())
    }

    async fn open_gate(&self, tx: &Tx, mut record: RunRecord, now: DateTime<Utc>) -> Result<(), StoreError> {
        let RunState::Pending { gate, .. } = record.run.state else { return Ok(()) };
        match (gate, &record.run.approval) {
            (Gate::Approval, Some(_)) => {
                self.finish(tx, &mut record, Outcome::Cancelled, Reason::ApprovalExpired).await
            }
            // What there is to agree to is put together apart: that needs the forge.
            (Gate::Approval, None) | (Gate::Concurrency | Gate::Budget, _) => Ok(()),
            (Gate::Schedule | Gate::Debounce, None) if record.run.input.automation.run.approval.is_some() => {
                self.wait(tx, &mut record, Gate::Approval, Some(now), now).await
            }
            (Gate::Schedule | Gate::Debounce | Gate::Parked, _) => self.line_up(tx, &mut record, now).await,
        }
    }

    /// Puts a run in line; whoever it takes the place of is told to end.
    pub(crate) async fn line_up(
        &self,
        tx: &Tx,
        record: &mut RunRecord,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.supersede(tx, &record.run, now).await?;
        self.wait(tx, record, Gate::Concurrency, None, now).await
    }

    async fn wait(
        &self,
        tx: &Tx,
        record: &mut RunRecord,
        gate: Gate,
        due_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Ok(state) = record.run.state.next(Transition::Wait { gate, due_at }, record.epoch) else {
            return Ok(());
        };
        record.run.state = state;
        tx.save_run(record).await?;
        self.plan_comment(tx, record, now).await
    }

    /// `on_full: cancel_in_progress`: ends what fills the group of a run that gets in line for the
    /// first time. What a worker holds ends within a heartbeat, and is waited for.
    async fn supersede(&self, tx: &Tx, by: &Run, now: DateTime<Utc>) -> Result<(), StoreError> {
        let concurrency = by.input.automation.concurrency.clone().unwrap_or_default();
        if concurrency.on_full != Some(OnFull::CancelInProgress) || by.admitted_at.is_some() {
            return Ok(());
        }
        let members = tx.group_members(&by.group).await?;
        if members.len() < concurrency.limit.unwrap_or(1) as usize {
            return Ok(());
        }
        for member in members.into_iter().filter(|member| *member != by.id) {
            let Some(mut record) = tx.lock_run(member).await? else { continue };
            let reason = Reason::Superseded { by: by.id };
            match record.run.state {
                RunState::Pending { .. } | RunState::Queued { .. } => {
                    self.finish(tx, &mut record, Outcome::Cancelled, reason).await?;
                }
                RunState::Active { step, .. } if step < Step::Push && !record.run.cancel_requested => {
                    record.run.cancel_requested = true;
                    record.cancel_reason = Some(reason);
                    tx.save_run(&record).await?;
                    self.plan_comment(tx, &record, now).await?;
                }
                RunState::Active { .. } | RunState::Done { .. } => {}
            }
        }
        Ok(())
    }
}
