//! What the figures were measured on, with the one price that every durable step pays: an fsync.

use std::fs::File;
use std::io::Write;

use schemas::{Clock, SystemClock};

use crate::spread::Spread;

const WRITES: usize = 200;

/// Cores, kernel, and the time of one durable write in the folder of temporary files.
pub fn describe() -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    Ok(format!(
        "{cores} cores, Linux {}, load {load} at the start\nan append of 4 KiB with fdatasync: {}",
        kernel.trim(),
        durable_writes()?
    ))
}

fn durable_writes() -> anyhow::Result<Spread> {
    let clock = SystemClock::new();
    let mut file: File = tempfile::tempfile()?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let begin = clock.monotonic();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(clock.monotonic() - begin);
    }
    Ok(times.into_iter().collect())
}
