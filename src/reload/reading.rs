//! What the files said at one moment: the settings, the files that they name, and the rules of every server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::refused::{Findings, Refused};
use crate::load::{self, RuleFiles};
use crate::settings::{self, Flags, Settings, Trouble, Written};

/// Where the files are, and what wins over the settings among them.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The settings file, if one was named.
    pub config: Option<PathBuf>,
    /// What was said on the command line.
    pub flags: Flags,
}

/// The files of one server's rules, or why they cannot be read.
pub(super) type Files = Result<RuleFiles, String>;

/// What to do where there is no folder of rules.
const NO_RULES: &str = "create it, or say where the rules are: with `--rules`, or with `rules` in the settings file";

/// The settings file, and the files that it names, as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SettingsText {
    written: Result<Written, String>,
    beside: Vec<(PathBuf, Option<Vec<u8>>)>,
}

/// What the files said.
pub(super) struct Reading {
    pub(super) text: SettingsText,
    /// What that says: settings, with what their author should know about them.
    pub(super) settings: Interpreted,
    rules: BTreeMap<PathBuf, Files>,
}

impl SettingsText {
    /// Whether there is a settings file.
    pub(super) fn is_file(&self) -> bool {
        self.written.as_ref().is_ok_and(|written| written.text.is_some())
    }
}

impl Reading {
    /// Reads everything: the rules of the settings that it finds, and of those in force, which hold on if the others are
    /// refused. `before` is what was read before, and the settings in force.
    pub(super) fn take(project: &Project, before: Option<(&Reading, &Settings)>) -> Reading {
        let written = settings::read(project.config.as_deref()).map_err(|error| error.told(settings::MISSING));
        let (text, settings) = match before.and_then(|(before, _)| before.if_still(&written)) {
            // What says the same means the same, and need not be interpreted each time that somebody looks.
            Some(known) => known,
            None => interpreted(written, &project.flags),
        };
        let found = settings.as_ref().ok().map(|(settings, _)| &**settings);
        let in_force = before.map(|(_, settings)| settings);
        let mut rules = BTreeMap::new();
        for site in found.into_iter().chain(in_force).flat_map(|settings| &settings.sites) {
            let load = if site.tests_required { load::with_tests } else { load::files };
            let read = || load(&site.rules).map_err(|error| error.told(NO_RULES));
            rules.entry(site.rules.clone()).or_insert_with(read);
        }
        Reading { text, settings, rules }
    }

    /// The settings of this reading, if the files that they are in say the same now.
    fn if_still(&self, written: &Result<Written, String>) -> Option<(SettingsText, Interpreted)> {
        let same = self.text.written == *written
            && self.text.beside.iter().all(|(path, text)| load::bytes(path).ok() == *text);
        same.then(|| (self.text.clone(), self.settings.clone()))
    }

    /// What of this reading can be relied on, and whether anything else is left: each part must read as it did when it
    /// was acted upon (`seen`) or when it was read just `before`. The other parts stay as they were seen, so that a folder
    /// that never rests holds up nobody but its own server.
    pub(super) fn steady(&self, seen: &Reading, before: Option<&Reading>) -> (Reading, bool) {
        let known = |root: &PathBuf, files: &Files| {
            [Some(seen), before].into_iter().flatten().any(|reading| reading.rules.get(root) == Some(files))
        };
        let text_rests = self.text == seen.text || before.is_some_and(|before| before.text == self.text);
        // Other settings may name other folders, of which nothing is known before they rest, too.
        let new_root = |(root, files): (&PathBuf, &Files)| !known(root, files) && !seen.rules.contains_key(root);
        let text_rests = text_rests && !self.rules.iter().any(new_root);
        let from = if text_rests { self } else { seen };
        let mut rules = BTreeMap::new();
        for (root, files) in &self.rules {
            let files = if known(root, files) { Some(files) } else { seen.rules.get(root) };
            rules.extend(files.map(|files| (root.clone(), files.clone())));
        }
        let all_rest = text_rests && self.rules == rules;
        (Reading { text: from.text.clone(), settings: from.settings.clone(), rules }, !all_rest)
    }

    /// Whether both found the same in the files.
    pub(super) fn agrees_with(&self, other: &Reading) -> bool {
        self.text == other.text && self.rules == other.rules
    }

    /// The rules below `root`.
    pub(super) fn rules(&self, root: &Path) -> Option<&Files> {
        self.rules.get(root)
    }

    /// The files and folders in which a change is looked for.
    pub(super) fn places(&self) -> impl Iterator<Item = &Path> {
        let settings = self.text.written.as_ref().ok().map(|written| written.path.as_path());
        let beside = self.text.beside.iter().map(|(path, _)| path.as_path());
        settings.into_iter().chain(beside).chain(self.rules.keys().map(PathBuf::as_path))
    }
}

/// Settings with what their author should know about them, or why there are none.
type Interpreted = Result<(Arc<Settings>, Findings), Arc<Refused>>;

fn interpreted(written: Result<Written, String>, flags: &Flags) -> (SettingsText, Interpreted) {
    let parsed = match &written {
        Ok(written) => settings::parse(written),
        Err(why) => {
            let refused = Err(Arc::new(Refused::Unreadable(why.clone())));
            return (SettingsText { written, beside: Vec::new() }, refused);
        }
    };
    let settings = match parsed.outcome {
        Ok(loaded) => match loaded.settings.with(flags) {
            Ok(settings) => Ok((Arc::new(settings), Findings { found: loaded.found, sources: loaded.sources })),
            Err(why) => Err(Refused::Unservable(why.to_string())),
        },
        Err(Trouble::Unreadable(error)) => Err(Refused::Unreadable(error.told(settings::MISSING))),
        Err(Trouble::Found(found, sources)) => Err(Refused::Broken(Findings { found, sources })),
    };
    let beside = parsed.beside.into_iter().map(|path| (path.clone(), load::bytes(&path).ok())).collect();
    (SettingsText { written, beside }, settings.map_err(Arc::new))
}
