//! What is kept on disk of a server's sound rules: so that a daemon that starts beside broken files still answers, and
//! that an operator can go back.
//!
//! Each set is a folder of plain files, named by its version, so that it can be looked at and copied. A version is a
//! hash: what was damaged meanwhile does not fit its name, and is not used. `versions.json` says in which order the sets
//! were in force; without it, their age does.
//!
//! All of it lies in a folder whose name begins with a dot, so that it is never taken for rules, wherever the data folder
//! is.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::live::version::Version;
use crate::load::{self, RuleFiles};

/// How many sets of each server are kept; the oldest make room.
pub const VERSIONS_MAX: usize = 10;
/// The file that says which sets there are.
const RECORD: &str = "versions.json";
/// The file by which it is known that somebody uses the data folder.
const LOCK: &str = "lock";
/// Where in the data folder they are.
const FOLDER: &str = ".rules";

/// The data folder's part for rules. Nobody else can use the folder while this lives.
pub struct Store {
    folder: PathBuf,
    /// The data folder, if there was none before.
    made: Option<PathBuf>,
    _lock: File,
}

impl Store {
    /// Opens the data folder, which is made if there is none.
    ///
    /// # Errors
    /// When it cannot be written to, or another daemon uses it.
    pub fn open(data: &Path) -> io::Result<Store> {
        let folder = data.join(FOLDER);
        let made = (!data.exists()).then(|| data.to_owned());
        fs::create_dir_all(&folder)?;
        let lock = File::create(data.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                io::Error::new(ErrorKind::WouldBlock, "another daemon uses it; give each its own with `--data`")
            }
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Store { folder, made, _lock: lock })
    }

    /// Takes the data folder away again if it was made for nothing. What is in it stays, and so does the folder then.
    pub fn abandon(self) {
        let Some(data) = &self.made else { return };
        let emptied = fs::remove_dir(&self.folder).and_then(|()| fs::remove_file(data.join(LOCK)));
        // An empty folder that is left harms nobody.
        drop(emptied.and_then(|()| fs::remove_dir(data)));
    }

    /// What is kept of the server at `path`.
    #[must_use]
    pub fn shelf(&self, path: &str) -> Shelf {
        Shelf::open(self.folder.join(folder_name(path)))
    }

    /// Forgets the servers that are not among those at `paths`. What was not made here is left alone.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn forget_all_but<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let known: Vec<String> = paths.into_iter().map(folder_name).collect();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let is_known = known.iter().any(|known| entry.file_name() == known.as_str());
            if !is_known && entry.path().join(RECORD).is_file() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// A server's path as the name of a folder.
