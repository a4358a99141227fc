//! `switchhook schema`: JSON Schemas of the files, for editors that complete and explain.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{Outcome, could_not_run, write};
use crate::{engine, settings, testing};

/// The folder of a project in which `init` puts the schemas.
pub(super) const FOLDER: &str = ".switchhook";

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "schema")]
#[command(after_help = "\
Examples:
  switchhook schema --out .switchhook     # for an editor: all three, as files
  switchhook schema settings | less

An editor with a YAML language server uses a file whose name stands in the first line of another:
  # yaml-language-server: $schema=../.switchhook/rules.schema.json")]
pub struct Arguments {
    /// Which files are described
    #[arg(value_enum, default_value = "rules", conflicts_with = "out")]
    what: What,
    /// Write all of the schemas into this folder, over those that are there
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Files that authors write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    /// Rules, `rules/**/*.yaml`.
    Rules,
    /// Tests of rules, `rules/**/*.test.yaml`.
    Tests,
    /// Settings, `switchhook.yaml`.
    Settings,
}

/// Prints a schema, or writes all of them.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    match &arguments.out {
        None => write(&arguments.what.text()),
        Some(folder) => match What::write_all(folder) {
            Ok(files) => write(&files.iter().map(|file| format!("{}\n", file.display())).collect::<Vec<_>>().concat()),
            Err(error) => return could_not_run(&format!("cannot write into `{}`: {error}", folder.display())),
        },
    }
    Outcome::Fine
}

impl What {
    /// What its schema's file is called.
    pub(super) fn file(self) -> &'static str {
        match self {
            What::Rules => "rules.schema.json",
            What::Tests => "tests.schema.json",
            What::Settings => "settings.schema.json",
        }
    }

    /// Its schema.
    pub(super) fn text(self) -> String {
        format!("{:#}\n", self.schema())
    }

    fn schema(self) -> Value {
        match self {
            What::Rules => engine::source::schema(),
            What::Tests => testing::schema(),
            What::Settings => settings::schema(),
        }
    }

    /// Writes the schemas of all into `folder`, over those that are there.
    pub(super) fn write_all(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
        fs::create_dir_all(folder)?;
        let files = What::value_variants().iter().map(|what| (folder.join(what.file()), what.text()));
        files.map(|(file, text)| fs::write(&file, text).map(|()| file)).collect()
    }
}
