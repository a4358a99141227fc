//! Reads the files of a rules folder, in byte order of their paths.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::engine::diagnostic::{SourceFile, Sources};
use crate::engine::source::{is_rule_file, module_name};

/// The most files that a rules folder may hold.
pub const FILES_MAX: usize = 10_000;
/// The most bytes that they may hold together.
pub const BYTES_MAX: u64 = 64 << 20;
/// How deep folders may be nested: symbolic links can lead in a circle.
const DEPTH_MAX: usize = 16;

/// Why a rules folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such folder or file.
    #[error("there is no `{}`: create it, or say where the rules are with `--rules`", .0.display())]
    Missing(PathBuf),
    /// The operating system refuses.
    #[error("`{}` cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not text.
    #[error("`{}` is not UTF-8 text: save it as UTF-8", .0.display())]
    NotText(PathBuf),
    /// It is a folder, a pipe or a device.
    #[error("`{}` is not a file that can be read to its end", .0.display())]
    NotAFile(PathBuf),
    /// There is too much of it.
    #[error("`{}` holds more than {FILES_MAX} files or {} MiB of rules and scripts", .0.display(), BYTES_MAX >> 20)]
    TooMuch(PathBuf),
    /// There is no rule file.
    #[error("there are no rules in `{}`: add a file that ends in `.yaml`", .0.display())]
    Empty(PathBuf),
}

/// Reads the rule files and scripts below `root`, or, if `root` is a file, that file and the scripts beside it.
///
/// # Errors
/// When they cannot be read, or there are none.
pub fn rules(root: &Path) -> Result<Sources, LoadError> {
    files(root).map(|files| Sources::of(&files))
}

/// Reads the same files as [`rules`], as they are.
///
/// # Errors
/// When they cannot be read, or there are none.
pub fn files(root: &Path) -> Result<Vec<SourceFile>, LoadError> {
    let mut paths = Vec::new();
    let kind = fs::metadata(root).map_err(|error| unreadable(root, error))?;
    if kind.is_dir() {
        collect(root, 0, &mut paths).map_err(|error| error.unwrap_or_else(|| LoadError::TooMuch(root.to_owned())))?;
    } else {
        paths.push(root.to_owned());
        let scripts = root.with_file_name("scripts");
        if scripts.is_dir() {
            collect(&scripts, 0, &mut paths).map_err(|error| error.unwrap_or(LoadError::TooMuch(scripts.clone())))?;
        }
    }
    paths.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    let mut files = Vec::with_capacity(paths.len());
    let (mut bytes, mut rules) = (0, 0);
    for path in paths {
        let text = read(&path)?;
        bytes += text.len() as u64;
        if bytes > BYTES_MAX {
            return Err(LoadError::TooMuch(root.to_owned()));
        }
        let shown = shown(&path);
        rules += usize::from(is_rule_file(&shown));
        files.push(SourceFile { path: shown.into(), text: text.into() });
    }
    if rules == 0 { Err(LoadError::Empty(root.to_owned())) } else { Ok(files) }
}

/// The folder that the paths of the files of `root` begin with, with a `/` at its end; empty for none.
#[must_use]
pub fn folder(root: &Path) -> String {
    let folder = if root.is_file() { root.parent().unwrap_or(root) } else { root };
    match shown(folder) {
        folder if folder.is_empty() || folder.ends_with('/') => folder,
        folder => folder + "/",
    }
}

/// Reads one text file.
///
/// # Errors
/// When it cannot be read or is not text.
pub fn read(path: &Path) -> Result<String, LoadError> {
    let fault = |error| unreadable(path, error);
    // To read a pipe is to wait for whoever writes into it, perhaps for ever.
    if !fs::metadata(path).map_err(fault)?.is_file() {
        return Err(LoadError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(fault)?;
    if BYTES_MAX < bytes.len() as u64 {
        return Err(LoadError::TooMuch(path.to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| LoadError::NotText(path.to_owned()))
}

/// The path as its author would type it.
#[must_use]
pub fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

/// Collects what belongs to a rule set; `None` as an error says that it is too much.
fn collect(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) -> Result<(), Option<LoadError>> {
    if depth > DEPTH_MAX {
        return Err(None);
    }
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        // Editors keep their backups, and Kubernetes its folders `..data`, under names that begin with a dot.
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        if path.is_dir() {
            collect(&path, depth + 1, into)?;
        } else if is_rule_file(&shown(&path)) || module_name(&shown(&path)).is_some() {
            into.push(path);
        }
        if into.len() > FILES_MAX {
            return Err(None);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, source: io::Error) -> LoadError {
    match source.kind() {
        io::ErrorKind::NotFound => LoadError::Missing(path.to_owned()),
        _ => LoadError::Unreadable { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("a.yaml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(matches!(files(folder.path()), Err(LoadError::NotAFile(path)) if path == pipe));
        assert!(matches!(read(Path::new("/dev/zero")), Err(LoadError::NotAFile(_))));
        assert!(matches!(read(folder.path()), Err(LoadError::NotAFile(_))));
    }

    #[test]
    fn paths_begin_with_their_folder() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("scripts")).unwrap();
        for (path, text) in
            [("b.yaml", "b"), ("a.yml", "a"), ("scripts/c.rhai", "c"), ("d.test.yaml", ""), (".e.yaml", "")]
        {
            fs::write(root.path().join(path), text).unwrap();
        }
        let files = files(root.path()).unwrap();
        let folder = folder(root.path());
        let inside: Vec<&str> = files.iter().map(|file| file.path.strip_prefix(&folder).unwrap()).collect();
        assert_eq!(inside, ["a.yml", "b.yaml", "scripts/c.rhai"]);
    }
}
