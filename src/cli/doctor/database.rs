//! Checks of the database of records.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::Clock;
use store::{Address, Migrations, Server, StoreError, chain};

use super::Check;
use crate::database::remedy;

/// Clocks that differ by more make runs come due too early or too late.
const SKEW: TimeDelta = TimeDelta::seconds(5);

/// Does it answer, is it new enough, do its tables fit, does its clock agree?
pub(super) async fn all(address: &Address, clock: &dyn Clock) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Address::Postgres(server) = address {
        match server.greet().await {
            Ok(greeted) => checks.extend(judge_server(address, &greeted, clock.now())),
            Err(error) => {
                let error = StoreError::from(error);
                return vec![Check::fail("database", chain(&error), remedy(&error))];
            }
        }
    }
    checks.push(match address.migrations().await {
        Ok(found) => judge_tables(address, &found),
        Err(error) => Check::fail("database tables", chain(&error), remedy(&error)),
    });
    checks
}

pub(super) fn judge_server(address: &Address, greeted: &Server, now: DateTime<Utc>) -> Vec<Check> {
    let found = Check::ok("database", format!("{address}, PostgreSQL {}", greeted.version));
    let ahead = greeted.now - now;
    let name = "database clock";
    let clock = if ahead.abs() <= SKEW {
        Check::ok(name, "it agrees with this machine's")
    } else {
        let side = if ahead > TimeDelta::zero() { "ahead of" } else { "behind" };
        let what = format!("it is {} s {side} this machine's", ahead.abs().num_seconds());
        Check::warn(name, what, "let both be set by NTP: what is due is told by them")
    };
    vec![found, clock]
}

pub(super) fn judge_tables(address: &Address, found: &Migrations) -> Check {
    let name = "database tables";
    if let Some(newer) = found.newer().last() {
        let error = StoreError::Newer { migration: newer.name.clone() };
        return Check::fail(name, chain(&error), remedy(&error));
    }
    match found.pending().count() {
        0 => Check::ok(name, format!("{address} is up to date")),
        count if count == found.all.len() => Check::ok(name, format!("{address} is made at the first start")),
        count => Check::warn(
            name,
            format!("{address} is of an older version: {count} to be changed"),
            "make a backup; `pullwright db migrate`, or the next start, changes them",
        ),
    }
}