fn folder_name(path: &str) -> String {
    if path == "*" {
        return "all".to_owned();
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// What is kept of one server.
pub struct Shelf {
    folder: PathBuf,
    record: Record,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    /// The sets, the one in force last.
    versions: Vec<String>,
    /// The sets that somebody has gone back from, the newest last. They are kept to be looked at.
    #[serde(default)]
    aside: Vec<String>,
    /// The version of the files that somebody has rolled back from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    rolled_back_from: Option<String>,
}

impl Shelf {
    fn open(folder: PathBuf) -> Shelf {
        let written = load::bytes(&folder.join(RECORD)).ok();
        let record = written.and_then(|text| serde_json::from_slice(&text).ok());
        let record = record.unwrap_or_else(|| Record { versions: by_age(&folder), ..Record::default() });
        Shelf { folder, record }
    }

    /// The version of the files that somebody has rolled back from, if they have not changed since.
    pub fn rolled_back_from(&self) -> Option<Version> {
        self.record.rolled_back_from.as_deref().and_then(Version::parse)
    }

    /// The versions that were in force before `version`, or all of them, the newest first.
    pub fn versions_before(&self, version: Option<&Version>) -> impl Iterator<Item = Version> {
        let versions = &self.record.versions;
        let end = version.and_then(|version| versions.iter().rposition(|kept| kept == version.as_str()));
        let before = versions.get(..end.unwrap_or(versions.len())).unwrap_or_default();
        before.iter().rev().filter_map(|version| Version::parse(version))
    }

    /// The files of a version, as if they lay in `folder`; `None` if they are not there or are damaged.
    #[must_use]
    pub fn take(&self, version: &Version, folder: &str) -> Option<RuleFiles> {
        // Of a set that was to pass its tests, these are kept too.
        let kept = load::with_tests(&self.folder.join(version.as_str())).ok()?;
        (Version::of(kept.inside()) == *version).then(|| kept.moved_to(folder.to_owned()))
    }

    /// Keeps files that have come in force, each a path inside of the set and what it holds.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn keep<'a>(
        &mut self,
        version: &Version,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> io::Result<()> {
        if self.take(version, "").is_none() {
            self.write(version, files)?;
        }
        let versions = &mut self.record.versions;
        versions.retain(|kept| kept != version.as_str());
        versions.push(version.to_string());
        versions.drain(..versions.len().saturating_sub(VERSIONS_MAX));
        self.record.aside.retain(|aside| aside != version.as_str());
        self.record.rolled_back_from = None;
        self.save()
    }

    /// Notes that `version` is in force again, although the files say something else.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn roll_back(&mut self, version: &Version, from: Option<&Version>) -> io::Result<()> {
        let Record { versions, aside, .. } = &mut self.record;
        let end = versions.iter().rposition(|kept| kept == version.as_str());
        aside.extend(versions.drain(end.map_or(versions.len(), |at| at + 1)..));
        aside.drain(..aside.len().saturating_sub(VERSIONS_MAX));
        self.record.rolled_back_from = from.map(Version::to_string);
        self.save()
    }

    /// Writes a set under another name first: whoever finds a folder by its version finds all of it.
    fn write<'a>(&self, version: &Version, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> io::Result<()> {
        let (fresh, kept) = (self.folder.join("fresh"), self.folder.join(version.as_str()));
        remove(&fresh)?;
        for (path, text) in files {
            if Path::new(path).components().any(|part| !matches!(part, Component::Normal(_))) {
                return Err(io::Error::new(ErrorKind::InvalidInput, format!("`{path}` leads out of the set")));
            }
            let path = fresh.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&fresh))?;
            fs::write(path, text)?;
        }
        remove(&kept)?;
        fs::rename(fresh, kept)
    }

    /// Writes the record, then removes what it does not name any more.
    fn save(&self) -> io::Result<()> {
        let fresh = self.folder.join("versions.fresh");
        // Sets show by their versions whether they are whole; the record must be so by itself.
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(&self.record)?)?;
        file.sync_all()?;
        fs::rename(fresh, self.folder.join(RECORD))?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let mut known = self.record.versions.iter().chain(&self.record.aside);
            let is_ours = entry.file_name().to_str().is_some_and(|name| Version::parse(name).is_some());
            if is_ours && !known.any(|version| entry.file_name() == version.as_str()) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// The sets in `folder`, the newest last.
