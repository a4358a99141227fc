//! Hints that files have changed, from the operating system.
//!
//! They are hints and no more: events are lost when a queue overflows, do not exist on some file systems, and do not
//! tell of what a symbolic link leads to. So a hint only says *look now*; what has changed is found by reading, and a
//! slow poll looks in any case. Folders are watched, never files: a file that is replaced takes its watch with it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::Wake;
use crate::load::BESIDE;
use crate::telemetry;

/// A hint.
#[derive(Debug)]
pub(super) enum Hint {
    /// Something has changed.
    Changed,
    /// Something has changed in such a way that watches may be lost with it: a folder is gone, or events are.
    Lost,
    /// A file is being written.
    Writing(PathBuf),
    /// Whoever wrote a file has closed it.
    Written(PathBuf),
}

/// Watches folders.
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    /// What is watched, and which folder it was at that time: a name can come to mean another one.
    watched: HashMap<PathBuf, Watched>,
    interests: Arc<Mutex<Interests>>,
    /// Whether anything could be watched when it was tried last.
    sees: bool,
    /// What cannot be watched, and the log was told.
    complaints: HashSet<PathBuf>,
}

/// How many folders that cannot be watched the log is told of.
const COMPLAINTS_MAX: usize = 100;

/// The files and folders that count. Others lie around them, a log perhaps that is written without end.
#[derive(Debug, Default)]
struct Interests(Vec<PathBuf>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Watched {
    device: u64,
    inode: u64,
    /// A folder that is removed and made again may get the same number.
    created: Option<Timestamp>,
    deep: bool,
}

impl Watch {
    /// Sends hints to `wakes`, once there is something to [follow](Watch::follow).
    pub(super) fn start(wakes: Sender<Wake>) -> Watch {
        let interests = Arc::<Mutex<Interests>>::default();
        let known = Arc::clone(&interests);
        let notify = move |event: notify::Result<Event>| {
            let hints = hints(event, &known.lock().unwrap_or_else(PoisonError::into_inner));
            for hint in hints {
                // The one who wakes may be gone; then nothing matters any more.
                let _ = wakes.send(Wake::Hint(hint));
            }
        };
        let watcher = notify::recommended_watcher(notify).inspect_err(|error| telemetry::cannot_watch(error)).ok();
        Watch { watcher, watched: HashMap::new(), interests, sees: false, complaints: HashSet::new() }
    }

    /// A watch that sees nothing.
    pub(super) fn blind() -> Watch {
        Watch {
            watcher: None,
            watched: HashMap::new(),
            interests: Arc::default(),
            sees: false,
            complaints: HashSet::new(),
        }
    }

    /// Whether hints can be hoped for.
    pub(super) fn sees(&self) -> bool {
        self.sees
    }

    /// Forgets what is watched, so that all of it is watched anew.
    pub(super) fn forget(&mut self) {
        self.watched.clear();
    }

    /// Watches these files and folders, and what is around them, from now on; nothing else.
    pub(super) fn follow<'a>(&mut self, places: impl Iterator<Item = &'a Path>) {
        let Some(watcher) = &mut self.watcher else { return };
        let places: Vec<PathBuf> = places.filter_map(spelling).collect();
        let wanted = wanted(&places);
        let interests = Interests(places.iter().cloned().chain(places.iter().filter_map(real)).collect());
        *self.interests.lock().unwrap_or_else(PoisonError::into_inner) = interests;
        let stale = |(path, watched): &(&PathBuf, &Watched)| wanted.get(*path) != Some(watched);
        let stale: Vec<PathBuf> = self.watched.iter().filter(stale).map(|(path, _)| path.clone()).collect();
        for path in stale {
            // It may be gone, and its watch with it.
            let _ = watcher.unwatch(&path);
            self.watched.remove(&path);
        }
        for (path, folder) in wanted {
            if self.watched.contains_key(&path) {
                continue;
            }
            let mode = if folder.deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            match watcher.watch(&path, mode) {
                Ok(()) => drop(self.watched.insert(path, folder)),
                // It is tried again each time, and told of once.
                Err(error) if self.complaints.len() < COMPLAINTS_MAX && self.complaints.insert(path) => {
                    telemetry::cannot_watch(&error);
                }
                Err(_) => {}
            }
        }
        self.sees = !self.watched.is_empty();
    }
}

