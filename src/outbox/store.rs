//! The file: what outlives the daemon, in transactions. Only the outbox's own thread uses it.
//!
//! redb (its format is stable) keeps sums of its pages and goes back to the last whole transaction after a crash. Records
//! keep sums of their own, because a file whose end was orderly is not read in whole when it is opened.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::{FileBackend, InMemoryBackend};
use redb::{
    Builder, CommitError, CompactionError, Database, DatabaseError, Durability, ReadOnlyTable, ReadableDatabase as _,
    ReadableTable as _, SetDurabilityError, StorageError, Table, TableDefinition, TableError, TransactionError,
    WriteTransaction,
};

use super::queue::{ItemId, Vigil};
use super::record::State;
use super::retry::Millis;

/// The file's name in the data folder.
pub const FILE: &str = "outbox.redb";

const ITEMS: TableDefinition<u64, &[u8]> = TableDefinition::new("items");
const STATES: TableDefinition<u64, &[u8]> = TableDefinition::new("states");
const NOTES: TableDefinition<u64, &[u8]> = TableDefinition::new("notes");
/// The keys of what was delivered or called off, by the moment at which each is forgotten. Those of what is here stand in its state: in a
/// table of their own, in no order, they would touch as many pages as there are items in a transaction.
const FORGETTING: TableDefinition<(i64, u128), ()> = TableDefinition::new("forgetting");
/// When events came while earlier ones of their calls were not decided yet, and what stands for their call and kind.
const MEANWHILE: TableDefinition<(i64, u64), ()> = TableDefinition::new("meanwhile");
/// The version of the whole.
const FORMAT: TableDefinition<&str, u64> = TableDefinition::new("format");
const FORMAT_NOW: u64 = 1;

/// Memory for pages. What is written is soon read, and what waits for long need not be at hand.
const CACHE_BYTES: usize = 16 << 20;
/// Up to this size a file is read in whole when it is opened, so that no damage is met later.
const CHECKED_BYTES_MAX: u64 = 256 << 20;
/// From this size on each transaction keeps what makes opening quick after a crash, and costs a bit more.
const QUICK_REPAIR_BYTES: u64 = 64 << 20;
/// A file beyond this size that is mostly empty is made smaller when it is opened.
const COMPACTED_BYTES_MIN: u64 = 64 << 20;

/// Where the outbox lies.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// In this file.
    File(PathBuf),
    /// In memory, where there is no data folder: it ends with the daemon.
    Memory,
    /// In a file whose disk can fail.
    #[cfg(test)]
    Flaky(super::tests::Disk),
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another daemon, or another part of this one, has it open.
    #[error("the outbox `{}` is in use; give each daemon a data folder of its own", .0.display())]
    InUse(PathBuf),
    /// The file system, or the file, refuses.
    #[error("the outbox cannot be read or written: {0}")]
    Database(#[source] Box<redb::Error>),
    /// A later version of the program has written it.
    #[error(
        "the outbox has the format {format}, which is newer than this program; use the version that has written it"
    )]
    Newer {
        /// Its format.
        format: u64,
    },
    /// A damaged file could not be set aside.
    #[error("the damaged outbox `{}` cannot be set aside: {source}", .path.display())]
    SetAside {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no thread for it.
    #[error("the outbox has no thread: {0}")]
    NoThread(#[source] std::io::Error),
    /// A fault in the library that only damage can explain.
    #[error("the outbox is damaged: reading it ended in a panic")]
    Panicked,
}

macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> StoreError {
                StoreError::Database(Box::new(error.into()))
            }
        }
    )*};
}

from_redb!(CommitError, CompactionError, DatabaseError, SetDurabilityError, StorageError, TableError, TransactionError);

/// The file, open.
pub(super) struct Store {
    database: Database,
    quick_repair: bool,
}

/// What opening came to.
pub(super) struct Opened {
    pub(super) store: Store,
    /// Where the file was put that could not be opened, and why it could not.
    pub(super) set_aside: Option<(PathBuf, String)>,
    /// How many items were dropped because they were damaged.
    pub(super) dropped: usize,
}

