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

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::Wake;
use crate::telemetry;

/// A hint.
#[derive(Debug)]
pub(super) enum Hint {
    /// Something has changed.
    Changed,
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
}

/// The files and folders that count. Others lie around them, a log perhaps that is written without end.
#[derive(Debug, Default)]
struct Interests(Vec<PathBuf>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Watched {
    device: u64,
    inode: u64,
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
        Watch { watcher, watched: HashMap::new(), interests }
    }

    /// A watch that sees nothing.
    pub(super) fn blind() -> Watch {
        Watch { watcher: None, watched: HashMap::new(), interests: Arc::default() }
    }

    /// Whether hints can be hoped for.
    pub(super) fn sees(&self) -> bool {
        self.watcher.is_some() && !self.watched.is_empty()
    }

    /// Watches these files and folders, and what is around them, from now on; nothing else.
    pub(super) fn follow<'a>(&mut self, places: impl Iterator<Item = &'a Path>) {
        let Some(watcher) = &mut self.watcher else { return };
        let places: Vec<PathBuf> = places.filter_map(|place| std::path::absolute(place).ok()).collect();
        let wanted = wanted(&places);
        *self.interests.lock().unwrap_or_else(PoisonError::into_inner) = Interests(places);
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
                Err(error) => telemetry::cannot_watch(&error),
            }
        }
    }
}

/// The folders to watch for changes of `places`: each folder with all that is in it, and the folder around each file or
/// folder, which can be replaced as a whole.
fn wanted(places: &[PathBuf]) -> HashMap<PathBuf, Watched> {
    let mut wanted = HashMap::new();
    let mut want = |path: &Path, deep: bool| {
        if let Ok(folder) = fs::metadata(path)
            && folder.is_dir()
        {
            let folder = Watched { device: folder.dev(), inode: folder.ino(), deep };
            let known = wanted.entry(path.to_owned()).or_insert(folder);
            known.deep |= deep;
        }
    };
    for place in places {
        want(place, true);
        if place.is_file() {
            want(&place.with_file_name("scripts"), true);
        }
        if let Some(around) = place.parent() {
            want(around, false);
        }
    }
    wanted
}

impl Interests {
    fn include(&self, path: &Path) -> bool {
        let name = path.file_name().map_or(&[][..], |name| name.as_encoded_bytes());
        // Kubernetes swaps a link called `..data`, through which all files of a folder are seen.
        if name.starts_with(b"..") {
            return self.0.iter().any(|place| path.starts_with(place) || path.parent() == place.parent());
        }
        // Editors keep their backups under names that begin with a dot, which are not read.
        !name.starts_with(b".") && self.0.iter().any(|place| path.starts_with(place) || is_script_beside(path, place))
    }
}

/// Where one file makes the rules, the scripts are beside it.
fn is_script_beside(path: &Path, place: &Path) -> bool {
    place.parent().is_some_and(|around| path.starts_with(around.join("scripts")))
}

fn hints(event: notify::Result<Event>, interests: &Interests) -> Vec<Hint> {
    let Ok(event) = event else { return vec![Hint::Changed] };
    // An overflow comes without a path, and anything may have happened.
    if event.need_rescan() {
        return vec![Hint::Changed];
    }
    let mut paths = event.paths.into_iter().filter(|path| interests.include(path));
    match event.kind {
        EventKind::Modify(notify::event::ModifyKind::Data(_)) => paths.map(Hint::Writing).collect(),
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => paths.map(Hint::Written).collect(),
        // Our own reading is among these.
        EventKind::Access(_) => Vec::new(),
        _ => paths.next().map(|_| Hint::Changed).into_iter().collect(),
    }
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
            Hint::Changed | Hint::Writing(_) => {}
            Hint::Written(path) => drop(self.0.remove(&path)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag, ModifyKind};

    use super::*;

    fn hinted(kind: EventKind) -> String {
        let interests = Interests(vec!["/rules".into()]);
        format!("{:?}", hints(Ok(Event::new(kind).add_path("/rules/a".into())), &interests))
    }

    #[test]
    fn reading_is_no_hint() {
        assert_eq!(hinted(EventKind::Access(AccessKind::Open(AccessMode::Any))), "[]");
        assert_eq!(hinted(EventKind::Access(AccessKind::Close(AccessMode::Read))), "[]");
        assert_eq!(hinted(EventKind::Access(AccessKind::Close(AccessMode::Write))), r#"[Written("/rules/a")]"#);
        assert_eq!(hinted(EventKind::Modify(ModifyKind::Data(DataChange::Any))), r#"[Writing("/rules/a")]"#);
        assert_eq!(hinted(EventKind::Create(CreateKind::File)), "[Changed]");
    }

    #[test]
    fn what_was_lost_is_a_hint() {
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(format!("{:?}", hints(Ok(overflow), &Interests::default())), "[Changed]");
        assert_eq!(format!("{:?}", hints(Err(notify::Error::generic("lost")), &Interests::default())), "[Changed]");
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
