//! From the start of `pullwright up` to its first good answers.

use std::time::Duration;

use crate::forge::Forge;
use crate::site::Site;
use crate::spread::Spread;
use crate::table::{Figure, Table, Target};

const STARTS: usize = 20;

/// What was seen of one start.
#[derive(Clone, Copy)]
struct Seen {
    healthy: Duration,
    ready: Duration,
    /// The worker's sandbox was probed.
    taking_jobs: Duration,
}

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let forge = Forge::start().await?;
    let (mut fresh, mut existing) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let site = Site::new(&forge, "agent:fix", "true", "")?;
        fresh.push(start(&site).await?);
        existing.push(start(&site).await?);
    }
    for (name, seen) in [("fresh", fresh), ("existing", existing)] {
        let spread = |time: fn(&Seen) -> Duration| seen.iter().map(time).collect::<Spread>();
        let ready = spread(|seen| seen.ready);
        println!("  {name:<8} data: /healthz    {}", spread(|seen| seen.healthy));
        println!("                 /readyz     {ready}");
        println!("                 takes jobs  {}", spread(|seen| seen.taking_jobs));
        table.add(Figure {
            name: (if name == "fresh" { "start to ready, fresh data, p50" } else { "start to ready, p50" })
                .to_owned(),
            unit: "ms",
            measured: ready.median().as_secs_f64() * 1e3,
            floor: None,
            target: Target::AtMost(150.0),
        });
    }
    Ok(())
}

async fn start(site: &Site) -> anyhow::Result<Seen> {
    let up = site.start().await?;
    let taking_jobs = up.until_taking_jobs().await?;
    let seen = Seen { healthy: up.healthy_after, ready: up.ready_after, taking_jobs };
    up.stop().await?;
    Ok(seen)
}
