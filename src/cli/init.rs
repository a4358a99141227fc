//! `switchhook init`: a small project to begin with.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::schema::{FOLDER, What};
use super::{Outcome, could_not_run, write};

/// The files of the project, by their paths, and the schema that editors know them by.
const FILES: [(&str, Option<What>, &str); 4] = [
    ("switchhook.yaml", Some(What::Settings), include_str!("init/switchhook.yaml")),
    ("rules/welcome.yaml", Some(What::Rules), include_str!("../../rules/welcome.yaml")),
    ("rules/welcome.test.yaml", Some(What::Tests), include_str!("../../rules/welcome.test.yaml")),
    ("rules/scripts/reservations.rhai", None, include_str!("../../rules/scripts/reservations.rhai")),
];

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "init")]
pub struct Arguments {
    /// The folder to make the project in [default: .]
    folder: Option<PathBuf>,
}

/// Writes the files; none that is there already is touched.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let folder = arguments.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    if let Some((path, ..)) = FILES.iter().find(|(path, ..)| folder.join(path).exists()) {
        let path = folder.join(path);
        return could_not_run(&format!("`{}` is there already; choose an empty folder", path.display()));
    }
    for (path, schema, text) in FILES {
        let text = schema.map(|what| modeline(path, what)).unwrap_or_default() + text;
        if let Err(error) = create(&folder.join(path), &text) {
            return could_not_run(&format!("cannot write `{}`: {error}", folder.join(path).display()));
        }
    }
    if let Err(error) = What::write_all(&folder.join(FOLDER)) {
        return could_not_run(&format!("cannot write `{}`: {error}", folder.join(FOLDER).display()));
    }
    write(&next(&folder));
    Outcome::Fine
}

/// Makes a file that is not there yet, with the folders above it.
pub(super) fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// By this line editors find the schema of a file, counted from the file's own folder.
fn modeline(path: &str, what: What) -> String {
    let up = "../".repeat(path.matches('/').count());
    format!("# yaml-language-server: $schema={up}{FOLDER}/{}\n\n", what.file())
}

/// What to do now.
fn next(folder: &Path) -> String {
    let files: String = FILES
        .iter()
        .map(|(path, ..)| folder.join(path))
        .chain([folder.join(FOLDER)])
        .fold(String::new(), |all, path| all + &format!("  {}\n", path.strip_prefix(".").unwrap_or(&path).display()));
    let enter = match folder {
        folder if folder == Path::new(".") => String::new(),
        folder => format!("  cd {}\n", folder.display()),
    };
    format!(
        "wrote\n{files}\nnow\n{enter}  switchhook test        # the rules do what they should\n  switchhook run         # and serve\n"
    )
}
