//! Durable deliveries and wake-ups.
