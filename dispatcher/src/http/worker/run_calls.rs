//! What each call about a run asks of the control plane.

use async_trait::async_trait;
use schemas::control::{ControlError, Orders};
use schemas::worker_api::{
    AppendLog, Done, GrantPush, HandBack, Heartbeat, Park, ParkRun, RunCall, SendReport, SetStep,
};
use schemas::{ControlPlane, Epoch, RunId};

use crate::Dispatcher;
use crate::workers::Known;

/// A call that the control plane answers.
#[async_trait]
pub(super) trait Serve: RunCall + 'static {
    async fn serve(
        control: &Dispatcher,
        caller: &Known,
        run: RunId,
        epoch: Epoch,
        content: Self::Content,
    ) -> Result<Self::Answer, ControlError>;
}

macro_rules! serve {
    ($($call:ident: |$control:ident, $caller:pat_param, $run:ident, $epoch:ident, $content:pat_param| $answer:expr;)*) => {
        $(
            #[async_trait]
            impl Serve for $call {
                async fn serve(
                    $control: &Dispatcher,
                    $caller: &Known,
                    $run: RunId,
                    $epoch: Epoch,
                    $content: Self::Content,
                ) -> Result<Self::Answer, ControlError> {
                    $answer
                }
            }
        )*
    };
}

serve! {
    Heartbeat: |control, caller, run, epoch, beat| {
        let orders = control.heartbeat(run, epoch, beat).await?;
        let drained = orders == Orders::Continue && caller.record.draining;
        Ok(if drained { Orders::Drain } else { orders })
    };
    SetStep: |control, _, run, epoch, step| control.step(run, epoch, step).await.map(|()| Done {});
    AppendLog: |control, _, run, epoch, lines| control.log(run, epoch, lines).await.map(|()| Done {});
    GrantPush: |control, _, run, epoch, change| control.grant_push(run, epoch, change).await;
    SendReport: |control, _, run, epoch, report| control.report(run, epoch, report).await.map(|()| Done {});
    ParkRun: |control, _, run, epoch, Park { until, because }| {
        control.park(run, epoch, until, because).await.map(|()| Done {})
    };
    HandBack: |control, _, run, epoch, _| control.hand_back(run, epoch).await.map(|()| Done {});
}
