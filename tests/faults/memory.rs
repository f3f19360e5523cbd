//! What each process holds of memory, over time.

use comfy_table::Table;

use crate::site::Site;

/// What a process may gain between the second quarter of the time and the last: allocators breathe.
const MAY_GAIN: f64 = 0.1;

/// Resident kilobytes of each process, a second apart.
pub struct Memory(Vec<(String, u32, Vec<u64>)>);

impl Memory {
    pub fn of(site: &Site) -> Self {
        let workers = site.workers.iter().map(|worker| (format!("worker {}", worker.name), worker.pid()));
        let others = [
            ("ingress".to_owned(), site.ingress.pid()),
            ("dispatcher".to_owned(), site.world.pid().unsigned_abs()),
        ];
        Self(others.into_iter().chain(workers).map(|(name, pid)| (name, pid, Vec::new())).collect())
    }

    /// # Panics
    /// When a process has ended.
    pub fn sample(&mut self) {
        for (name, pid, samples) in &mut self.0 {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let resident = resident.unwrap_or_else(|| panic!("{name} has ended"));
            samples.push(resident.trim().trim_end_matches("kB").trim().parse().unwrap());
        }
    }

    pub fn now(&self) -> String {
        let last = |samples: &[u64]| samples.last().map_or(0.0, |last| megabytes(*last));
        let all: Vec<String> =
            self.0.iter().map(|(name, _, samples)| format!("{name} {:.1} MB", last(samples))).collect();
        all.join(", ")
    }

    /// Writes a row for each process; whether all are flat.
    pub fn table(&self, table: &mut Table) -> bool {
        table.set_header(["process", "second quarter", "last quarter", "most", "flat"]);
        let mut all = true;
        for (name, _, samples) in &self.0 {
            let quarter = samples.len() / 4;
            let early = median(&samples[quarter..quarter * 2]);
            let late = median(&samples[quarter * 3..]);
            let most = samples.iter().copied().max().unwrap_or_default();
            let flat = late <= early * (1.0 + MAY_GAIN);
            all &= flat;
            let megabytes = [early, late, megabytes(most)].map(|amount| format!("{amount:.1} MB"));
            let [early, late, most] = megabytes;
            table.add_row([name.clone(), early, late, most, if flat { "yes" } else { "no" }.to_owned()]);
        }
        all
    }
}

fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}

fn median(samples: &[u64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map_or(0.0, |middle| megabytes(*middle))
}
