//! Automations are reread when their files change; a set with a mistake leaves the old one in force.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dispatcher::Dispatcher;
use dispatcher::rules::{Known, load_folder_knowing};
use tokio_util::sync::CancellationToken;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Watches the folder until `stop`; connections and webhooks that automations name have to be `known`.
pub async fn watch(dispatcher: Arc<Dispatcher>, folder: PathBuf, known: Known, stop: CancellationToken) {
    let known = Arc::new(known);
    let source = source(&folder);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let (path, known) = (folder.clone(), Arc::clone(&known));
        let loading = tokio::task::spawn_blocking(move || load_folder_knowing(&path, Some(&known)));
        let Ok(loaded) = loading.await else { continue };
        match loaded {
            Ok(set) => {
                if let Err(error) = dispatcher.offer(set, &source).await {
                    tracing::error!(error = &error as &dyn std::error::Error, "new automations wait");
                }
            }
            Err(error) => dispatcher.note_rules_problem(Some(error.one_line())),
        }
    }
}

/// What a folder is called where people ask for the source of a set.
pub fn source(folder: &Path) -> String {
    folder.display().to_string()
}
