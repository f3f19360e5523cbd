//! From files to a [`RuleSet`]: every file good, or the old set stays.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use config::yaml::{Sources, Tree, YamlError};
use schemas::automation::{Automation, AutomationFile};

use super::defaults::with_defaults;
use super::files::{self, Beside};
use super::page::{Page, Spot};
use super::{Known, Rule, RuleSet, check};
use crate::condition::Condition;

/// How deep folders of automations may lie in each other.
const DEEPEST: usize = 8;

/// Why a set of automations is not taken.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LoadError {
    /// The folder or a file in it cannot be read.
    #[error("{path} cannot be read")]
    #[diagnostic(help(
        "`automations:` in pullwright.yaml names the folder; it has to exist and be readable"
    ))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Files say something that cannot be.
    #[error("{count} mistake(s) in the automations")]
    Mistakes {
        /// How many.
        count: usize,
        /// Each with its place.
        #[related]
        mistakes: Vec<YamlError>,
    },
}

impl LoadError {
    /// All of it on one line, for the log and `/readyz`.
    #[must_use]
    pub fn one_line(&self) -> String {
        match self {
            Self::Mistakes { mistakes, .. } => {
                mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }
            Self::Unreadable { path, source } => format!("{}: {source}", path.display()),
        }
    }
}

/// Reads every `*.yaml` and `*.yml` of a folder and of the folders in it, and the files they name.
///
/// # Errors
/// When a file cannot be read or says something that cannot be.
pub fn load_folder(folder: &Path) -> Result<RuleSet, LoadError> {
    load_folder_knowing(folder, None)
}

/// As [`load_folder`]; connections and webhooks that are named have to be known.
///
/// # Errors
/// When a file cannot be read or says something that cannot be.
pub fn load_folder_knowing(folder: &Path, known: Option<&Known>) -> Result<RuleSet, LoadError> {
    let mut names = Vec::new();
    find(folder, "", DEEPEST, &mut names)?;
    let mut texts = BTreeMap::new();
    for name in names {
        let text = files::read_text(folder, &name).map_err(|problem| LoadError::Unreadable {
            path: folder.join(&name),
            source: io::Error::other(problem),
        })?;
        texts.insert(name, text);
    }
    load(texts, &Beside::Folder(folder), known)
}

/// Reads files that are in memory: names below the folder, and texts. Names that end in `.yaml` or
/// `.yml` are automations, others are what these name.
///
/// # Errors
/// When one of them says something that cannot be.
pub fn load_texts(texts: BTreeMap<String, String>) -> Result<RuleSet, LoadError> {
    load_texts_knowing(texts, None)
}

/// As [`load_texts`]; connections and webhooks that are named have to be known.
///
/// # Errors
/// When one of them says something that cannot be.
pub fn load_texts_knowing(
    texts: BTreeMap<String, String>,
    known: Option<&Known>,
) -> Result<RuleSet, LoadError> {
    let (files, beside) = texts.into_iter().partition(|(name, _)| is_yaml(name));
    load(files, &Beside::Texts(&beside), known)
}

fn is_yaml(name: &str) -> bool {
    [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending))
}

/// Adds the names of all YAML files below `folder`; hidden files and folders are not looked at.
fn find(folder: &Path, prefix: &str, depth: usize, names: &mut Vec<String>) -> Result<(), LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: folder.join(prefix), source };
    for entry in fs::read_dir(folder.join(prefix)).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if name.starts_with('.') {
            continue;
        }
        // A linked folder could lead back up here.
        if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find(folder, &format!("{path}/"), depth - 1, names)?;
        } else if is_yaml(&name) && entry.path().is_file() {
            names.push(path);
        }
    }
    Ok(())
}

/// One file as far as it could be read.
struct Parsed {
    name: String,
    file: AutomationFile,
    sources: Sources,
    places: Tree,
}

fn load(
    texts: BTreeMap<String, String>,
    beside: &Beside<'_>,
    known: Option<&Known>,
) -> Result<RuleSet, LoadError> {
    let (mut mistakes, mut parsed) = (Vec::new(), Vec::new());
    for (name, text) in &texts {
        match parse(name, text) {
            Ok(file) => parsed.push(file),
            Err(mistake) => mistakes.push(*mistake),
        }
    }
    let mut names = Names::of(&parsed);
    let mut files = texts;
    let mut rules = Vec::new();
    for one in &parsed {
        let mut page = Page::new(&one.sources);
        one.check(&mut names, beside, known, &mut files, &mut rules, &mut page);
        mistakes.append(&mut page.mistakes());
    }
    if mistakes.is_empty() {
        Ok(RuleSet::new(files, rules))
    } else {
        mistakes.sort_by(|a, b| (a.file(), a.line(), a.column()).cmp(&(b.file(), b.line(), b.column())));
        Err(LoadError::Mistakes { count: mistakes.len(), mistakes })
    }
}

