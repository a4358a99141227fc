//! Server messages to post: the project's own samples, and recorded and composed bodies where they are at hand.

use std::fs;
use std::path::{Path, PathBuf};

/// A path from the project's root.
pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// One message of every kind, and one of every shape of a tool call: names without `.json`, and bodies.
pub(crate) fn samples() -> Vec<(String, Vec<u8>)> {
    files(&here("src/samples/events"))
}

/// Bodies as real servers have received them; none where their folder is absent.
pub(crate) fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = here("../shared/vapi/fixtures");
    if folder.is_dir() {
        return files(&folder);
    }
    println!("skipped: there is no {}", folder.display());
    Vec::new()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut files: Vec<_> =
        files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())).collect();
    files.sort();
    files
}
