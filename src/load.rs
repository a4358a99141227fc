//! Reads the files of a rules folder, in byte order of their paths.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::engine::diagnostic::{SourceFile, Sources};
use crate::engine::source::{is_rule_file, is_test_file, module_name, table_name};

/// The most files that a rules folder may hold.
pub const FILES_MAX: usize = 10_000;
/// The most bytes that they may hold together.
pub const BYTES_MAX: u64 = 64 << 20;
/// The folders that belong to a rule file beside which they lie.
pub const BESIDE: [&str; 2] = ["scripts", "tables"];
/// How deep folders may be nested: symbolic links can lead in a circle.
const DEPTH_MAX: usize = 16;

/// Why a rules folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such folder or file.
    #[error("there is no `{}`", named(.0))]
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
    /// Folders lie in folders without end, as where a link leads back.
    #[error("`{}` lies deeper than {DEPTH_MAX} folders: perhaps a link leads back to where it came from", .0.display())]
    TooDeep(PathBuf),
    /// The name cannot be told apart from others.
    #[error("the name of `{}` is not UTF-8 text: rename it", .0.display())]
    OddName(PathBuf),
    /// There is too much of it.
    #[error("`{}` holds more than {FILES_MAX} files or {} MiB of rules, scripts and tables", .0.display(), BYTES_MAX >> 20)]
    TooMuch(PathBuf),
    /// There is no rule file.
    #[error("there are no rules in `{}`: add a file that ends in `.yaml`", named(.0))]
    Empty(PathBuf),
    /// A file is none of rules.
    #[error("`{}` is no rule file, whose name ends in `.yaml`: name one, or a folder of them", named(.0))]
    NotRules(PathBuf),
    /// A file holds tests, where rules are wanted.
    #[error(
        "`{path}` holds tests, not rules: run them with `switchhook test {path}`, or name the folder of its rules here",
        path = named(.0)
    )]
    Tests(PathBuf),
    /// Nobody has said where the rules are, and here are none.
    #[error(
        "here is neither a folder `rules` nor a `switchhook.yaml`: go to where they are, name a project or a folder of \
         rules, or make a project with `switchhook init`"
    )]
    NoProject,
}

impl LoadError {
    /// The error with what to do where there is no such file: what it is for, only who has asked for it can tell.
    #[must_use]
    pub fn told(&self, missing: &str) -> String {
        match self {
            LoadError::Missing(_) => format!("{self}: {missing}"),
            error => error.to_string(),
        }
    }
}

/// The files of a rule set as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFiles {
    /// What their paths begin with, up to the folder that holds them; empty, or with a `/` at its end.
    pub folder: String,
    /// The files, in byte order of their paths.
    pub files: Vec<SourceFile>,
}

impl RuleFiles {
    /// Each file's path inside of the folder, and what it holds.
    pub fn inside(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|file| (file.path.strip_prefix(&self.folder).unwrap_or(&file.path), &*file.text))
    }

    /// The same files as if they lay in another folder.
    #[must_use]
    pub fn moved_to(&self, folder: String) -> RuleFiles {
        let moved = |(path, text): (&str, &str)| SourceFile { path: (folder.clone() + path).into(), text: text.into() };
        let files = self.inside().map(moved).collect();
        RuleFiles { folder, files }
    }
}

/// Reads the rule files, scripts and tables below `root`, or, if `root` is a file, that file and the scripts and tables
/// beside it.
///
/// # Errors
/// When they cannot be read, or there are none.
pub fn rules(root: &Path) -> Result<Sources, LoadError> {
    files(root).map(|read| Sources::of(&read.files))
}

/// Reads the same files as [`rules`], as they are.
///
/// # Errors
/// When they cannot be read, or there are none.
pub fn files(root: &Path) -> Result<RuleFiles, LoadError> {
    read_all(root, &belongs)
}

/// The same, with tests and the events that they name.
///
/// # Errors
/// When they cannot be read, or there are no rules.
pub fn with_tests(root: &Path) -> Result<RuleFiles, LoadError> {
    read_all(root, &|path| belongs(path) || is_test_file(path) || is_event_file(path))
}

/// Whether a file holds an event, for tests.
#[must_use]
pub fn is_event_file(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "json")
}

/// Whether a file is a part of a rule set.
fn belongs(path: &str) -> bool {
    is_rule_file(path) || module_name(path).is_some() || table_name(path).is_some()
}

