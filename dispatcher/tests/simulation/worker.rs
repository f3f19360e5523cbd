//! Workers that do a run call by call: they lose answers, freeze, die, and come back too late.

use std::sync::Arc;

use dispatcher::Dispatcher;
use schemas::automation::Usd;
use schemas::control::{Beat, Claim, ControlError, Job, Orders, PushGrant};
use schemas::report::{ChangeReport, FileChange, Report};
use schemas::run::{Outcome, Reason, Step};
use schemas::{ControlPlane, Epoch, Oid, RunId, Untrusted, WorkerName};

use crate::forge::{SimForge, oid};
use crate::random::Random;

/// Where a worker stands.
#[derive(Debug)]
enum At {
    Idle,
    /// Asked for work, and did not hear the answer.
    Asking {
        nonce: String,
    },
    Holding(Box<Holding>),
}

#[derive(Debug)]
struct Holding {
    job: Job,
    beats: u64,
    next: Next,
}

/// What a worker does next with its run.
#[derive(Debug, Clone)]
enum Next {
    Begin,
    Run,
    AskToPush(ChangeReport),
    Push { change: ChangeReport, old: Oid },
    Tell(Report),
}

/// What a call led to, for the promises.
#[derive(Debug)]
pub enum Happened {
    Nothing,
    Claimed {
        run: RunId,
        epoch: Epoch,
    },
    /// The commands ran; whoever pays for them pays now.
    Executed {
        run: RunId,
    },
    /// The branch holds the run's commit.
    Pushed {
        run: RunId,
        epoch: Epoch,
    },
    /// A call was accepted.
    Accepted {
        run: RunId,
        epoch: Epoch,
        call: &'static str,
    },
    /// A call was refused for its epoch.
    Stale,
}

pub struct Worker {
    name: WorkerName,
    at: At,
    /// Stopped by SIGSTOP, so to say.
    pub frozen: bool,
}

impl Worker {
    pub fn new(number: usize) -> Self {
        Self { name: WorkerName(format!("w{number}")), at: At::Idle, frozen: false }
    }

    /// Dies, and is started again: it remembers nothing.
    pub fn die(&mut self) {
        self.at = At::Idle;
        self.frozen = false;
    }

    pub fn holds_a_run(&self) -> bool {
        matches!(self.at, At::Holding(_))
    }

