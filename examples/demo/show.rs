//! How the demo prints.

use std::io::{IsTerminal, Write};

fn paint(code: &str, text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

pub fn title(text: &str) {
    println!("\n{}", paint("1", text));
    flush();
}

pub fn done(text: &str) {
    println!("  {} {text}", paint("32", "✔"));
    flush();
}

pub fn refused(text: &str) {
    println!("  {} {text}", paint("33", "✘"));
    flush();
}

pub fn note(text: &str) {
    println!("    {}", paint("2", text));
    flush();
}

/// Text of several lines, set in.
pub fn block(text: &str) {
    for line in text.trim_end().lines() {
        let colour = match line.chars().next() {
            Some('+') => "32",
            Some('-') => "31",
            Some('@') => "36",
            _ => "0",
        };
        println!("    {}", paint(colour, line));
    }
    flush();
}

/// Something that moves while nothing else does; invisible in a pipe.
pub fn spinner(text: &str) -> indicatif::ProgressBar {
    let spinner = indicatif::ProgressBar::new_spinner().with_message(text.to_owned());
    spinner.enable_steady_tick(std::time::Duration::from_millis(80));
    spinner
}

fn flush() {
    std::io::stdout().flush().ok();
}
