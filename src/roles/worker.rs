//! `pullwright worker`: a worker that is a process of its own, here or on another machine.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::bail;
use broker::amqp::{AmqpSettings, Health, WakeReceiver};
use broker::wake::WakeUps;
use config::ControlPlane;
use control_client::RemoteControl;
use schemas::Pool;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use super::Started;
use crate::lifecycle::Stop;
use crate::parts::data_dir::DataDir;
use crate::parts::explained;
use crate::parts::listeners::Listeners;
use crate::parts::local_worker::{CREDENTIAL, LocalWorker};
use crate::parts::queue;
use crate::parts::ready::{self, Check};

/// The connection to the control plane, once it was reached.
type Reached = Arc<OnceLock<Arc<RemoteControl>>>;
/// How hearing of work on RabbitMQ goes, once the worker does.
type Hearing = Arc<OnceLock<watch::Receiver<Health>>>;

/// Runs until it is told to stop.
pub async fn serve(started: Started) -> miette::Result<()> {
    let stop = started.stop_on_signals()?;
    run(&started, &stop).await.map_err(explained)
}

async fn run(started: &Started, stop: &Stop) -> anyhow::Result<()> {
    let settings = &started.settings;
    let Some(control_plane) = &settings.control_plane else {
        bail!(
            "a worker needs its control plane: add `control_plane: {{ url: … }}` to {}",
            started.file.display()
        );
    };
    if settings.workers.slots == 0 {
        bail!("a worker without slots does nothing: set `workers.slots` to 1 or more");
    }
    refuse_foreign_records(&settings.data_dir)?;
    let address = settings.listen.health;
    let listeners = Listeners::bind(address.map(|address| ("api", address)).as_slice()).await?;
    let data_dir = DataDir::open(&settings.data_dir)?;
    let tracker = TaskTracker::new();
    let reached = Reached::default();
    let looked_at = Arc::clone(&reached);
    let hearing = Hearing::default();
    let heard_of = Arc::clone(&hearing);
    let health = ready::router(&started.telemetry, move || std::future::ready(checks(&looked_at, &heard_of)));
    // Asked about until the last job ended.
    let serving = ingress::Stop { soft: stop.hard.clone(), hard: stop.hard.clone() };
    listeners.serve(address.map(|address| (address, health)), settings, &serving, &tracker);
    let worked = work(started, control_plane, &data_dir, &reached, &hearing, stop).await;
    stop.soft.cancel();
    stop.hard.cancel();
    tracker.close();
    tracker.wait().await;
    drop(data_dir);
    tracing::info!("stopped");
    worked
}

/// For `/readyz`.
fn checks(reached: &Reached, hearing: &Hearing) -> Vec<Check> {
    let control = reached.get();
    let problem = match control {
        None => Some("not reached yet".to_owned()),
        Some(control) => control.problem(),
    };
    let drained = control.is_some_and(|control| control.drained());
    let mut checks = vec![
        Check::of("control_plane", problem, || "answers".to_owned()),
        // A worker whose sandbox does not hold ends; a drained one is well.
        Check::ok("worker", if drained { "drained" } else { "takes jobs" }),
    ];
    // Without it the worker still asks.
    checks.extend(hearing.get().map(|health| Check::ok("wake_ups", health.borrow().to_string())));
    checks
}

/// Rings `heard` whenever RabbitMQ says that there may be work for `pool`.
fn listen(settings: AmqpSettings, pool: &Pool, heard: &Arc<Notify>) -> WakeReceiver {
    let wake_ups = WakeUps::default();
    let (rung, mut waker) = (Arc::clone(heard), wake_ups.waker(pool.as_str()));
    tokio::spawn(async move {
        loop {
            waker.woken().await;
            rung.notify_one();
        }
    });
    WakeReceiver::start(settings, wake_ups, pool.as_str())
}

async fn work(
    started: &Started,
    control_plane: &ControlPlane,
    data_dir: &DataDir,
    reached: &Reached,
    hearing: &Hearing,
    stop: &Stop,
) -> anyhow::Result<()> {
    let Started { settings, secrets, clock, .. } = started;
    let wake_ups = queue::wake_ups(control_plane, secrets)?;
    let (wake_up, heard) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let entered = control_client::enter(control_client::Settings {
        url: control_plane.url.clone(),
        ca_file: control_plane.ca_file.clone(),
        credential_file: data_dir.join(CREDENTIAL),
        enrolment: secrets.enrolment.clone(),
        slots: settings.workers.slots,
        software: concat!("pullwright ", env!("CARGO_PKG_VERSION")).to_owned(),
        clock: Arc::clone(clock),
        wake_up: Arc::clone(&wake_up),
        heard: Arc::clone(&heard),
        stop: stop.soft.clone(),
        trace: telemetry::trace::current,
    });
    let control: Arc<RemoteControl> = match entered.await {
        Ok(control) => Arc::new(control),
        Err(control_client::EnterError::Stopped) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let _ = reached.set(Arc::clone(&control));
    // Held until the last job ended.
    let receiver = wake_ups.map(|settings| listen(settings, &control.pool(), &heard));
    if let Some(receiver) = &receiver {
        let _ = hearing.set(receiver.health());
    }
    let worker = LocalWorker {
        name: control.name(),
        control,
        clock: Arc::clone(clock),
        wake_up,
        data_dir: data_dir.join("worker"),
        git_ca_file: control_plane.ca_file.clone(),
        masked: secrets.enrolment.iter().chain(&secrets.wake_ups).cloned().collect(),
    };
    let worked = worker.work(settings, stop).await;
    drop(receiver);
    worked
}

/// A worker's commands are the most dangerous neighbours that a database can have.
fn refuse_foreign_records(data_dir: &Path) -> anyhow::Result<()> {
    for name in ["store.db", "queue.db", "gate.key", "admin.token"] {
        if data_dir.join(name).exists() {
            bail!(
                "{} holds {name}, which is the control plane's: give the worker a `data_dir` of its own",
                data_dir.display()
            );
        }
    }
    Ok(())
}
