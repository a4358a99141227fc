//! `switchhook check`: every mistake in the rules and settings, before a caller meets it.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::project::{self, Place};
use super::{Outcome, could_not_run, write};
use crate::engine::diagnostic::{Diagnostic, Severity, Sources, catalogue};
use crate::engine::source::{Compiled, Options, compile};
use crate::load;
use crate::report::{self, Format};
use crate::settings::{self, SiteSettings, Trouble};
use crate::testing::{Suite, events_among};

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "check")]
pub struct Arguments {
    /// A project, a folder with several, a folder of rules, one rule file or a settings file [default: .]
    path: Option<PathBuf>,
    /// How findings are written
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
    /// Explain a finding by its name, such as `unknown-field`
    #[arg(long, value_name = "SLUG", conflicts_with_all = ["path", "strict"])]
    explain: Option<String>,
}

/// Checks what the arguments name.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    if let Some(slug) = &arguments.explain {
        return explain(slug);
    }
    let mut all = Findings::default();
    let places = match project::places(arguments.path.as_deref()) {
        Ok(places) => places,
        Err(error) => return could_not_run(&error),
    };
    for place in places {
        let looked_at = match place {
            Place::Rules(root) => all.rules(&root, &Options::default()).map_err(|error| error.told(project::MISSING)),
            Place::Settings(file) => all.settings(&file),
        };
        if let Err(why) = looked_at {
            return could_not_run(&why);
        }
    }
    all.write(arguments)
}

fn explain(slug: &str) -> Outcome {
    let Some(page) = catalogue::page(slug) else {
        let known = crate::engine::diagnostic::closest(slug, catalogue::ALL.iter().copied());
        let help = known.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
        return could_not_run(&format!("no finding is called `{slug}`{help}"));
    };
    write(page);
    Outcome::Fine
}

/// What was found in several rule sets, each with its own sources.
#[derive(Default)]
struct Findings {
    sources: Sources,
    found: Vec<Diagnostic>,
}

impl Findings {
    fn settings(&mut self, file: &Path) -> Result<(), String> {
        match settings::load(Some(file)) {
            Ok(settings::Loaded { settings, found, sources }) => {
                self.add(found, &sources);
                let rules = |site: &SiteSettings| self.rules(&site.rules, &site.options);
                let looked_at = settings.sites.iter().try_for_each(rules);
                looked_at.map_err(|error| error.told(project::MISSING_IN_SETTINGS))
            }
            Err(Trouble::Unreadable(error)) => Err(error.told(project::MISSING)),
            Err(Trouble::Found(found, sources)) => {
                self.add(found, &sources);
                Ok(())
            }
        }
    }

    fn rules(&mut self, root: &Path, options: &Options) -> Result<(), load::LoadError> {
        let files = load::with_tests(root)?;
        let sources = Sources::of(&files.files);
        let found = match compile(&sources, options) {
            Ok(Compiled { engine, mut found }) => {
                // Tests are read, not run.
                drop(Suite::read(&sources, &events_among(&files.files), &engine, &mut found));
                found
            }
            Err(found) => found,
        };
        self.add(found, &sources);
        Ok(())
    }

    fn add(&mut self, found: Vec<Diagnostic>, sources: &Sources) {
        let first = self.sources.append(sources);
        self.found.extend(found.into_iter().map(|found| found.shifted(first)));
    }

    fn write(&self, arguments: &Arguments) -> Outcome {
        let colour = std::io::stdout().is_terminal();
        write(&report::render(&self.found, &self.sources, arguments.format, colour));
        let refused = |severity| severity == Severity::Error || (arguments.strict && severity == Severity::Warning);
        if self.found.iter().any(|found| refused(found.severity)) { Outcome::Findings } else { Outcome::Fine }
    }
}
