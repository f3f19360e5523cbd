//! Senders: verify a webhook, parse it to an Event.