fn parse(name: &str, text: &str) -> Result<Parsed, Box<YamlError>> {
    let file = Sources::default().parse(name, text)?;
    // A second reading for the places alone: the vocabulary itself knows nothing of YAML.
    let mut sources = Sources::default();
    let places = sources.parse(name, text)?;
    Ok(Parsed { name: name.to_owned(), file, sources, places })
}

/// Which names there are in all files.
struct Names {
    /// The file of each automation that was read, and of each that was seen while checking.
    all: HashMap<String, String>,
    seen: HashMap<String, String>,
    /// Earlier names, and who claims them.
    was: HashMap<String, String>,
}

impl Names {
    fn of(parsed: &[Parsed]) -> Self {
        let named = |one: &Parsed| {
            let file = one.name.clone();
            let names =
                one.file.automations.iter().map(move |automation| (automation.name.0.clone(), file.clone()));
            names.collect::<Vec<_>>()
        };
        Self { all: parsed.iter().flat_map(named).collect(), seen: HashMap::new(), was: HashMap::new() }
    }

    fn check(&mut self, automation: &Automation, file: &str, at: Spot<'_>, page: &mut Page<'_>) {
        let name = &automation.name;
        if let Some(other) = self.seen.insert(name.0.clone(), file.to_owned()) {
            let remedy = format!("a name is an id; the other one is in {other}");
            page.say(at.at("name"), format!("there is another automation `{name}`"), remedy);
        }
        let Some(was) = &automation.was else { return };
        if let Some(file) = self.all.get(&was.0) {
            let wrong = format!("`{was}` is still the name of an automation, in {file}");
            page.say(
                at.at("was"),
                wrong,
                "`was` is the name that it had before: remove the one or the other",
            );
        }
        if let Some(other) = self.was.insert(was.0.clone(), name.0.clone()) {
            let wrong = format!("`{other}` was `{was}` as well");
            page.say(at.at("was"), wrong, "one automation goes on with a history: remove one of them");
        }
    }
}

impl Parsed {
    fn check(
        &self,
        names: &mut Names,
        beside: &Beside<'_>,
        known: Option<&Known>,
        files: &mut BTreeMap<String, String>,
        rules: &mut Vec<Rule>,
        page: &mut Page<'_>,
    ) {
        let all = Spot::new(&self.places, None);
        if self.file.version != 1 {
            let wrong = format!("version {} is not known", self.file.version);
            page.say(all.at("version"), wrong, "this release reads `version: 1`");
        }
        let under = self.places.get("defaults");
        let places = self.places.get("automations").map_or(&[][..], Tree::items);
        for (automation, place) in self.file.automations.iter().zip(places) {
            let at = Spot::new(place, under);
            let merged = match with_defaults(automation, &self.file.defaults) {
                Ok(merged) => merged,
                Err(error) => {
                    page.say(
                        at,
                        format!("with the file's defaults it cannot be: {error}"),
                        "change one of them",
                    );
                    continue;
                }
            };
            let before = page.count();
            names.check(&merged, &self.name, at, page);
            check::automation(&merged, at, beside, known, page);
            let condition = condition(&merged, at, page);
            if let Some(path) = &merged.run.prompt_file {
                match beside.text(path) {
                    Ok(text) => drop(files.insert(path.clone(), text)),
                    Err(problem) => page.say(at.at("run").at("prompt_file"), &problem, problem.remedy()),
                }
            }
            if page.count() == before {
                match Rule::new(merged, condition, self.name.clone()) {
                    Ok(rule) => rules.push(rule),
                    Err(error) => page.say(at.at("repos"), error, "for example `github/acme/*`"),
                }
            }
        }
    }
}

fn condition(automation: &Automation, at: Spot<'_>, page: &mut Page<'_>) -> Option<Condition> {
    let text = automation.r#if.as_deref()?;
    let compiled = Condition::compile(text);
    if let Err(error) = &compiled {
        let part = error.offset..error.offset + error.len;
        page.say_of_part(at.at("if"), text, part, &error.message, &error.remedy);
    }
    compiled.ok()
}
