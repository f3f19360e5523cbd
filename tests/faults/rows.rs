//! The rows of the table: every fault so often, at several sites at a time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use futures_util::future::join_all;

use crate::count::Count;
use crate::faults::Fault;
use crate::load;
use crate::site::Site;
use crate::support::Random;

/// What is to be done, and what was done.
pub struct Rows {
    rounds: u64,
    cut: Duration,
    open: RefCell<VecDeque<Row>>,
    done: RefCell<Vec<(Fault, Count)>>,
}

struct Row {
    fault: Fault,
    /// Of its own, so that a seed gives each row the same moments whatever runs beside it.
    random: Random,
}

impl Rows {
    /// These faults, each `rounds` times; a line that is cut is cut for the time of `cut`.
    pub fn of(faults: impl Iterator<Item = Fault>, rounds: u64, cut: Duration, random: &mut Random) -> Self {
        let open = faults.map(|fault| Row { fault, random: Random(random.next()) }).collect();
        Self { rounds, cut, open: RefCell::new(open), done: RefCell::default() }
    }

    /// Measures all of them, as many at a time as there are sites.
    pub async fn measure(&self, sites: &mut [Site]) {
        join_all(sites.iter_mut().map(|site| self.measure_at(site))).await;
    }

    async fn measure_at(&self, site: &mut Site) {
        loop {
            let next = self.open.borrow_mut().pop_front();
            let Some(mut row) = next else { return };
            let count = self.one(site, row.fault, &mut row.random).await;
            println!(
                "{}: accepted {}, lost {}, done twice {}, {}",
                row.fault.name(),
                count.accepted,
                count.lost,
                count.twice,
                seconds(count.drain)
            );
            for remark in &count.remarks {
                println!("  {remark}");
            }
            if count.hands {
                // What comes after it would be counted wrongly.
                println!("{}", site.world.logs());
                self.open.borrow_mut().clear();
            }
            self.done.borrow_mut().push((row.fault, count));
        }
    }

    /// One fault, all its rounds; what it came to, all together.
    async fn one(&self, site: &mut Site, fault: Fault, random: &mut Random) -> Count {
        let mut all = Count::default();
        for _ in 0..self.rounds {
            site.run_as(fault.begins_with()).await;
            let issues = load::issues(&site.world, fault.thread());
            let door = site.ingress.url("/webhooks/github");
            let senders = load::deliver(&site.world, door, &issues, fault.within(), random);
            fault.happen(site, &issues, random, self.cut).await;
            let taken = load::taken(senders).await;
            let count = Count::of(site, taken, fault == Fault::CommentDeleted).await;
            all.accepted += count.accepted;
            all.lost += count.lost;
            all.twice += count.twice;
            all.hands |= count.hands;
            all.drain = all.drain.max(count.drain);
            all.remarks.extend(count.remarks);
            if all.hands {
                break;
            }
        }
        all
    }

    /// What was measured, in the order of [`Fault::ALL`].
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_header(["fault", "rounds", "accepted", "lost", "done twice", "drained after", "hands"]);
        let done = self.done.borrow();
        for (fault, name) in Fault::ALL {
            let Some((_, count)) = done.iter().find(|(measured, _)| *measured == fault) else { continue };
            let numbers = [self.rounds, count.accepted as u64, count.lost as u64, count.twice as u64];
            let [rounds, accepted, lost, twice] = numbers.map(|number| number.to_string());
            let hands = u8::from(count.hands).to_string();
            table.add_row([name.to_owned(), rounds, accepted, lost, twice, seconds(count.drain), hands]);
        }
        table
    }

    /// What was not as promised.
    pub fn failures(&self) -> Vec<String> {
        let done = self.done.borrow();
        let failed = done
            .iter()
            .filter(|(_, count)| count.lost + count.twice > 0 || count.hands || !count.remarks.is_empty());
        failed.map(|(fault, count)| format!("{}: {}", fault.name(), count.remarks.join("; "))).collect()
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
