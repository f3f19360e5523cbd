//! The pull request and the commit: titles of ours, bodies that name what was done.

use std::fmt::Write as _;

use schemas::control::CommitMeta;
use schemas::run::Outcome;
use store::RunRecord;

use super::code;

/// The pull request's title: the automation's own, else made from names of ours.
#[must_use]
pub fn title(record: &RunRecord) -> String {
    let automation = &record.run.input.automation;
    automation.title().cloned().unwrap_or_else(|| match &record.run.input.event.item {
        Some(item) => format!("{} for {}", automation.name, item_name(&item.key)),
        None => automation.name.to_string(),
    })
}

/// The pull request's text.
#[must_use]
pub fn body(record: &RunRecord) -> String {
    let run = &record.run;
    let mut text = String::new();
    match &run.input.event.item {
        // Not everybody who sees the pull request may see the item.
        Some(item) if run.input.event.confidential => {
            let _ = writeln!(text, "For {}.\n", item_name(&item.key));
        }
        Some(item) => {
            let _ = writeln!(text, "For {}: {}\n", item_name(&item.key), code(item.title.expose(), 200));
        }
        None => text.push_str("Started by a schedule.\n\n"),
    }
    if let Some(report) = &record.report {
        let _ = writeln!(text, "| command | result |\n|---|---|");
        for command in &report.commands {
            let result =
                if command.exit_code == 0 { "ok".into() } else { format!("exit {}", command.exit_code) };
            let _ = writeln!(text, "| {} | {result} |", code(&command.command, 120).replace('|', "\\|"));
        }
        let _ =
            write!(text, "\nRun in {} without network on {}.\n", report.sandbox, code(&report.worker, 60));
    }
    if let Some(change) = &record.change {
        let _ = writeln!(text, "\nBased on {}.", change.base);
    }
    let did = if record.branch_head.is_some() { "Updated" } else { "Opened" };
    let _ = write!(
        text,
        "\n<sub>{did} by Pullwright · automation {} · run {} · please review before merging</sub>\n",
        run.automation, run.id
    );
    text
}

/// The commit's message and author.
#[must_use]
pub fn commit(record: &RunRecord, author: &(String, String)) -> CommitMeta {
    let run = &record.run;
    CommitMeta {
        subject: title(record),
        body: format!("Automation: {}\nRun: {}\nWork item: {}\n", run.automation, run.id, run.work_item),
        name: author.0.clone(),
        email: author.1.clone(),
        time: run.created_at,
    }
}

/// One line for the check on the pushed commit.
#[must_use]
pub fn check_summary(record: &RunRecord, outcome: Outcome) -> String {
    let commands = record.report.as_ref().map_or(0, |report| report.commands.len());
    match outcome {
        Outcome::Succeeded => format!("{commands} command(s) passed"),
        _ => "did not finish".to_owned(),
    }
}

fn item_name(key: &str) -> String {
    let plain: String = key.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    if plain.bytes().all(|b| b.is_ascii_digit()) { format!("#{plain}") } else { plain }
}
