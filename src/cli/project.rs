//! What a path on the command line stands for: rule sets, each with what its server's settings say about it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Outcome, could_not_run, show};
use crate::engine::Engine;
use crate::engine::source::{Options, compile, is_rule_file, is_test_file, looks_like_rules};
use crate::load::{self, LoadError};
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
    /// What to do if there is no such folder or file.
    pub(super) missing: &'static str,
}

/// What a path stands for.
pub(super) enum Place {
    /// Rules without settings.
    Rules(PathBuf),
    /// A settings file.
    Settings(PathBuf),
}

/// What to do where the path that was named leads nowhere.
pub(super) const MISSING: &str = "name a project, a folder of rules or one rule file";
/// What to do where the settings name a folder of rules that is not there.
pub(super) const MISSING_IN_SETTINGS: &str = "create it, or correct `rules` in the settings file";

impl RuleSet {
    fn without_settings(root: PathBuf) -> RuleSet {
        RuleSet { server: "*".to_owned(), root, options: Options::default(), missing: MISSING }
    }

    /// What a file in its folder is called among its files.
    pub(super) fn shown(&self, file: &Path) -> String {
        let inside = whole(file).strip_prefix(whole(&self.root)).map(|inside| self.root.join(inside));
        load::shown(&inside.unwrap_or_else(|_| file.to_owned()))
    }

    /// Its engine; what is wrong with its files is shown.
    pub(super) fn engine(&self) -> Result<Engine, Outcome> {
        let sources = load::rules(&self.root).map_err(|error| could_not_run(&error.told(self.missing)))?;
        compile(&sources, &self.options).map(|compiled| compiled.engine).map_err(|found| show(&found, &sources))
    }
}

/// Shows why there are no rule sets, or no settings; `missing` is what to do where there is no such file.
pub(super) fn told(trouble: &Trouble, missing: &str) -> Outcome {
    match trouble {
        Trouble::Unreadable(error) => could_not_run(&error.told(missing)),
        Trouble::Found(found, sources) => show(found, sources).max(Outcome::Findings),
    }
}

/// What a path stands for: a project, a folder of rules, one rule file, a settings file, or each project in a folder.
/// If none was named, it is the current folder, which must be one of these: nobody has said that all below it is rules.
pub(super) fn places(named: Option<&Path>) -> Result<Vec<Place>, LoadError> {
    let path = named.unwrap_or_else(|| Path::new("."));
    if path.is_file() && is_test_file(&load::shown(path)) {
        return Err(LoadError::Tests(path.to_owned()));
    }
    let projects = projects(path);
    if !projects.is_empty() {
        return Ok(projects.iter().map(|project| place(project)).collect());
    }
    if named.is_none() && !is_project(path) && !has_rules(path) {
        return Err(LoadError::NoProject);
    }
    Ok(vec![place(path)])
}

/// Whether a path means rules or settings.
fn place(path: &Path) -> Place {
    if path.file_name().is_some_and(|name| name == settings::FILE) {
        return Place::Settings(path.to_owned());
    }
    let inside = path.join(settings::FILE);
    if inside.is_file() {
        return Place::Settings(inside);
    }
    let rules = path.join(settings::RULES);
    Place::Rules(if rules.is_dir() { rules } else { path.to_owned() })
}

/// Whether rule files stand in the folder itself. Many other files are YAML, too.
fn has_rules(folder: &Path) -> bool {
    let is_rules = |path: &Path| {
        path.is_file() && is_rule_file(&load::shown(path)) && load::read(path).is_ok_and(|text| looks_like_rules(&text))
    };
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| is_rules(&entry.path()))
}

/// The rule sets that a path [stands for](places).
pub(super) fn rule_sets(named: Option<&Path>) -> Result<Vec<RuleSet>, Trouble> {
    let mut sets = Vec::new();
    for place in places(named).map_err(Trouble::Unreadable)? {
        sets.extend(of_one(place)?);
    }
    Ok(sets)
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
        if let Some(set) = of_one(place(&near(project)))?.into_iter().find(within) {
            return Ok(set);
        }
    }
    Ok(RuleSet::without_settings(near(own)))
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

fn of_one(place: Place) -> Result<Vec<RuleSet>, Trouble> {
    let file = match place {
        Place::Rules(root) => return Ok(vec![RuleSet::without_settings(root)]),
        Place::Settings(file) => file,
    };
    let rule_set = |site: SiteSettings| RuleSet {
        server: site.path,
        root: site.rules,
        options: site.options,
        missing: MISSING_IN_SETTINGS,
    };
    Ok(settings::load_for_rules(&file)?.into_iter().map(rule_set).collect())
}
