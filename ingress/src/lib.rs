//! HTTP in: limits, verification, durability, answer.