fn read_all(root: &Path, belongs: &dyn Fn(&str) -> bool) -> Result<RuleFiles, LoadError> {
    let mut paths = Vec::new();
    let kind = fs::metadata(root).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LoadError::Missing(root.to_owned()),
        _ => unreadable(root, error),
    })?;
    if kind.is_dir() {
        collect(root, 0, belongs, &mut paths)?;
    } else {
        paths.push(root.to_owned());
        for beside in BESIDE.map(|folder| root.with_file_name(folder)).iter().filter(|folder| folder.is_dir()) {
            collect(beside, 0, belongs, &mut paths)?;
        }
    }
    paths.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    let mut files = Vec::with_capacity(paths.len());
    let (mut bytes, mut rules) = (0, 0);
    for path in paths {
        let text = text(&path)?;
        bytes += text.len() as u64;
        if bytes > BYTES_MAX {
            return Err(LoadError::TooMuch(root.to_owned()));
        }
        let shown = shown(&path);
        rules += usize::from(is_rule_file(&shown));
        files.push(SourceFile { path: shown.into(), text: text.into() });
    }
    let folder = if kind.is_dir() { root } else { root.parent().unwrap_or(root) };
    match rules {
        0 if kind.is_dir() => Err(LoadError::Empty(root.to_owned())),
        0 => Err(LoadError::NotRules(root.to_owned())),
        _ => Ok(RuleFiles { folder: prefix(folder), files }),
    }
}

/// What the paths of the files of `root` begin with, be they there or not.
#[must_use]
pub fn folder(root: &Path) -> String {
    let is_file = is_rule_file(&shown(root)) && !root.is_dir();
    prefix(if is_file { root.parent().unwrap_or(root) } else { root })
}

fn prefix(folder: &Path) -> String {
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
    match text(path) {
        Err(LoadError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Err(LoadError::Missing(path.to_owned()))
        }
        read => read,
    }
}

fn text(path: &Path) -> Result<String, LoadError> {
    let bytes = bytes(path).map_err(|error| unreadable(path, error))?;
    String::from_utf8(bytes).map_err(|_| LoadError::NotText(path.to_owned()))
}

/// Reads one file that somebody else may change at any time into whatever there is: to read a pipe would be to wait for
/// whoever writes into it, and a device may have no end.
///
/// # Errors
/// When it cannot be read, is no file, or is larger than all rules may be.
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file, but a folder, a pipe or a device"));
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if BYTES_MAX < bytes.len() as u64 {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", BYTES_MAX >> 20)));
    }
    Ok(bytes)
}

/// The path as its author would type it.
#[must_use]
pub fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

/// The same, where the current folder must have a name, too.
fn named(path: &Path) -> String {
    if path == Path::new(".") { ".".to_owned() } else { shown(path) }
}

/// Collects what belongs to a rule set.
fn collect(
    folder: &Path,
    depth: usize,
    belongs: &dyn Fn(&str) -> bool,
    into: &mut Vec<PathBuf>,
) -> Result<(), LoadError> {
    if depth > DEPTH_MAX {
        return Err(LoadError::TooDeep(folder.to_owned()));
    }
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        // Editors keep their backups, and Kubernetes its folders `..data`, under names that begin with a dot.
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        if path.is_dir() {
            collect(&path, depth + 1, belongs, into)?;
        } else if belongs(&shown(&path)) {
            if path.to_str().is_none() {
                return Err(LoadError::OddName(path));
            }
            into.push(path);
        }
        if into.len() > FILES_MAX {
            return Err(LoadError::TooMuch(folder.to_owned()));
        }
    }
    Ok(())
}

fn unreadable(path: &Path, source: io::Error) -> LoadError {
    LoadError::Unreadable { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("a.yaml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(files(folder.path()).unwrap_err().to_string().contains("a pipe or a device"));
        assert!(bytes(Path::new("/dev/zero")).is_err());
        assert!(bytes(folder.path()).is_err());
        assert!(matches!(read(&folder.path().join("b.yaml")), Err(LoadError::Missing(_))));
    }

    #[test]
    fn a_link_that_leads_back_ends() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(".", folder.path().join("again")).unwrap();
        assert!(files(folder.path()).unwrap_err().to_string().contains("leads back"));
    }

    #[test]
    fn paths_begin_with_their_folder() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("scripts")).unwrap();
        fs::create_dir(root.path().join("tables")).unwrap();
        for (path, text) in [
            ("b.yaml", "b"),
            ("a.yml", "a"),
            ("scripts/c.rhai", "c"),
            ("tables/f.csv", "f"),
            ("g.csv", ""),
            ("d.test.yaml", ""),
            (".e.yaml", ""),
        ] {
            fs::write(root.path().join(path), text).unwrap();
        }
        let read = files(root.path()).unwrap();
        let inside = |files: &RuleFiles| files.inside().map(|(path, _)| path.to_owned()).collect::<Vec<_>>();
        assert_eq!(inside(&read), ["a.yml", "b.yaml", "scripts/c.rhai", "tables/f.csv"]);
        assert_eq!(read.folder, folder(root.path()));
        let moved = read.moved_to("elsewhere/".to_owned());
        assert_eq!((&*moved.files[0].path, inside(&moved)), ("elsewhere/a.yml", inside(&read)));
        let one = files(&root.path().join("a.yml")).unwrap();
        assert_eq!(inside(&one), ["a.yml", "scripts/c.rhai", "tables/f.csv"]);
    }
}
