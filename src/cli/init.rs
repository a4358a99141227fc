//! `switchhook init`: a small project to begin with.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Outcome, could_not_run, write};

/// The files of the project, by their paths.
const FILES: [(&str, &str); 4] = [
    ("switchhook.yaml", include_str!("init/switchhook.yaml")),
    ("rules/welcome.yaml", include_str!("../../rules/welcome.yaml")),
    ("rules/welcome.test.yaml", include_str!("../../rules/welcome.test.yaml")),
    ("rules/scripts/reservations.rhai", include_str!("../../rules/scripts/reservations.rhai")),
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
    if let Some((path, _)) = FILES.iter().find(|(path, _)| folder.join(path).exists()) {
        let path = folder.join(path);
        return could_not_run(&format!("`{}` is there already; choose an empty folder", path.display()));
    }
    for (path, text) in FILES {
        if let Err(error) = create(&folder.join(path), text) {
            return could_not_run(&format!("cannot write `{}`: {error}", folder.join(path).display()));
        }
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

/// What to do now.
fn next(folder: &Path) -> String {
    let files: String = FILES
        .iter()
        .map(|(path, _)| folder.join(path))
        .fold(String::new(), |all, path| all + &format!("  {}\n", path.strip_prefix(".").unwrap_or(&path).display()));
    let enter = match folder {
        folder if folder == Path::new(".") => String::new(),
        folder => format!("  cd {}\n", folder.display()),
    };
    format!(
        "wrote\n{files}\nnow\n{enter}  switchhook test        # the rules do what they should\n  switchhook run         # and serve\n"
    )
}
