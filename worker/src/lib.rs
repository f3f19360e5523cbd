//! Claim, checkout, sandbox, validate, report.
