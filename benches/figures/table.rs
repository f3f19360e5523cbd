//! The figures at the end, with their floors and targets.

use std::fmt;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;

/// What is aimed at.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// The figure itself, in its unit.
    AtMost(f64),
    /// The figure, as part of its floor.
    AtLeastOfFloor(f64),
    /// The figure, as a multiple of its floor.
    AtMostOfFloor(f64),
    /// It is only printed.
    None,
}

/// One figure.
#[derive(Debug)]
pub struct Figure {
    pub name: String,
    pub unit: &'static str,
    pub measured: f64,
    pub floor: Option<f64>,
    pub target: Target,
}

impl Figure {
    fn ratio(&self) -> Option<f64> {
        self.floor.map(|floor| self.measured / floor)
    }

    fn met(&self) -> Option<bool> {
        match self.target {
            Target::AtMost(most) => Some(self.measured <= most),
            Target::AtLeastOfFloor(least) => Some(self.ratio()? >= least),
            Target::AtMostOfFloor(most) => Some(self.ratio()? <= most),
            Target::None => None,
        }
    }

    fn row(&self) -> [String; 6] {
        let number = |value: f64| {
            let digits = if value < 1000.0 { 2 } else { 0 };
            format!("{value:.digits$} {}", self.unit)
        };
        let target = match self.target {
            Target::AtMost(most) => format!("≤ {most} {}", self.unit),
            Target::AtLeastOfFloor(least) => format!("≥ {least} of the floor"),
            Target::AtMostOfFloor(most) => format!("≤ {most} × the floor"),
            Target::None => String::new(),
        };
        let met = self.met().map_or("", |met| if met { "met" } else { "NOT MET" });
        [
            self.name.clone(),
            number(self.measured),
            self.floor.map(number).unwrap_or_default(),
            self.ratio().map(|ratio| format!("{ratio:.3}")).unwrap_or_default(),
            target,
            met.to_owned(),
        ]
    }
}

/// All that were measured.
#[derive(Debug, Default)]
pub struct Table(Vec<Figure>);

impl Table {
    pub fn add(&mut self, figure: Figure) {
        self.0.push(figure);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = comfy_table::Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_header(["figure", "measured", "floor", "ratio", "target", ""]);
        for figure in &self.0 {
            table.add_row(figure.row());
        }
        table.fmt(f)
    }
}
