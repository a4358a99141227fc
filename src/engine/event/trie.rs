//! Which values of a message are wanted, compiled into one trie.
//!
//! All paths that any rule, template or script mentions are wanted beforehand, so that one pass over
//! a body finds them all. Every place of the trie has a number, and a [`Slot`] is such a number with
//! what is left to walk from there: a negative index cannot be found in passing, so the list above it
//! is kept and walked when somebody asks.

use std::collections::BTreeMap;

use crate::engine::kind::{Kind, KindSet};
use crate::engine::path::{Segment, Steps};

/// The place of the whole message.
pub(super) const ROOT: usize = 0;

/// Where to find a wanted value in every event that was scanned with the same [`Wanted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// A place of the trie.
    pub(super) place: usize,
    /// What is left to walk from there.
    pub(in crate::engine) rest: Steps,
}

/// What is wanted of messages, ready for scanning.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub(super) root: Node,
    /// For every place of the trie, the kinds for which the value there is wanted.
    pub(super) kinds: Vec<KindSet>,
    pub(super) call_id: Slot,
    pub(super) transcript_type: Slot,
    /// Of a status update, the status and the time.
    pub(super) stamps: [Slot; 2],
    /// Where tool calls may be listed, the best place first.
    pub(super) tool_lists: [Slot; 3],
    pub(super) function_call: Slot,
}

/// One place in a message.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) place: usize,
    /// The kinds for which the value here is wanted.
    pub(super) here: KindSet,
    /// The kinds for which anything below is wanted.
    pub(super) below: KindSet,
    /// Whether only those ask for the value here who check it themselves, so that it need not be checked in passing.
    pub(super) checked_by_reader: bool,
    fields: BTreeMap<Box<str>, Node>,
    /// How long the names of these are: a bit for each length, the highest one for all that are longer.
    field_lengths: u64,
    pub(super) items: BTreeMap<i64, Node>,
}

/// The bit of [`Node::field_lengths`] for a name.
fn length_bit(name: &str) -> u64 {
    1 << name.len().min(63)
}

impl Node {
    /// The place of the field `name`, if anything is wanted there or below. Most fields of a message nobody wants, and of most of
    /// these the length says so.
    pub(super) fn field(&self, name: &str) -> Option<&Node> {
        if self.field_lengths & length_bit(name) == 0 { None } else { self.fields.get(name) }
    }

    /// The places directly below.
    pub(super) fn children(&self) -> impl Iterator<Item = &Node> {
        self.fields.values().chain(self.items.values())
    }

    fn list_kinds(&self, kinds: &mut [KindSet]) {
        if let Some(place) = kinds.get_mut(self.place) {
            *place = self.here;
        }
        self.children().for_each(|child| child.list_kinds(kinds));
    }

    /// The place below that `segment` names, if anything is wanted there or below.
    fn known_child(&self, segment: &Segment) -> Option<&Node> {
        match segment {
            Segment::Key(key) => self.field(key),
            Segment::Index(index) => self.items.get(index),
        }
    }

    /// The place below that `segment` names, made if need be.
    fn child(&mut self, segment: &Segment) -> &mut Node {
        match segment {
            Segment::Key(key) => {
                self.field_lengths |= length_bit(key);
                self.fields.entry(key.clone()).or_default()
            }
            Segment::Index(index) => self.items.entry(*index).or_default(),
        }
    }
}

/// Collects what is wanted.
#[derive(Debug)]
pub struct WantedBuilder {
    root: Node,
    places: usize,
}

impl Default for WantedBuilder {
    fn default() -> WantedBuilder {
        WantedBuilder { root: Node::default(), places: ROOT + 1 }
    }
}

impl WantedBuilder {
    /// Starts with nothing.
    #[must_use]
    pub fn new() -> WantedBuilder {
        WantedBuilder::default()
    }

    /// Wants what lies at `path`, counted from the message, in messages of `kinds`. The empty path is
    /// the whole message. Equal paths give the same slot.
    pub fn want(&mut self, kinds: KindSet, path: &[Segment]) -> Slot {
        let known = path.iter().take_while(|segment| !matches!(segment, Segment::Index(..0))).count();
        let (path, rest) = path.split_at_checked(known).unwrap_or((path, &[]));
        let mut node = &mut self.root;
        for segment in path {
            node.below = node.below.union(kinds);
            node = node.child(segment);
            if node.place == ROOT {
                node.place = self.places;
                self.places += 1;
            }
        }
        node.here = node.here.union(kinds);
        Slot { place: node.place, rest: rest.into() }
    }

    /// The same for somebody who checks the value before he reads it.
    fn want_unchecked(&mut self, kinds: KindSet, path: &[Segment]) -> Slot {
        let before = path.iter().try_fold(&self.root, |node, segment| node.known_child(segment));
        let unchecked = before.is_none_or(|node| node.here == KindSet::EMPTY);
        let slot = self.want(kinds, path);
        path.iter().fold(&mut self.root, Node::child).checked_by_reader = unchecked;
        slot
    }

    /// Adds what every event needs, whatever the rules want, and makes it ready.
    #[must_use]
    pub fn build(mut self) -> Wanted {
        let tools = Kind::ALL.iter().copied().filter(|kind| kind.asks_for_tools()).collect();
        let key = |key: &str| Segment::Key(key.into());
        self.want(KindSet::ALL, &[key("type")]);
        let call_id = self.want(KindSet::ALL, &[key("call"), key("id")]);
        let transcript_type = self.want(Kind::Transcript.into(), &[key("transcriptType")]);
        let stamps = ["status", "timestamp"].map(|stamp| self.want(Kind::StatusUpdate.into(), &[key(stamp)]));
        let lists = ["toolCallList", "toolCalls", "toolWithToolCallList"];
        let tool_lists = lists.map(|list| self.want_unchecked(tools, &[key(list)]));
        let function_call = self.want(tools, &[key("functionCall")]);
        let mut kinds = vec![KindSet::EMPTY; self.places];
        self.root.list_kinds(&mut kinds);
        Wanted { root: self.root, kinds, call_id, transcript_type, stamps, tool_lists, function_call }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::path::Path;

    fn want(builder: &mut WantedBuilder, path: &str) -> Slot {
        builder.want(KindSet::ALL, Path::parse(&format!("event{path}")).unwrap().rest())
    }

    #[test]
    fn equal_paths_share_a_slot_and_others_do_not() {
        let mut builder = WantedBuilder::new();
        let paths = ["", ".a", ".a.b", ".a[0]", ".a[0].b", ".a[-1]", ".a[-1].b", ".b", "[-1]"];
        let slots: Vec<Slot> = paths.iter().map(|path| want(&mut builder, path)).collect();
        let again: Vec<Slot> = paths.iter().map(|path| want(&mut builder, path)).collect();
        assert_eq!(slots, again);
        for (at, slot) in slots.iter().enumerate() {
            assert!(!slots[..at].contains(slot), "{}", paths[at]);
        }
    }

    #[test]
    fn a_negative_index_is_walked_to_from_the_list_above_it() {
        let mut builder = WantedBuilder::new();
        let list = want(&mut builder, ".a.list");
        let role = want(&mut builder, ".a.list[-1].role");
        assert_eq!(role.place, list.place);
        assert_eq!(*role.rest, [Segment::Index(-1), Segment::Key("role".into())]);
    }
}
