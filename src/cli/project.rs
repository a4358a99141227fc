//! What a path on the command line stands for: rule sets, each with what its server's settings say about it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Outcome, could_not_run, show};
use crate::engine::Engine;
use crate::engine::source::{Options, compile};
use crate::load;
use crate::settings::{self, SiteSettings, Trouble};

/// A folder of rules, or one rule file.
#[derive(Debug, Clone)]
pub(super) struct RuleSet {
    /// The path of its server; `*` where there is only one.
    pub(super) server: String,
    /// Where it is.
    pub(super) root: PathBuf,
    /// What it is held against.
    pub(super) options: Options,
}

/// What a path stands for.
pub(super) enum Plan {
    /// Rules without settings.
    Rules(PathBuf),
    /// A settings file.
    Settings(PathBuf),
}

impl RuleSet {
    /// What a file in its folder is called among its files.
    pub(super) fn shown(&self, file: &Path) -> String {
        let inside = whole(file).strip_prefix(whole(&self.root)).map(|inside| self.root.join(inside));
        load::shown(&inside.unwrap_or_else(|_| file.to_owned()))
    }

    /// Its engine; what is wrong with its files is shown.
    pub(super) fn engine(&self) -> Result<Engine, Outcome> {
        let sources = load::rules(&self.root).map_err(|error| could_not_run(&error))?;
        compile(&sources, &self.options).map(|compiled| compiled.engine).map_err(|found| show(&found, &sources))
    }
}

/// Shows why there are no rule sets.
pub(super) fn told(trouble: &Trouble) -> Outcome {
    match trouble {
        Trouble::Unreadable(error) => could_not_run(error),
        Trouble::Found(found, sources) => show(found, sources).max(Outcome::Findings),
    }
}

/// Whether a path means rules or settings.
pub(super) fn plan(path: &Path) -> Plan {
    if path.file_name().is_some_and(|name| name == settings::FILE) {
        return Plan::Settings(path.to_owned());
    }
    let inside = path.join(settings::FILE);
    if inside.is_file() {
        return Plan::Settings(inside);
    }
    let rules = path.join(settings::RULES);
    Plan::Rules(if rules.is_dir() { rules } else { path.to_owned() })
}

/// Whether rule files stand in the folder itself.
fn has_rules(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let mut files = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file());
    files.any(|path| path.to_str().is_some_and(crate::engine::source::is_rule_file))
}

/// The rule sets that `path` stands for: those of its servers, the one folder, or those of the projects in it.
pub(super) fn rule_sets(path: &Path) -> Result<Vec<RuleSet>, Trouble> {
    let projects = projects(path);
    if projects.is_empty() {
        return of_one(path);
    }
    projects.iter().map(|project| of_one(project)).collect::<Result<Vec<_>, _>>().map(|sets| sets.concat())
}

/// The folders of a folder that are projects of their own, if it is none itself.
fn projects(folder: &Path) -> Vec<PathBuf> {
    if !folder.is_dir() || is_project(folder) || has_rules(folder) {
        return Vec::new();
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut projects: Vec<PathBuf> = entries.filter(|path| path.is_dir() && is_project(path)).collect();
    projects.sort();
    projects
}

/// The rule set to which a file belongs: the one in whose folder it lies, as the settings or a folder `rules` above it
/// say; else that of its own folder.
pub(super) fn rule_set_of(file: &Path) -> Result<RuleSet, Trouble> {
    let file = whole(file);
    let own = file.parent().unwrap_or(&file);
    for project in own.ancestors().filter(|folder| is_project(folder)) {
        let within = |set: &RuleSet| file.starts_with(whole(&set.root));
        if let Some(set) = of_one(&near(project))?.into_iter().find(within) {
            return Ok(set);
        }
    }
    Ok(RuleSet { server: "*".to_owned(), root: near(own), options: Options::default() })
}

/// The path from the root of the file system, without links.
fn whole(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The same folder as people would type it here.
fn near(folder: &Path) -> PathBuf {
    let inside = folder.strip_prefix(whole(Path::new("."))).map(|inside| Path::new(".").join(inside));
    inside.unwrap_or_else(|_| folder.to_owned())
}

fn is_project(folder: &Path) -> bool {
    folder.join(settings::FILE).is_file() || folder.join(settings::RULES).is_dir()
}

fn of_one(path: &Path) -> Result<Vec<RuleSet>, Trouble> {
    let file = match plan(path) {
        Plan::Rules(root) => return Ok(vec![RuleSet { server: "*".to_owned(), root, options: Options::default() }]),
        Plan::Settings(file) => file,
    };
    let rule_set = |site: SiteSettings| RuleSet { server: site.path, root: site.rules, options: site.options };
    Ok(settings::load_for_rules(&file)?.into_iter().map(rule_set).collect())
}