/// The folders to watch for changes of `places`: each folder with all that is in it, and the folder around each file or
/// folder, which can be replaced as a whole.
fn wanted(places: &[PathBuf]) -> HashMap<PathBuf, Watched> {
    let mut wanted = HashMap::new();
    let mut want = |path: &Path, deep: bool| {
        // By its real name, since events come under the name by which a folder was watched first.
        if let (Ok(path), Ok(folder)) = (fs::canonicalize(path), fs::metadata(path))
            && folder.is_dir()
        {
            let created = folder.created().ok().and_then(|at| at.try_into().ok());
            let folder = Watched { device: folder.dev(), inode: folder.ino(), created, deep };
            let known = wanted.entry(path).or_insert(folder);
            known.deep |= deep;
        }
    };
    for place in places {
        want(place, true);
        if place.is_file() {
            for folder in BESIDE {
                want(&place.with_file_name(folder), true);
            }
        }
        if let Some(around) = place.parent() {
            want(around, false);
        }
    }
    wanted
}

/// A path as events spell it: its folder by its real name, and its own name in it, be that a link or not there yet.
fn spelling(place: &Path) -> Option<PathBuf> {
    let place = std::path::absolute(place).ok()?;
    match (place.parent().and_then(|around| fs::canonicalize(around).ok()), place.file_name()) {
        (Some(around), Some(name)) => Some(around.join(name)),
        _ => Some(place),
    }
}

/// Where a link leads; nothing if it is none.
fn real(place: &PathBuf) -> Option<PathBuf> {
    fs::canonicalize(place).ok().filter(|real| real != place)
}

impl Interests {
    fn include(&self, path: &Path) -> bool {
        let name = path.file_name().map_or(&[][..], |name| name.as_encoded_bytes());
        // Kubernetes swaps a link called `..data`, through which all files of a folder are seen.
        if name.starts_with(b"..") {
            return self.0.iter().any(|place| path.starts_with(place) || path.parent() == place.parent());
        }
        // Editors keep their backups under names that begin with a dot, which are not read.
        !name.starts_with(b".") && self.0.iter().any(|place| path.starts_with(place) || is_beside(path, place))
    }
}

/// Where one file makes the rules, scripts and tables are beside it.
fn is_beside(path: &Path, place: &Path) -> bool {
    place.parent().is_some_and(|around| BESIDE.iter().any(|folder| path.starts_with(around.join(folder))))
}

fn hints(event: notify::Result<Event>, interests: &Interests) -> Vec<Hint> {
    let Ok(event) = event else { return vec![Hint::Lost] };
    // An overflow comes without a path, and anything may have happened.
    if event.need_rescan() {
        return vec![Hint::Lost];
    }
    // A log that is written among the rules is read by nobody here.
    let counts = |path: &Path| is_read(path) || interests.0.iter().any(|place| place == path);
    let mut paths = event.paths.into_iter().filter(|path| interests.include(path));
    match event.kind {
        EventKind::Modify(ModifyKind::Data(_)) => paths.filter(|path| counts(path)).map(Hint::Writing).collect(),
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
            paths.filter(|path| counts(path)).map(Hint::Written).collect()
        }
        // Our own reading is among these.
        EventKind::Access(_) => Vec::new(),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => {
            paths.next().map(|path| if is_read(&path) { Hint::Changed } else { Hint::Lost }).into_iter().collect()
        }
        _ => paths.next().map(|_| Hint::Changed).into_iter().collect(),
    }
}

