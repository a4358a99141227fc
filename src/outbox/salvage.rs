//! Finds the items in a file that cannot be opened any more.
//!
//! Each record has a sum of its own and says whose it is, so that it is known wherever it lies. What became of an item is
//! written elsewhere, and lost: it may have been delivered long ago. So nobody but an operator can say what is to be done
//! with what is found here.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use memchr::memmem::Finder;

use super::job::EVENT_BYTES_MAX;
use super::put_off::Item;
use super::queue::ItemId;
use super::record::{HEADER_BYTES, open_unnamed};

/// How items begin.
const BEGINNINGS: [&[u8]; 2] = [b"{\"action\":{", b"{\"event\":{"];
/// How much of the file is looked at at once; more than the longest item.
const WINDOW_BYTES: usize = 2 * EVENT_BYTES_MAX;

/// The items in the file, at most `items_max`: of more, those with the highest numbers.
pub(super) fn items(path: &Path, items_max: usize) -> std::io::Result<Vec<(ItemId, Item)>> {
    let mut file = File::open(path)?;
    let (mut found, mut window) = (HashMap::new(), Vec::new());
    loop {
        let kept = window.len();
        let read = file.by_ref().take((WINDOW_BYTES - kept) as u64).read_to_end(&mut window)?;
        let is_last = read < WINDOW_BYTES - kept;
        let open = search(&window, is_last, &mut found);
        if is_last {
            break;
        }
        // What begins here may go on behind it.
        window.drain(..open);
        forget_the_oldest(&mut found, items_max);
    }
    forget_the_oldest(&mut found, items_max);
    let mut items: Vec<_> = found.into_iter().collect();
    items.sort_unstable_by_key(|(id, _)| *id);
    Ok(items)
}

/// Adds what is found in `window`; returns from where on it has to be looked at again, with more behind it.
fn search(window: &[u8], is_last: bool, found: &mut HashMap<ItemId, Item>) -> usize {
    let half = WINDOW_BYTES / 2;
    let end = if is_last { window.len() } else { half };
    for beginning in BEGINNINGS {
        for at in Finder::new(beginning).find_iter(window).take_while(|at| *at < end) {
            let record = at.checked_sub(HEADER_BYTES).and_then(|start| window.get(start..));
            if let Some((id, item)) = record.and_then(whole) {
                found.insert(id, item);
            }
        }
    }
    // The header of the next one may lie before.
    end.saturating_sub(HEADER_BYTES)
}

/// The item whose record `bytes` begin with; more may follow.
fn whole(bytes: &[u8]) -> Option<(ItemId, Item)> {
    let content = bytes.get(HEADER_BYTES..)?;
    let mut values = serde_json::Deserializer::from_slice(content).into_iter::<Item>();
    let item = values.next()?.ok()?;
    let id = open_unnamed(bytes.get(..HEADER_BYTES + values.byte_offset())?)?;
    Some((id, item))
}

fn forget_the_oldest(found: &mut HashMap<ItemId, Item>, items_max: usize) {
    if found.len() <= items_max {
        return;
    }
    let mut ids: Vec<ItemId> = found.keys().copied().collect();
    ids.sort_unstable();
    let first = ids.get(ids.len() - items_max).copied().unwrap_or_default();
    found.retain(|id, _| first <= *id);
}
