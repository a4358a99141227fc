//! `switchhook import`: rules, tools and tests to begin with, made of what an organisation has at Vapi.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::init::create;
use super::{Outcome, complain, could_not_run, write};
use crate::import::{Export, project};
use crate::load;

/// The command's arguments.
#[derive(Debug, Args)]
#[group(id = "import")]
#[command(after_help = "Save what Vapi says of your organisation, with its private key:\n\n  \
    for what in assistant tool phone-number; do\n    \
    curl -sf -H \"Authorization: Bearer $VAPI_KEY\" \\\n      \
    \"https://api.vapi.ai/$what?limit=1000\" > $what.json\n  \
    done\n  switchhook import assistant.json tool.json phone-number.json\n\n\
    Secrets and credentials in these files are not read.")]
pub struct Arguments {
    /// What the REST API says of assistants, tools and phone numbers, as JSON
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The folder of the project; no file that is there is touched
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
}

/// Writes the files.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let export = match exported(&arguments.files) {
        Ok(export) => export,
        Err(why) => return could_not_run(&why),
    };
    for remark in &export.remarks {
        complain(&format!("switchhook: {remark}\n"));
    }
    let files = project(&export);
    if files.is_empty() {
        return could_not_run(
            &"there is no tool that a server answers, and no phone number, so there is nothing to write",
        );
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| arguments.into.join(file.path)).collect();
    if let Some(path) = paths.iter().find(|path| path.exists()) {
        return could_not_run(&format!("`{}` is there already; choose another folder with `--into`", path.display()));
    }
    for (path, file) in paths.iter().zip(&files) {
        if let Err(error) = create(path, &file.text) {
            return could_not_run(&format!("cannot write `{}`: {error}", path.display()));
        }
    }
    write(&said(&export, &paths, arguments));
    Outcome::Fine
}

/// What these files say together.
///
/// # Errors
/// Which file cannot be read, and why.
pub(super) fn exported(files: &[PathBuf]) -> Result<Export, String> {
    let mut export = Export::default();
    for path in files {
        let value = read(path).map_err(|why| format!("cannot read `{}`: {why}", path.display()))?;
        export.add(&path.display().to_string(), &value);
    }
    Ok(export)
}

fn read(path: &Path) -> Result<Value, String> {
    let bytes = load::bytes(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| format!("it is no JSON: {error}"))
}

/// What was written, and what to do now.
fn said(export: &Export, paths: &[PathBuf], arguments: &Arguments) -> String {
    let count = |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let shown = |path: &PathBuf| format!("  {}\n", path.strip_prefix(".").unwrap_or(path).display());
    let folder = arguments.into.display();
    format!(
        "wrote a rule for {} and {}\n{}\nnow\n  switchhook test {folder}\nand write in {folder}/rules what the tools are answered with\n",
        count(export.tools.len(), "tool"),
        count(export.numbers.len(), "number"),
        paths.iter().map(shown).collect::<String>(),
    )
}
