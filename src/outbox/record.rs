//! How an item lies in the file: its request, which never changes, and its state, which does.
//!
//! Each record begins with the version of its format and a checksum that covers its number, too, so that one that was
//! damaged, or has come to stand in another's place, is told from a sound one.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use super::put_off::Item;
use super::queue::{ItemId, Lane, Vigil, Waiting};
use super::retry::{Cause, Millis};

/// The version of the format.
const FORMAT: u8 = 2;
/// What stands before the content: the version, the sum, the item's number.
pub(super) const HEADER_BYTES: usize = SUMMED_FROM + size_of::<ItemId>();
/// Where begins what the sum is of.
const SUMMED_FROM: usize = 1 + CHECKSUM_BYTES;
const CHECKSUM_BYTES: usize = 8;
/// How the destinations of events begin: those of requests begin with their scheme, or with a bracket.
pub(super) const DECISIONS: &str = "decide ";
const CAUSES: [Cause; 4] = [Cause::Refused, Cause::Attempts, Cause::Age, Cause::Salvaged];

/// Where an item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// Why it was given up, if it was.
    pub(super) buried: Option<Cause>,
    /// How many attempts were made.
    pub(super) attempts: u32,
    /// When it is sent; of one that was given up, when that was.
    pub(super) due_at: Millis,
    /// How long it is tried, from when it is due for the first time.
    pub(super) age_max: i64,
    pub(super) expires_at: Millis,
    pub(super) decided_at: Millis,
    /// Until when its vigil counts.
    pub(super) vigil_until: Millis,
    pub(super) lane: Lane,
    /// What makes it superfluous; of an event, what stands for its call.
    pub(super) vigil: Vigil,
    /// Stands for its idempotency key.
    pub(super) key: u128,
    /// How long its request is.
    pub(super) bytes: u32,
    pub(super) destination: Arc<str>,
}

impl State {
    /// The state of an item of so many bytes that is to be sent at `due_at`; its number and how long it is tried at most are
    /// known only once it is taken.
    pub(super) fn new(destination: String, decided_at: Millis, due_at: Millis, bytes: usize) -> State {
        State {
            buried: None,
            attempts: 0,
            due_at,
            age_max: i64::MAX,
            expires_at: 0,
            decided_at,
            vigil_until: 0,
            lane: 0,
            vigil: 0,
            key: 0,
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            destination: destination.into(),
        }
    }

    /// Whether it is an event that is to be decided.
    pub(super) fn is_event(&self) -> bool {
        self.destination.starts_with(DECISIONS)
    }

    /// The item as the queue knows it.
    pub(super) fn waiting(&self, id: ItemId) -> Waiting {
        let is_event = self.is_event();
        Waiting {
            id,
            destination: Arc::clone(&self.destination),
            due_at: self.due_at,
            expires_at: self.expires_at,
            lane: self.lane,
            // Once it has been tried, or may have been, it is too late for an event to come in time.
            vigil: if self.attempts == 0 && !is_event { self.vigil } else { 0 },
            undecided: if is_event { self.vigil } else { 0 },
            is_ours: is_event,
        }
    }

    pub(super) fn seal(&self, id: ItemId) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(buried_byte(self.buried));
        bytes.extend(self.attempts.to_le_bytes());
        for at in [self.due_at, self.age_max, self.expires_at, self.decided_at, self.vigil_until] {
            bytes.extend(at.to_le_bytes());
        }
        bytes.extend(self.lane.to_le_bytes());
        bytes.extend(self.vigil.to_le_bytes());
        bytes.extend(self.key.to_le_bytes());
        bytes.extend(self.bytes.to_le_bytes());
        bytes.extend(self.destination.as_bytes());
        seal(id, &bytes)
    }

    /// `None` if the record is damaged.
    pub(super) fn open(id: ItemId, record: &[u8]) -> Option<State> {
        let mut rest = open(id, record)?;
        let rest = &mut rest;
        Some(State {
            buried: match u8::from_le_bytes(take(rest)?) {
                0 => None,
                byte => Some(CAUSES.into_iter().find(|cause| buried_byte(Some(*cause)) == byte)?),
            },
            attempts: u32::from_le_bytes(take(rest)?),
            due_at: i64::from_le_bytes(take(rest)?),
            age_max: i64::from_le_bytes(take(rest)?),
            expires_at: i64::from_le_bytes(take(rest)?),
            decided_at: i64::from_le_bytes(take(rest)?),
            vigil_until: i64::from_le_bytes(take(rest)?),
            lane: u64::from_le_bytes(take(rest)?),
            vigil: u64::from_le_bytes(take(rest)?),
            key: u128::from_le_bytes(take(rest)?),
            bytes: u32::from_le_bytes(take(rest)?),
            destination: std::str::from_utf8(rest).ok()?.into(),
        })
    }
}

