//! Standard output: a table on a terminal, plain lines in a pipe, JSON when asked for.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};

use super::escape;

/// Where a command prints to.
pub(super) struct Output<'a> {
    to: Box<dyn Write + 'a>,
    /// Whether data is asked for as JSON.
    pub(super) json: bool,
    terminal: bool,
    /// A table's width where the terminal does not say its own.
    width: Option<u16>,
}

/// How wide a table is where nobody says.
const WIDTH: u16 = 120;

impl Output<'static> {
    pub(super) fn stdout(json: bool) -> Self {
        let stdout = io::stdout();
        Self { json, terminal: stdout.is_terminal(), width: None, to: Box::new(stdout) }
    }
}

impl<'a> Output<'a> {
    #[cfg(test)]
    pub(super) fn to(to: &'a mut Vec<u8>, json: bool, terminal: bool) -> Self {
        Self { to: Box::new(to), json, terminal, width: Some(WIDTH) }
    }

    /// A line of ours.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.to, "{text}")
    }

    /// JSON as the server sent it.
    pub(super) fn raw_json(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.to, "{}", escape::json(text.trim_end()))
    }

    /// Rows of texts from anywhere: a table with a header, or fields with a tab between them. A
    /// table's first column is never broken, so that ids can be copied.
    pub(super) fn rows(&mut self, header: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let safe = rows.iter().map(|row| row.iter().map(|text| escape::line(text)).collect::<Vec<_>>());
        if !self.terminal {
            for row in safe {
                writeln!(self.to, "{}", row.join("\t"))?;
            }
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(width) = self.width.or_else(|| table.width().is_none().then_some(WIDTH)) {
            table.set_width(width);
        }
        table.set_header(header.iter().map(|name| name.to_uppercase()));
        table.add_rows(safe);
        if let Some(first) = table.column_mut(0) {
            first.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
        }
        for row in table.lines() {
            writeln!(self.to, "{}", row.trim_end())?;
        }
        Ok(())
    }

    /// One row of a table that has no end: columns of about `widths`, or fields with a tab between.
    pub(super) fn row(&mut self, cells: &[String], widths: &[usize]) -> io::Result<()> {
        let safe: Vec<String> = cells.iter().map(|text| escape::line(text)).collect();
        if !self.terminal {
            return writeln!(self.to, "{}", safe.join("\t"));
        }
        let widths = widths.iter().copied().chain(std::iter::repeat(0));
        let padded: Vec<String> =
            safe.iter().zip(widths).map(|(text, width)| format!("{text:width$}")).collect();
        writeln!(self.to, "{}", padded.join("  ").trim_end())
    }

    /// Named values, one a line; absent ones are left out.
    pub(super) fn fields(&mut self, fields: &[(&str, Option<String>)]) -> io::Result<()> {
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in fields {
            if let Some(value) = value {
                writeln!(self.to, "{name:width$}  {}", escape::line(value))?;
            }
        }
        Ok(())
    }

    /// A heading over rows, with a line of space above.
    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.to, "\n{text}")
    }

    /// A line that a command of the sandbox printed, after our own `prefix`.
    pub(super) fn log_line(&mut self, prefix: &str, text: &str) -> io::Result<()> {
        writeln!(self.to, "{prefix}{}", escape::log_line(text))
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
