//! `switchhook check`: every mistake in the rules and settings, before a caller meets it.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::project::{Plan, plan};
use super::{Outcome, could_not_run, write};
use crate::engine::diagnostic::{Diagnostic, Severity, Sources, catalogue};
use crate::engine::source::{Compiled, Options, compile};
use crate::load;
use crate::report::{self, Format};
use crate::settings;
use crate::testing::{Suite, events_among};

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "check")]
pub struct Arguments {
    /// A folder of rules, one rule file, a settings file, or a folder with `switchhook.yaml` [default: .]
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
    let path = arguments.path.clone().unwrap_or_else(|| PathBuf::from("."));
    let mut all = Findings::default();
    match plan(&path) {
        Plan::Rules(root) => {
            if let Err(error) = all.rules(&root, &Options::default()) {
                return could_not_run(&error);
            }
        }
        Plan::Settings(file) => match settings::load(Some(&file)) {
            Ok(settings::Loaded { settings, found, sources }) => {
                all.add(found, &sources);
                for site in &settings.sites {
                    if let Err(error) = all.rules(&site.rules, &site.options) {
                        return could_not_run(&error);
                    }
                }
            }
            Err(settings::Trouble::Unreadable(error)) => return could_not_run(&error),
            Err(settings::Trouble::Found(found, sources)) => all.add(found, &sources),
        },
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
