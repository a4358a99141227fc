//! How changed files are noticed, and what a changed rule set must have passed before it serves.

use serde_json::{Value, json};

use super::Reload;
use super::bounded::Lasting;
use super::source::{unknown_word, word_outline};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::schema::{Definitions, Outline};
use crate::engine::source::read::{Each, Field, Spanned, written};

/// What can be required of a rule set before it serves.
const REQUIREMENTS: &[&str] = &["check", "tests"];

written! {
    #[derive(Debug, Clone, Default)]
    #[serde(rename = "the setting `reload`", default)]
    pub(super) struct ReloadSource {
        poll: Field<Option<Lasting<100, 600_000>>> =
            "How often the files are compared, whatever the system says; 2s if nothing is said.",
        watch: Field<Option<bool>> = "`false`: the system is not asked to tell of changes.",
        require: Field<Option<Each<Spanned<String>>>> as Requirements =
            "What rules must pass before they serve: `[tests]`.",
    }
}

enum Requirements {}

impl Outline for Requirements {
    fn outline(_: &mut Definitions) -> Value {
        json!({ "type": "array", "items": word_outline(REQUIREMENTS.iter().copied()) })
    }
}

impl ReloadSource {
    pub(super) fn settings(&self, found: &mut Vec<Diagnostic>) -> Reload {
        let tests = self.requirements(found);
        let default = Reload::default();
        Reload {
            poll: self.poll.get().and_then(Option::as_ref).map_or(default.poll, |Lasting(poll)| *poll),
            watch: self.watch.get().copied().flatten().unwrap_or(default.watch),
            tests,
        }
    }

    /// Whether tests are required. `check` is always, so that there is nothing to keep of it.
    fn requirements(&self, found: &mut Vec<Diagnostic>) -> bool {
        let Some(Each(written)) = self.require.get().and_then(Option::as_ref) else { return false };
        for requirement in written.iter().filter(|written| !REQUIREMENTS.contains(&written.value.as_str())) {
            found.push(unknown_word(&requirement.value, requirement.span, "a requirement", REQUIREMENTS));
        }
        written.iter().any(|requirement| requirement.value == "tests")
    }
}
