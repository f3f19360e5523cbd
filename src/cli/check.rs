//! `pullwright check`: the configuration and the automations, without starting anything.

use config::Env;
use dispatcher::rules;

use super::args::Global;
use super::output::Output;
use super::{CliError, Ending};

/// Loads both as `up` does. Mistakes in either are problems found, shown with their places.
pub(super) fn run(global: &Global, env: &dyn Env, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let loaded = match config::load(global.config.as_deref(), env) {
        Ok(loaded) => loaded,
        Err(config::ConfigError::Invalid(mistake)) => {
            eprintln!("{:?}", miette::Report::new(*mistake));
            return Ok(Ending::Problems);
        }
        Err(error) => return Err(error.into()),
    };
    let warnings: Vec<String> = loaded.settings.warnings().iter().map(ToString::to_string).collect();
    for warning in &warnings {
        eprintln!("warning: {warning}");
    }
    let config::Automations::Folder(folder) = &loaded.settings.automations else {
        return elsewhere(&loaded, out);
    };
    match rules::load_folder(folder) {
        Ok(set) => {
            let (file, folder, count) = (loaded.file.display(), folder.display(), set.rules().len());
            if out.json {
                let names: Vec<&str> = set.rules().iter().map(|rule| rule.automation.name.as_str()).collect();
                let found =
                    serde_json::json!({ "rule_set": set.hash, "automations": names, "warnings": warnings });
                out.raw_json(&found.to_string())?;
            } else {
                out.line(&format!("{file} and {count} automation(s) in {folder}: no mistakes"))?;
            }
            Ok(Ending::Fine)
        }
        Err(mistakes) => {
            eprintln!("{:?}", miette::Report::new(mistakes));
            Ok(Ending::Problems)
        }
    }
}

/// Automations that lie in a repository are checked in a checkout of it.
fn elsewhere(loaded: &config::Loaded, out: &mut Output<'_>) -> Result<Ending, CliError> {
    let file = loaded.file.display();
    if out.json {
        out.raw_json(&serde_json::json!({ "automations": [] }).to_string())?;
    } else {
        out.line(&format!(
            "{file}: no mistakes. The automations lie in a repository: check them in a checkout of it, \
             with PULLWRIGHT__AUTOMATIONS=FOLDER"
        ))?;
    }
    Ok(Ending::Fine)
}