    /// A heartbeat, where it has a run.
    pub async fn beat(&mut self, control: &Dispatcher) -> Happened {
        let At::Holding(holding) = &mut self.at else { return Happened::Nothing };
        let (run, epoch) = (holding.job.run, holding.job.epoch);
        holding.beats += 1;
        let beat = Beat { number: holding.beats, spent: Usd::default() };
        match control.heartbeat(run, epoch, beat).await {
            Ok(Orders::Continue | Orders::Drain) => Happened::Accepted { run, epoch, call: "heartbeat" },
            Ok(Orders::Cancel) => {
                holding.next = Next::Tell(report(Outcome::Cancelled, Reason::CancelRequested, None));
                Happened::Accepted { run, epoch, call: "heartbeat" }
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Its next call. Of a hundred so many get lost: on the way there, or on the way back.
    pub async fn act(
        &mut self,
        control: &Arc<Dispatcher>,
        forge: &SimForge,
        random: &mut Random,
        lost: u64,
    ) -> Happened {
        let (never_arrives, never_answered) = (random.percent(lost), random.percent(lost));
        if never_arrives {
            return Happened::Nothing;
        }
        let holding = match &mut self.at {
            At::Idle => {
                self.at = At::Asking { nonce: format!("{}-{}", self.name, random.next()) };
                return Happened::Nothing;
            }
            At::Asking { nonce } => {
                let claim = Claim { worker: self.name.clone(), nonce: nonce.clone() };
                return match control.claim(claim).await {
                    Ok(Some(job)) => {
                        let (run, epoch) = (job.run, job.epoch);
                        if !never_answered {
                            self.at = At::Holding(Box::new(Holding { job, beats: 0, next: Next::Begin }));
                        }
                        Happened::Claimed { run, epoch }
                    }
                    Ok(None) => {
                        self.at = At::Idle;
                        Happened::Nothing
                    }
                    Err(_) => Happened::Nothing,
                };
            }
            At::Holding(holding) => holding,
        };
        let (run, epoch) = (holding.job.run, holding.job.epoch);
        let accepted = |call| Happened::Accepted { run, epoch, call };
        match holding.next.clone() {
            Next::Begin if random.percent(5) => match control.hand_back(run, epoch).await {
                Ok(()) => {
                    self.at = At::Idle;
                    accepted("hand_back")
                }
                Err(error) => self.failed(&error),
            },
            Next::Begin => match control.step(run, epoch, Step::Commands).await {
                Ok(()) => {
                    if !never_answered {
                        holding.next = Next::Run;
                    }
                    accepted("step")
                }
                Err(error) => self.failed(&error),
            },
            Next::Run => {
                let change = change(&holding.job.base, random);
                holding.next = Next::AskToPush(change);
                Happened::Executed { run }
            }
            Next::AskToPush(change) => match control.grant_push(run, epoch, change.clone()).await {
                Ok(PushGrant::Push { old, .. }) => {
                    holding.next = Next::Push { change, old };
                    accepted("grant_push")
                }
                Ok(PushGrant::Keep { reason }) => {
                    holding.next = Next::Tell(report(Outcome::NoChange, reason, Some(change)));
                    accepted("grant_push")
                }
                Err(error) => self.failed(&error),
            },
            Next::Push { change, old } => {
                if !passes_the_gate(control, run, epoch).await {
                    self.at = At::Idle;
                    return Happened::Stale;
                }
                let (outcome, reason) = if forge.push(&holding.job.branch, &old, &change.head) {
                    (Outcome::Succeeded, Reason::Published)
                } else {
                    (Outcome::Failed, Reason::BranchMoved { branch: holding.job.branch.clone() })
                };
                holding.next = Next::Tell(report(outcome, reason, Some(change)));
                if outcome == Outcome::Succeeded {
                    Happened::Pushed { run, epoch }
                } else {
                    Happened::Nothing
                }
            }
            Next::Tell(report) => match control.report(run, epoch, report).await {
                Ok(()) => {
                    if !never_answered {
                        self.at = At::Idle;
                    }
                    accepted("report")
                }
                Err(error) => self.failed(&error),
            },
        }
    }

    fn failed(&mut self, error: &ControlError) -> Happened {
        match error {
            ControlError::StaleEpoch => {
                self.at = At::Idle;
                Happened::Stale
            }
            ControlError::Cancelled => {
                if let At::Holding(holding) = &mut self.at {
                    holding.next = Next::Tell(report(Outcome::Cancelled, Reason::CancelRequested, None));
                }
                Happened::Nothing
            }
            ControlError::Refused { because } => panic!("a call was refused: {because}"),
            ControlError::Unavailable { .. } => Happened::Nothing,
        }
    }
}

/// As the git gate asks: the epoch that was granted, and no later one.
async fn passes_the_gate(control: &Dispatcher, run: RunId, epoch: Epoch) -> bool {
    let record = control.store().run(run).await.unwrap().unwrap();
    let pushes = matches!(record.run.state, schemas::run::RunState::Active { step: Step::Push, .. });
    record.epoch == epoch && pushes
}

/// A change unlike any other.
fn change(base: &Oid, random: &mut Random) -> ChangeReport {
    let path = Untrusted::from("src/greet.sh");
    ChangeReport {
        head: oid(random.next()),
        base: base.clone(),
        tree: Some(oid(random.next())),
        files: vec![FileChange { path, added: Some(1), removed: Some(0) }],
        diff: Untrusted::from("+echo"),
        diff_cut: false,
    }
}

fn report(outcome: Outcome, reason: Reason, change: Option<ChangeReport>) -> Report {
    Report {
        outcome,
        reason,
        commands: Vec::new(),
        spent: Usd::default(),
        change,
        worker: "simulated".to_owned(),
        sandbox: "none".to_owned(),
        steps: Vec::new(),
    }
}
