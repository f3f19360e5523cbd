//! `pullwright check`: the configuration and the automations, without starting anything.

use config::yaml::YamlError;
use config::{ConfigError, Env};
use dispatcher::rules::{self, LoadError, RuleSet, trigger_words};
use serde_json::{Value, json};

use super::args::{CheckArgs, Global};
use super::output::Output;
use super::{CliError, Ending};

/// Loads both as `up` does. Mistakes in either are problems found, shown with their places.
pub(super) fn run(
    args: &CheckArgs,
    global: &Global,
    env: &dyn Env,
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    if args.schema {
        out.raw_json(&schemas::automation::json_schema())?;
        return Ok(Ending::Fine);
    }
    let loaded = match config::load(global.config.as_deref(), env) {
        Ok(loaded) => loaded,
        Err(ConfigError::Invalid(mistake)) => {
            let data = vec![as_data(&mistake)];
            return problems(miette::Report::new(*mistake), data, &[], out);
        }
        Err(error) => return Err(error.into()),
    };
    let warnings: Vec<String> = loaded.settings.warnings().iter().map(ToString::to_string).collect();
    if !out.json {
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    }
    let known = (&loaded.settings).into();
    let config::Automations::Folder(folder) = &loaded.settings.automations else {
        return elsewhere(&loaded, &warnings, out);
    };
    match rules::load_folder_knowing(folder, Some(&known)) {
        Ok(set) if out.json => {
            let names: Vec<&str> = set.rules().iter().map(|rule| rule.automation.name.as_str()).collect();
            let found = json!({
                "rule_set": set.hash, "automations": names, "warnings": warnings, "mistakes": [],
            });
            out.raw_json(&found.to_string())?;
            Ok(Ending::Fine)
        }
        Ok(set) => {
            let (file, folder) = (loaded.file.display(), folder.display());
            summary(&set, out)?;
            let count = set.rules().len();
            out.line(&format!("{file} and {count} automation(s) in {folder}: no mistakes"))?;
            Ok(Ending::Fine)
        }
        Err(error) => mistakes(error, &warnings, out),
    }
}

/// What there is: a row for each automation.
fn summary(set: &RuleSet, out: &mut Output<'_>) -> Result<(), CliError> {
    let rows = set.rules().iter().map(|rule| {
        let automation = &rule.automation;
        let mode = serde_json::to_value(rule.mode()).ok();
        vec![
            automation.name.to_string(),
            mode.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
            automation.on.iter().map(trigger_words).collect::<Vec<_>>().join("; "),
            if automation.repos.is_empty() { "all".to_owned() } else { automation.repos.join(" ") },
            rule.tests.len().to_string(),
            rule.file.clone(),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        out.rows(&["name", "mode", "on", "repositories", "tests", "file"], &rows)?;
    }
    Ok(())
}

/// Prints what is wrong with the automations.
pub(super) fn mistakes(
    error: LoadError,
    warnings: &[String],
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    let data = match &error {
        LoadError::Mistakes { mistakes, .. } => mistakes.iter().map(as_data).collect(),
        LoadError::Unreadable { path, source } => {
            vec![
                json!({ "file": path.display().to_string(), "message": format!("cannot be read: {source}") }),
            ]
        }
    };
    problems(miette::Report::new(error), data, warnings, out)
}

/// Pictures for people, on standard error; data on standard output.
fn problems(
    report: miette::Report,
    data: Vec<Value>,
    warnings: &[String],
    out: &mut Output<'_>,
) -> Result<Ending, CliError> {
    if out.json {
        out.raw_json(&json!({ "warnings": warnings, "mistakes": data }).to_string())?;
    } else {
        eprintln!("{report:?}");
    }
    Ok(Ending::Problems)
}

fn as_data(mistake: &YamlError) -> Value {
    json!({
        "file": mistake.file(),
        "line": mistake.line(),
        "column": mistake.column(),
        "message": mistake.message(),
        "remedy": mistake.remedy(),
    })
}

/// Automations that lie in a repository are checked in a checkout of it.
fn elsewhere(loaded: &config::Loaded, warnings: &[String], out: &mut Output<'_>) -> Result<Ending, CliError> {
    let file = loaded.file.display();
    if out.json {
        out.raw_json(&json!({ "automations": [], "warnings": warnings, "mistakes": [] }).to_string())?;
    } else {
        out.line(&format!(
            "{file}: no mistakes. The automations lie in a repository: check them in a checkout of it, \
             with PULLWRIGHT__AUTOMATIONS=FOLDER"
        ))?;
    }
    Ok(Ending::Fine)
}