/// What is seen while the file is opened.
pub(super) enum Seen {
    /// Here it begins, perhaps not for the first time: what was seen before does not count.
    Beginning,
    Item(ItemId, State),
    /// The key of something that was delivered or called off.
    Key(u128),
    /// An event that came while an earlier one of its call was not decided yet.
    Meanwhile(Vigil, Millis),
}

/// Whom that is told.
type Witness<'a> = &'a mut dyn FnMut(Seen);

/// The tables in a transaction that writes.
pub(super) struct Tables<'a> {
    pub(super) items: Table<'a, u64, &'static [u8]>,
    pub(super) states: Table<'a, u64, &'static [u8]>,
    pub(super) notes: Table<'a, u64, &'static [u8]>,
    pub(super) forgetting: Table<'a, (i64, u128), ()>,
    pub(super) meanwhile: Table<'a, (i64, u64), ()>,
    format: Table<'a, &'static str, u64>,
}

/// The tables as they were when it was made.
pub(super) struct View {
    pub(super) items: ReadOnlyTable<u64, &'static [u8]>,
    pub(super) states: ReadOnlyTable<u64, &'static [u8]>,
    pub(super) notes: ReadOnlyTable<u64, &'static [u8]>,
    forgetting: ReadOnlyTable<(i64, u128), ()>,
    meanwhile: ReadOnlyTable<(i64, u64), ()>,
}

impl Store {
    /// Opens the outbox, or makes one; a file that `is_suspect` is read in whole. What cannot be opened is set aside, so
    /// that the daemon answers in any case.
    pub(super) fn open(place: &Place, is_suspect: bool, witness: Witness<'_>) -> Result<Opened, StoreError> {
        let path = match place {
            Place::File(path) => path,
            Place::Memory => return Store::begin(builder().create_with_backend(InMemoryBackend::new())?, 0, witness),
            #[cfg(test)]
            Place::Flaky(disk) => return Store::begin(builder().create_with_backend(disk.spin_up()?)?, 0, witness),
        };
        let damage = match guarded(|| open_file(path, is_suspect, witness)) {
            Err(error) if is_damage(&error) => error,
            done => return done.map_err(|error| in_use(error, path)),
        };
        // Where it was not read in whole, reading it in whole may mend it.
        match guarded(|| open_file(path, true, witness)) {
            Err(error) if is_damage(&error) => {
                let aside = set_aside(path)?;
                let fresh = open_file(path, false, witness)?;
                Ok(Opened { set_aside: Some((aside, damage.to_string())), ..fresh })
            }
            done => done.map_err(|error| in_use(error, path)),
        }
    }

    /// Makes the tables, where there are none, and reads all states.
    fn begin(database: Database, bytes: u64, witness: Witness<'_>) -> Result<Opened, StoreError> {
        let mut store = Store { database, quick_repair: QUICK_REPAIR_BYTES <= bytes };
        let (mut damaged, mut live) = (Vec::new(), 0_u64);
        store.write(check_format)?;
        witness(Seen::Beginning);
        {
            let view = store.view()?;
            for entry in view.states.range::<u64>(..)? {
                let (id, record) = entry?;
                match State::open(id.value(), record.value()) {
                    Some(state) => {
                        live += u64::from(state.bytes);
                        witness(Seen::Item(id.value(), state));
                    }
                    None => damaged.push(id.value()),
                }
            }
            for entry in view.forgetting.range::<(i64, u128)>(..)? {
                witness(Seen::Key(entry?.0.value().1));
            }
            for entry in view.meanwhile.range::<(i64, u64)>(..)? {
                let (at, vigil) = entry?.0.value();
                witness(Seen::Meanwhile(vigil, at));
            }
        }
        if !damaged.is_empty() {
            store.write(|tables| damaged.iter().try_for_each(|id| tables.remove(*id)))?;
        }
        if COMPACTED_BYTES_MIN < bytes && live < bytes / 4 {
            store.database.compact()?;
        }
        Ok(Opened { store, set_aside: None, dropped: damaged.len() })
    }