/// Reads an item; `None` if the record is damaged.
pub(super) fn open_item(id: ItemId, record: &[u8]) -> Option<Item> {
    serde_json::from_slice(open(id, record)?).ok()
}

/// Reads a note; `None` if the record is damaged.
pub(super) fn open_note(id: ItemId, record: &[u8]) -> Option<String> {
    String::from_utf8(open(id, record)?.to_vec()).ok()
}

/// A record that holds `content`.
pub(super) fn seal(id: ItemId, content: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(HEADER_BYTES + content.len());
    record.push(FORMAT);
    record.extend_from_slice(&[0; CHECKSUM_BYTES]);
    record.extend_from_slice(&id.to_le_bytes());
    record.extend_from_slice(content);
    let sum = checksum(record.get(SUMMED_FROM..).unwrap_or_default());
    drop(record.splice(1..SUMMED_FROM, sum));
    record
}

/// What a record holds; `None` if it is damaged, or of another version.
fn open(id: ItemId, record: &[u8]) -> Option<&[u8]> {
    let content = record.get(HEADER_BYTES..)?;
    (open_unnamed(record) == Some(id)).then_some(content)
}

/// Whose record it is; nothing if it is damaged, or of another version.
pub(super) fn open_unnamed(record: &[u8]) -> Option<ItemId> {
    let (header, summed) = record.split_at_checked(SUMMED_FROM)?;
    let (format, sum) = header.split_first()?;
    let id = ItemId::from_le_bytes(*summed.first_chunk()?);
    (*format == FORMAT && sum == checksum(summed)).then_some(id)
}

fn checksum(summed: &[u8]) -> [u8; CHECKSUM_BYTES] {
    digest(&SHA256, summed).as_ref().first_chunk().copied().unwrap_or_default()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

fn buried_byte(buried: Option<Cause>) -> u8 {
    match buried {
        None => 0,
        Some(Cause::Refused) => 1,
        Some(Cause::Attempts) => 2,
        Some(Cause::Age) => 3,
        Some(Cause::Salvaged) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            buried: Some(Cause::Age),
            attempts: 3,
            due_at: -1,
            age_max: 2,
            expires_at: 3,
            decided_at: 4,
            vigil_until: 5,
            lane: 6,
            vigil: 7,
            key: u128::MAX - 8,
            bytes: 9,
            destination: "https://crm.example:443".into(),
        }
    }

    #[test]
    fn a_state_comes_back_as_it_was() {
        assert_eq!(State::open(17, &state().seal(17)), Some(state()));
        for buried in [None, Some(Cause::Refused), Some(Cause::Attempts)] {
            let state = State { buried, ..state() };
            assert_eq!(State::open(1, &state.seal(1)), Some(state));
        }
    }

    #[test]
    fn any_damage_is_noticed() {
        let record = state().seal(17);
        assert_eq!(State::open(18, &record), None, "it stands in another's place");
        for at in 0..record.len() {
            let mut damaged = record.clone();
            damaged[at] ^= 1 << (at % 8);
            assert_eq!(State::open(17, &damaged), None, "a bit of byte {at}");
            assert_eq!(State::open(17, &record[..at]), None, "cut at {at}");
        }
    }
}
