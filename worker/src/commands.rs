//! The commands of a job in the sandbox: its gate, setup, the automation's own, validation.
//!
//! One deadline holds for all of them; the first failure ends them, except that of a validation
//! that only advises.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::automation::Validate;
use schemas::control::{Job, Stream};
use schemas::report::{CommandReport, Phase};
use schemas::run::{Outcome, Reason, Step};
use schemas::{Clock, Untrusted};
use tokio::sync::mpsc;

use crate::Worker;
use crate::ending::Ending;
use crate::journal::Journal;
use crate::record::Record;
use crate::sandbox::{Exit, OutputLine, Room, SandboxCommand};
use crate::stop::{Cause, Interrupt};

/// Bytes of output that a report keeps of each command: its last ones.
const TAIL: usize = 4 << 10;
/// The exit code that stands for a kill.
const KILLED: i32 = 137;

/// Everything that a command needs to know about its job.
pub(crate) struct Commands<'a> {
    /// Whose sandbox, limits and masks hold.
    pub(crate) worker: &'a Worker,
    /// Whose commands they are.
    pub(crate) job: &'a Job,
    /// Where they run.
    pub(crate) room: Room,
    /// Where their output goes.
    pub(crate) journal: &'a Journal,
    /// What stops them.
    pub(crate) interrupt: &'a Interrupt,
    /// When all of them have to be done, on the worker's monotonic clock.
    pub(crate) deadline: Duration,
}

impl Commands<'_> {
    /// Asks the gate, then runs setup and the automation's commands.
    ///
    /// # Errors
    /// The job's ending, when it ends here.
    pub(crate) async fn work(&self, record: &mut Record) -> Result<(), Ending> {
        self.phase(Step::Gate, Phase::Gate, &self.job.spec.gate, record).await?;
        self.phase(Step::Setup, Phase::Setup, &self.job.setup.setup, record).await?;
        self.phase(Step::Commands, Phase::Commands, &self.job.spec.commands, record).await
    }

    /// Judges the result.
    ///
    /// # Errors
    /// The job's ending, when a failure here means one.
    pub(crate) async fn validate(&self, record: &mut Record) -> Result<(), Ending> {
        self.phase(Step::Validate, Phase::Validate, self.job.validation(), record).await
    }

    async fn phase(
        &self,
        step: Step,
        phase: Phase,
        commands: &[String],
        record: &mut Record,
    ) -> Result<(), Ending> {
        if commands.is_empty() {
            return Ok(());
        }
        self.journal.step(step);
        let timed = record.begin(step, self.worker.clock.as_ref());
        let ended = self.run_all(phase, commands, record).await;
        record.end(timed, self.worker.clock.as_ref());
        ended
    }

    async fn run_all(&self, phase: Phase, commands: &[String], record: &mut Record) -> Result<(), Ending> {
        for command in commands {
            let left = self.deadline.saturating_sub(self.worker.clock.monotonic());
            if left.is_zero() {
                return Err(self.timed_out());
            }
            let exit = self.run_one(phase, command, left, record).await?;
            if let Some(cause) = self.interrupt.cause() {
                return Err(cause.into());
            }
            let failure = match exit {
                Exit::Code(0) => continue,
                Exit::Code(exit_code) if phase == Phase::Gate => {
                    let reason = Reason::GateClosed { command: command.clone(), exit_code };
                    return Err(Ending::Finished(Outcome::NoChange, reason));
                }
                Exit::Code(exit_code) if phase == Phase::Validate => {
                    if self.job.spec.validate() == Validate::Advisory {
                        continue;
                    }
                    Reason::ValidationFailed { command: command.clone(), exit_code }
                }
                Exit::Code(exit_code) => Reason::CommandFailed { command: command.clone(), exit_code },
                Exit::Limit(limit) => Reason::LimitExceeded { limit },
                Exit::TimedOut => return Err(self.timed_out()),
                Exit::Stopped => return Err(Cause::Stopping.into()),
            };
            return Err(Ending::Finished(Outcome::Failed, failure));
        }
        Ok(())
    }

    async fn run_one(
        &self,
        phase: Phase,
        command: &str,
        timeout: Duration,
        record: &mut Record,
    ) -> Result<Exit, Ending> {
        let clock = self.worker.clock.as_ref();
        self.journal.line(Stream::Worker, format!("$ {}", self.worker.redactor.lines().mask(command)));
        let in_sandbox = SandboxCommand {
            room: self.room.clone(),
            command: command.to_owned(),
            working_directory: self.job.spec.working_directory.clone().unwrap_or_default(),
            env: environment(self.job),
            timeout,
            limits: self.worker.settings.limits,
        };
        let (sending, output) = mpsc::channel(256);
        let began = clock.monotonic();
        let running = self.worker.sandbox.run(&in_sandbox, sending, self.interrupt.any().clone());
        let (exit, tail) = tokio::join!(running, self.follow(output));
        let exit = exit.map_err(|error| Ending::sandbox(&error))?;
        let exit_code = match &exit {
            Exit::Code(code) => *code,
            Exit::TimedOut | Exit::Stopped | Exit::Limit(_) => KILLED,
        };
        record.commands.push(CommandReport {
            phase,
            command: command.to_owned(),
            exit_code,
            duration_ms: millis(clock, began),
            tail: Untrusted::new(tail),
        });
        Ok(exit)
    }

    /// Masks and passes on what a command prints, and keeps its end.
    async fn follow(&self, mut output: mpsc::Receiver<OutputLine>) -> String {
        let mut masks = [Stream::Stdout, Stream::Stderr].map(|stream| (stream, self.worker.redactor.lines()));
        let mut tail = Tail::default();
        let mut show = |stream: Stream, text: String| {
            tail.push(&text);
            self.journal.line(stream, text);
        };
        while let Some(line) = output.recv().await {
            match masks.iter_mut().find(|(stream, _)| *stream == line.stream) {
                Some((stream, mask)) => show(*stream, mask.push(&line.text)),
                // The sandbox's own words about the output.
                None => show(line.stream, line.text),
            }
        }
        for (stream, mask) in &mut masks {
            if let Some(rest) = mask.finish() {
                show(*stream, rest);
            }
        }
        tail.cut();
        tail.text
    }

    fn timed_out(&self) -> Ending {
        let after_seconds = self.job.spec.timeout().as_secs();
        Ending::Finished(Outcome::Failed, Reason::TimedOut { after_seconds })
    }
}

/// The automation's variables, and ours above them.
fn environment(job: &Job) -> BTreeMap<String, String> {
    let mut env = job.spec.env.clone();
    env.insert("CI".to_owned(), "true".to_owned());
    env.insert("PULLWRIGHT_RUN".to_owned(), job.run.to_string());
    env.insert("PULLWRIGHT_EVENT".to_owned(), "/event/event.json".to_owned());
    env
}

/// The last lines of an output.
#[derive(Debug, Default)]
struct Tail {
    text: String,
}

impl Tail {
    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        if self.text.len() > 2 * TAIL {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let mut from = self.text.len().saturating_sub(TAIL);
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        self.text.drain(..from);
    }
}

fn millis(clock: &dyn Clock, since: Duration) -> u64 {
    u64::try_from(clock.monotonic().saturating_sub(since).as_millis()).unwrap_or(u64::MAX)
}