    /// Does what `work` does in one transaction, which is on disk when this returns.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.set_quick_repair(self.quick_repair);
        let done = work(&mut Tables::of(&transaction)?)?;
        transaction.commit()?;
        Ok(done)
    }

    /// What there is now.
    pub(super) fn view(&self) -> Result<View, StoreError> {
        let transaction = self.database.begin_read()?;
        Ok(View {
            items: transaction.open_table(ITEMS)?,
            states: transaction.open_table(STATES)?,
            notes: transaction.open_table(NOTES)?,
            forgetting: transaction.open_table(FORGETTING)?,
            meanwhile: transaction.open_table(MEANWHILE)?,
        })
    }

    /// Notes how large the file has become.
    pub(super) fn grown_to(&mut self, bytes: u64) {
        self.quick_repair = self.quick_repair || QUICK_REPAIR_BYTES <= bytes;
    }
}

impl<'a> Tables<'a> {
    fn of(transaction: &'a WriteTransaction) -> Result<Tables<'a>, StoreError> {
        Ok(Tables {
            items: transaction.open_table(ITEMS)?,
            states: transaction.open_table(STATES)?,
            notes: transaction.open_table(NOTES)?,
            forgetting: transaction.open_table(FORGETTING)?,
            meanwhile: transaction.open_table(MEANWHILE)?,
            format: transaction.open_table(FORMAT)?,
        })
    }

    /// Where an item stands; `None` if there is no such item, or its record is damaged.
    pub(super) fn state(&self, id: ItemId) -> Result<Option<State>, StoreError> {
        Ok(self.states.get(id)?.and_then(|record| State::open(id, record.value())))
    }

    pub(super) fn set_state(&mut self, id: ItemId, state: &State) -> Result<(), StoreError> {
        self.states.insert(id, state.seal(id).as_slice())?;
        Ok(())
    }

    /// Removes an item; its key is another matter.
    pub(super) fn remove(&mut self, id: ItemId) -> Result<(), StoreError> {
        self.items.remove(id)?;
        self.states.remove(id)?;
        self.notes.remove(id)?;
        Ok(())
    }
}

/// Refuses what a later version has written: it would take the records for damaged.
fn check_format(tables: &mut Tables<'_>) -> Result<(), StoreError> {
    let written = tables.format.get("format")?.map(|format| format.value());
    match written {
        Some(format) if FORMAT_NOW < format => return Err(StoreError::Newer { format }),
        Some(_) => {}
        None => drop(tables.format.insert("format", FORMAT_NOW)?),
    }
    Ok(())
}

/// Reads the file; with `whole`, all of it.
fn open_file(path: &Path, whole: bool, witness: Witness<'_>) -> Result<Opened, StoreError> {
    let bytes = fs::metadata(path).map_or(0, |file| file.len());
    let mut builder = builder();
    builder.set_check_integrity_on_open(bytes != 0 && (whole || bytes <= CHECKED_BYTES_MAX));
    // What is sent is nobody else's business on this machine.
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    Store::begin(builder.create_with_backend(FileBackend::new(file.map_err(StorageError::Io)?)?)?, bytes, witness)
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// The library may panic on a file that it does not read in whole; the hook for panics has logged it then.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(StoreError::Panicked))
}

/// Whether it is the file that is wrong, not what stands around it.
pub(super) fn is_damage(error: &StoreError) -> bool {
    let StoreError::Database(error) = error else { return matches!(error, StoreError::Panicked) };
    match &**error {
        redb::Error::Io(error) => matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof),
        error => matches!(
            error,
            redb::Error::Corrupted(_)
                | redb::Error::RepairAborted
                | redb::Error::UpgradeRequired(_)
                | redb::Error::TableTypeMismatch { .. }
                | redb::Error::TableIsMultimap(_)
                | redb::Error::TypeDefinitionChanged { .. }
        ),
    }
}

fn in_use(error: StoreError, path: &Path) -> StoreError {
    match &error {
        StoreError::Database(inner) if matches!(**inner, redb::Error::DatabaseAlreadyOpen) => {
            StoreError::InUse(path.to_owned())
        }
        _ => error,
    }
}

/// Gives the file a name under which no other lies, so that somebody can look at it.
fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let named = |number: usize| path.with_extension(format!("damaged-{number}.redb"));
    let aside = (1..1000).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(1000));
    fs::rename(path, &aside).map_err(|source| StoreError::SetAside { path: path.to_owned(), source })?;
    Ok(aside)
}