/// Whether a file is read, going by its name.
fn is_read(path: &Path) -> bool {
    const READ: &[&str] = &["yaml", "yml", "rhai", "csv", "pem", "crt", "key"];
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| READ.contains(&extension))
}

/// Which files are being written, by the hints so far.
#[derive(Debug, Default)]
pub(super) struct Unfinished(HashSet<PathBuf>);

impl Unfinished {
    /// More files than that are not told apart.
    const FILES_MAX: usize = 1024;

    pub(super) fn note(&mut self, hint: Hint) {
        match hint {
            Hint::Writing(path) if self.0.len() < Self::FILES_MAX => drop(self.0.insert(path)),
            Hint::Changed | Hint::Lost | Hint::Writing(_) => {}
            Hint::Written(path) => drop(self.0.remove(&path)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag};

    use super::*;

    fn hinted(kind: EventKind) -> String {
        let interests = Interests(vec!["/rules".into()]);
        format!("{:?}", hints(Ok(Event::new(kind).add_path("/rules/a.yaml".into())), &interests))
    }

    #[test]
    fn reading_is_no_hint() {
        assert_eq!(hinted(EventKind::Access(AccessKind::Open(AccessMode::Any))), "[]");
        assert_eq!(hinted(EventKind::Access(AccessKind::Close(AccessMode::Read))), "[]");
        assert_eq!(hinted(EventKind::Access(AccessKind::Close(AccessMode::Write))), r#"[Written("/rules/a.yaml")]"#);
        assert_eq!(hinted(EventKind::Modify(ModifyKind::Data(DataChange::Any))), r#"[Writing("/rules/a.yaml")]"#);
        assert_eq!(hinted(EventKind::Create(CreateKind::File)), "[Changed]");
    }

    #[test]
    fn what_was_lost_is_a_hint() {
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(format!("{:?}", hints(Ok(overflow), &Interests::default())), "[Lost]");
        assert_eq!(format!("{:?}", hints(Err(notify::Error::generic("lost")), &Interests::default())), "[Lost]");
    }

    #[test]
    fn what_lies_around_is_of_no_interest() {
        let interests = Interests(vec!["/etc/switchhook/rules".into(), "/etc/switchhook/switchhook.yaml".into()]);
        for (path, counts) in [
            ("/etc/switchhook/rules", true),
            ("/etc/switchhook/rules/new/a.yaml", true),
            ("/etc/switchhook/rules/..data", true),
            ("/etc/switchhook/..data", true),
            ("/etc/switchhook/scripts/a.rhai", true),
            ("/etc/switchhook/tables/a.csv", true),
            ("/etc/switchhook/rules/.a.yaml.swp", false),
            ("/etc/switchhook/daemon.log", false),
            ("/etc/switchhook/rules-of-old/a.yaml", false),
            ("/etc/..data", false),
        ] {
            assert_eq!(interests.include(Path::new(path)), counts, "{path}");
        }
    }

    #[test]
    fn a_folder_that_was_replaced_is_another() {
        let around = tempfile::tempdir().unwrap();
        let rules = around.path().join("rules");
        fs::create_dir(&rules).unwrap();
        let before = wanted(std::slice::from_ref(&rules));
        assert_eq!(before.len(), 2);
        fs::rename(&rules, around.path().join("away")).unwrap();
        assert_eq!(wanted(std::slice::from_ref(&rules)).len(), 1);
        fs::create_dir(&rules).unwrap();
        let after = wanted(std::slice::from_ref(&rules));
        assert_ne!(before.get(&rules), after.get(&rules));
    }

    #[test]
    fn a_file_is_unfinished_until_it_is_closed() {
        let mut unfinished = Unfinished::default();
        unfinished.note(Hint::Writing("a".into()));
        unfinished.note(Hint::Changed);
        unfinished.note(Hint::Written("b".into()));
        assert!(!unfinished.is_empty());
        unfinished.note(Hint::Written("a".into()));
        assert!(unfinished.is_empty());
    }
}
