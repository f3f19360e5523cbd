//! `pullwright init`: a commented configuration, a first automation, and the format for editors.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use miette::Diagnostic;

use super::args::InitArgs;
use super::output::Output;
use super::{CliError, Ending};

/// The first automation: something real that needs no program but the system's.
const AUTOMATION: &str = include_str!("fix-labelled-issue.yaml");

/// Why nothing was set up.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum InitError {
    /// Somebody's file is there already.
    #[error("{} is there already; nothing was written", path.display())]
    #[diagnostic(help("choose another folder, `pullwright init FOLDER`, or move the file away"))]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// The disk said no.
    #[error("{} cannot be written", path.display())]
    #[diagnostic(help("check that the folder may be written to and that the disk is not full"))]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes all files, or none when one of them is there, and says what to do next.
pub(super) fn run(args: &InitArgs, here: &Path, out: &mut Output<'_>) -> Result<Ending, CliError> {
    // Without the `.` of the default.
    let folder: PathBuf = here.join(&args.folder).components().collect();
    let config = folder.join("pullwright.yaml");
    let automation = folder.join("automations").join("fix-labelled-issue.yaml");
    let schema = folder.join("automations").join("automations.schema.json");
    for path in [&config, &automation, &schema] {
        if path.symlink_metadata().is_ok() {
            return Err(InitError::Exists { path: path.clone() }.into());
        }
    }
    write(&config, config::EXAMPLE)?;
    write(&automation, AUTOMATION)?;
    write(&schema, &schemas::automation::json_schema())?;
    let shown = |path: &Path| path.strip_prefix(here).unwrap_or(path).display().to_string();
    for line in [
        format!("Wrote {} and {}.", shown(&config), shown(&automation)),
        format!("Editors complete automations by {}.", shown(&schema)),
        String::new(),
        "Next:".to_owned(),
        "  1. Make a secret for the webhook:  export GITHUB_WEBHOOK_SECRET=$(openssl rand -hex 32)"
            .to_owned(),
        "  2. Make a token that may write contents, issues and pull requests of your repositories,"
            .to_owned(),
        "     or an App:                      export GITHUB_TOKEN=…".to_owned(),
        "  3. Check everything:               pullwright doctor".to_owned(),
        "  4. Start:                          pullwright up".to_owned(),
        "  5. In the repository's settings add a webhook: https://YOUR-HOST/webhooks/github, content"
            .to_owned(),
        "     type application/json, the secret from step 1, and the event \"Issues\".".to_owned(),
        "  6. Put the label `pullwright:fix` on an issue.".to_owned(),
    ] {
        out.line(&line)?;
    }
    Ok(Ending::Fine)
}

fn write(path: &Path, text: &str) -> Result<(), InitError> {
    let fail = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists { path: path.to_owned() },
        _ => InitError::Unwritable { path: path.to_owned(), source },
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    // `create_new`: a file that appeared in between stays whole.
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(fail)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn init(folder: &Path) -> Result<String, CliError> {
        let mut text = Vec::new();
        let args = InitArgs { folder: folder.to_owned() };
        run(&args, Path::new("/"), &mut Output::to(&mut text, false, false))?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn what_it_writes_loads() {
        let folder = tempfile::tempdir().unwrap();
        let said = init(folder.path()).unwrap();
        assert!(said.contains("pullwright doctor"), "{said}");
        let env = std::collections::BTreeMap::<String, String>::new();
        let loaded = config::load(Some(&folder.path().join("pullwright.yaml")), &env).unwrap();
        let config::Automations::Folder(automations) = &loaded.settings.automations else { panic!() };
        let set = dispatcher::rules::load_folder(automations).unwrap();
        let names: Vec<&str> = set.rules().iter().map(|rule| rule.automation.name.as_str()).collect();
        assert_eq!(names, ["fix-labelled-issue"]);
    }

    #[test]
    fn nothing_is_overwritten() {
        for taken in
            ["pullwright.yaml", "automations/fix-labelled-issue.yaml", "automations/automations.schema.json"]
        {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(taken);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink("/nowhere", &path).unwrap();
            let error = init(folder.path()).unwrap_err();
            assert!(error.to_string().contains("is there already; nothing was written"), "{error}");
            let written = |name: &str| folder.path().join(name).exists();
            assert!(!written("pullwright.yaml") && !written("automations/fix-labelled-issue.yaml"));
        }
    }
}
