//! Automations are reread when their files change; a set with a mistake leaves the old one in force.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dispatcher::Dispatcher;
use dispatcher::rules::load_folder;
use tokio_util::sync::CancellationToken;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Watches the folder until `stop`.
pub async fn watch(dispatcher: Arc<Dispatcher>, folder: PathBuf, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let path = folder.clone();
        let Ok(loaded) = tokio::task::spawn_blocking(move || load_folder(&path)).await else { continue };
        match loaded {
            Ok(set) if set.hash == dispatcher.rules().hash => dispatcher.note_rules_problem(None),
            Ok(set) => {
                if let Err(error) = dispatcher.activate(set).await {
                    tracing::error!(error = &error as &dyn std::error::Error, "new automations wait");
                }
            }
            Err(error) => {
                let problem = super::parts::one_line(&error);
                if dispatcher.rules_problem().as_ref() != Some(&problem) {
                    tracing::error!(problem, "the changed automations are not taken; the old ones stay");
                    dispatcher.note_rules_problem(Some(problem));
                }
            }
        }
    }
}