fn by_age(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut sets: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| Version::parse(name).is_some())?;
            Some((entry.metadata().ok()?.modified().ok()?, name))
        })
        .collect();
    sets.sort();
    sets.into_iter().map(|(_, name)| name).collect()
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[(&str, &str)] = &[("a.yaml", "rules: []\n"), ("scripts/b.rhai", "fn b() { 1 }\n")];

    fn version(number: usize) -> (Version, Vec<(&'static str, &'static str)>) {
        let text: &'static str = format!("# {number}\n").leak();
        let files = vec![("a.yaml", text)];
        (Version::of(files.iter().copied()), files)
    }

    fn kept(shelf: &Shelf, before: Option<&Version>) -> Vec<Version> {
        shelf.versions_before(before).collect()
    }

    #[test]
    fn what_was_kept_comes_back_as_it_was() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path()).unwrap();
        let version = Version::of(FILES.iter().copied());
        store.shelf("/bistro").keep(&version, FILES.iter().copied()).unwrap();
        let shelf = store.shelf("/bistro");
        let files = shelf.take(&version, "elsewhere/").unwrap().files;
        let files: Vec<_> = files.iter().map(|file| (&*file.path, &*file.text)).collect();
        assert_eq!(files, [("elsewhere/a.yaml", FILES[0].1), ("elsewhere/scripts/b.rhai", FILES[1].1)]);
        assert_eq!(kept(&shelf, None), [version]);
        assert!(kept(&store.shelf("/clinic"), None).is_empty());
    }

    #[test]
    fn what_is_damaged_is_not_used() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path()).unwrap();
        let version = Version::of(FILES.iter().copied());
        let mut shelf = store.shelf("*");
        shelf.keep(&version, FILES.iter().copied()).unwrap();
        let folder = data.path().join(".rules/all").join(version.as_str());
        fs::write(folder.join("a.yaml"), "rules: [").unwrap();
        assert!(shelf.take(&version, "").is_none());
        shelf.keep(&version, FILES.iter().copied()).unwrap();
        assert!(shelf.take(&version, "").is_some(), "it is written anew");
        fs::write(data.path().join(".rules/all").join(RECORD), "{").unwrap();
        assert_eq!(kept(&store.shelf("*"), None), [version], "sets show by themselves what they are");
    }

    #[test]
    fn the_oldest_make_room() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path()).unwrap();
        let mut shelf = store.shelf("*");
        for number in 0..VERSIONS_MAX + 3 {
            let (version, files) = version(number);
            shelf.keep(&version, files).unwrap();
        }
        let newest = version(VERSIONS_MAX + 2).0;
        let versions = kept(&store.shelf("*"), None);
        assert_eq!((versions.len(), versions.first()), (VERSIONS_MAX, Some(&newest)));
        assert_eq!(kept(&shelf, Some(&newest)).first(), Some(&version(VERSIONS_MAX + 1).0));
        assert_eq!(fs::read_dir(data.path().join(".rules/all")).unwrap().count(), VERSIONS_MAX + 1);
    }

    #[test]
    fn going_back_is_remembered() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path()).unwrap();
        let mut shelf = store.shelf("*");
        let (older, newer) = (version(1), version(2));
        shelf.keep(&older.0, older.1.iter().copied()).unwrap();
        shelf.keep(&newer.0, newer.1.iter().copied()).unwrap();
        shelf.roll_back(&older.0, Some(&newer.0)).unwrap();
        let shelf = store.shelf("*");
        assert_eq!(shelf.rolled_back_from().as_ref(), Some(&newer.0));
        assert_eq!(kept(&shelf, None), std::slice::from_ref(&older.0));
        assert!(kept(&shelf, Some(&older.0)).is_empty());
        assert!(shelf.take(&newer.0, "").is_some(), "what was gone back from can be looked at");
    }

    #[test]
    fn servers_that_are_gone_are_forgotten() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path()).unwrap();
        for path in ["/a", "/b"] {
            let (version, files) = version(1);
            store.shelf(path).keep(&version, files).unwrap();
        }
        fs::create_dir(data.path().join(".rules/mine")).unwrap();
        fs::write(data.path().join(".rules/notes.txt"), "").unwrap();
        store.forget_all_but(["/a"]).unwrap();
        assert!(data.path().join(".rules/mine").exists() && data.path().join(".rules/notes.txt").exists());
        assert!(!kept(&store.shelf("/a"), None).is_empty());
        assert!(kept(&store.shelf("/b"), None).is_empty());
    }

    #[test]
    fn nothing_is_written_outside() {
        let data = tempfile::tempdir().unwrap();
        let mut shelf = Store::open(data.path()).unwrap().shelf("*");
        for path in ["../a.yaml", "/tmp/a.yaml", "a/../../a.yaml"] {
            let files = [(path, "rules: []\n")];
            let error = shelf.keep(&Version::of(files), files).unwrap_err();
            assert!(error.to_string().contains("leads out of the set"), "{path}: {error}");
        }
    }

    #[test]
    fn a_data_folder_has_one_daemon() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path()).unwrap();
        assert!(Store::open(data.path()).err().unwrap().to_string().contains("--data"));
        drop(store);
        assert!(Store::open(data.path()).is_ok());
    }

    #[test]
    fn paths_make_names_of_folders() {
        for (path, name) in
            [("*", "all"), ("/bistro", "%2Fbistro"), ("/a/../b", "%2Fa%2F%2E%2E%2Fb"), ("/ü", "%2F%C3%BC")]
        {
            assert_eq!(folder_name(path), name);
        }
    }
}
