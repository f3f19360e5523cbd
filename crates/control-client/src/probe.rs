//! Whether there is a control plane at an address.

use std::path::Path;
use std::time::Duration;

use schemas::control::ControlError;
use schemas::trace::TraceContext;
use schemas::worker_api::{Done, ROOT};

use crate::http::{Call, CallError, client};

const PROBE: Duration = Duration::from_secs(10);

/// Knocks without a credential; to be turned away is the answer of a control plane.
///
/// # Errors
/// What happened instead, in words.
pub async fn probe(url: &str, ca_file: Option<&Path>) -> Result<(), String> {
    let http = client(url, ca_file).map_err(|error| error.to_string())?;
    let call = Call {
        http: &http,
        url: format!("{}{ROOT}/hello", url.trim_end_matches('/')),
        bearer: String::new(),
        trace: TraceContext::default(),
        timeout: PROBE,
    };
    match call.send::<_, Done>(Done {}).await {
        Err(CallError::Unauthorized(_)) => Ok(()),
        Ok(Done {}) => Err("something else answers".to_owned()),
        Err(CallError::Control(ControlError::Unavailable { message })) => Err(message),
        Err(error) => Err(error.to_string()),
    }
}
