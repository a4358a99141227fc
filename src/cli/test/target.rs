//! What a path stands for whose tests are to be run.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::project::{self, RuleSet};
use crate::engine::source::is_test_file;
use crate::load::{self, LoadError, RuleFiles};
use crate::settings::{self, Trouble};

/// Rule sets, and which of their tests are meant.
pub(super) struct Target {
    /// As it was typed.
    path: PathBuf,
    /// The rule sets, or why there are none.
    pub(super) sets: Result<Vec<RuleSet>, Trouble>,
    /// The only test file that is meant, as its rule set calls it.
    only: Option<String>,
}

impl Target {
    /// What the path stands for, or the current folder if none was named.
    pub(super) fn of(named: Option<&Path>) -> Target {
        let path = named.unwrap_or_else(|| Path::new(".")).to_owned();
        if !(path.is_file() && is_test_file(&load::shown(&path))) {
            return Target { sets: project::rule_sets(named), only: None, path };
        }
        match project::rule_set_of(&path) {
            Ok(set) => Target { only: Some(set.shown(&path)), sets: Ok(vec![set]), path },
            Err(trouble) => Target { sets: Err(trouble), only: None, path },
        }
    }

    /// The files of a rule set, with those tests that are meant.
    pub(super) fn files(&self, set: &RuleSet) -> Result<RuleFiles, LoadError> {
        let mut files = load::with_tests(&set.root)?;
        if let Some(only) = &self.only {
            files.files.retain(|file| !is_test_file(&file.path) || *file.path == **only);
        }
        Ok(files)
    }

    /// All that its tests depend on, as it is now.
    pub(super) fn contents(&self) -> Vec<String> {
        let settings = [self.path.clone(), self.path.join(settings::FILE)];
        let settings = settings.iter().map(|file| fs::read_to_string(file).unwrap_or_default());
        let sets = self.sets.as_deref().unwrap_or_default();
        let files = sets.iter().filter_map(|set| self.files(set).ok()).flat_map(|files| files.files);
        let files = files.map(|file| format!("{}\0{}", file.path, file.text));
        settings.chain([format!("{sets:?}")]).chain(files).collect()
    }

    /// Why its files cannot be read.
    pub(super) fn explained(&self, error: &LoadError, set: &RuleSet) -> String {
        match error {
            LoadError::Missing(path) if *path == self.path => {
                format!("there is no `{}`: name a project, a folder of rules or a test file", path.display())
            }
            error => error.told(set.missing),
        }
    }

    /// Why no test was run, of so many that there are.
    pub(super) fn nothing_to_run(&self, filter: &str, tests: usize) -> String {
        match tests {
            0 if self.path.is_file() => format!(
                "there are no tests in `{}`: name its folder, or a file that ends in `.test.yaml`",
                self.path.display()
            ),
            0 => format!(
                "there are no tests in `{}`: write some into a file beside the rules whose name ends in `.test.yaml`, \
                 as in `rules/bistro.test.yaml`",
                self.path.display()
            ),
            1 => format!("the only test has no `{filter}` in its name: leave out `--filter` to run it"),
            _ => format!("none of the {tests} tests has `{filter}` in its name: leave out `--filter` to run them all"),
        }
    }
}
