//! The W3C trace context, carried in every message so that one trace spans webhook to comment.

use serde::{Deserialize, Serialize};

/// A `traceparent` header (W3C Trace Context, level 1); empty when no trace is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TraceContext(pub String);
