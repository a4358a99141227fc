//! One pass over a body that finds every wanted value.
//!
//! [`pass`] walks the body along the trie of what is wanted, and no tree is made of anything. What is wanted is checked;
//! of what nobody looks at only the brackets and quotes are counted, which is most of the body and takes a third of
//! the time. Vapi writes the tool calls of a message three times: only the list that will be read is checked. The pass
//! gives up at keys with escapes, where a field that everything hangs on is repeated, and on what is no JSON at all; then
//! [`search`] checks the body and looks in the checked text, which takes longer but knows every case. Both find the same,
//! which a test shows.

use super::trie::{Node, ROOT, Slot, Wanted};
use super::{EventError, tool_call};
use crate::engine::json::reader::Reader;
use crate::engine::json::{Json, JsonType};
use crate::engine::kind::{EventKind, FINAL_TRANSCRIPT, Kind, KindSet};

/// A stretch of the body, in bytes. An empty one means that nothing was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Extent {
    /// Marks a place that was met, though its own value was not wanted.
    const MET: Extent = Extent { start: usize::MAX, end: usize::MAX };

    /// Where `part` lies in `body`, of which it is a slice.
    fn of(part: &str, body: &str) -> Extent {
        let start = part.as_ptr().addr().saturating_sub(body.as_ptr().addr());
        Extent { start, end: start + part.len() }
    }

    /// The stretch of `body`, if there is anything.
    pub(super) fn bytes(self, body: &[u8]) -> Option<&[u8]> {
        body.get(self.start..self.end).filter(|bytes| !bytes.is_empty())
    }

    /// The same, while all of the body is known to be text.
    fn text(self, body: &str) -> Option<&str> {
        body.get(self.start..self.end).filter(|text| !text.is_empty())
    }
}

/// What was found in a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: EventKind,
    /// Whether the kind was spelt as that of final transcripts.
    pub(super) is_final_transcript: bool,
    /// For every place of the trie, the value that lies there.
    pub(super) extents: Vec<Extent>,
}

impl Found {
    /// The value at `slot` of `body`, in which this was found.
    pub(super) fn at<'b>(&self, slot: &Slot, body: &'b str) -> Option<Json<'b>> {
        Json::of_checked(self.extent(slot).text(body)?).walk(&slot.rest)
    }

    /// Where the value lies of which `slot` is, or is a part.
    pub(super) fn extent(&self, slot: &Slot) -> Extent {
        self.extents.get(slot.place).copied().unwrap_or_default()
    }
}

/// Scans the UTF-8 `body`.
pub(super) fn scan(body: &str, wanted: &Wanted) -> Result<Found, EventError> {
    match pass(body, wanted) {
        Some(found) => found,
        None => search(body, wanted),
    }
}

/// Scans in one pass; `None` if the body is not as simple as nearly all are.
///
/// A body that turns out to be no envelope is gone through once more as a message of its own: only
/// simulations, `apiRequest` tools and custom models post such.
pub(super) fn pass(body: &str, wanted: &Wanted) -> Option<Result<Found, EventError>> {
    let mut finder = Finder::new(body, wanted);
    finder.read_envelope(&wanted.root)?;
    let has_envelope = finder.message.is_some();
    if !has_envelope {
        finder = Finder::new(body, wanted);
        finder.message = Some(body.trim_ascii());
        finder.read(&wanted.root, &mut Reader::new(body))?;
    }
    let found = finder.finish(has_envelope, wanted);
    if let Ok(found) = &found {
        check_tools(found, body, wanted)?;
    }
    Some(found)
}

/// Checks the list of tool calls that is going to be read: the pass has only leapt over it and its likes.
fn check_tools(found: &Found, body: &str, wanted: &Wanted) -> Option<()> {
    match tool_call::best(wanted.tool_lists.iter().map(|list| found.at(list, body))) {
        Some(list) => Json::passes(list.raw()).then_some(()),
        None => Some(()),
    }
}

/// Scans by checking the body and then walking through it.
pub(super) fn search(body: &str, wanted: &Wanted) -> Result<Found, EventError> {
    let whole = Json::parse(body)?;
    if whole.kind() != JsonType::Object {
        return Err(EventError::NotAnObject);
    }
    let inner = whole.get("message").filter(|inner| inner.kind() == JsonType::Object);
    let message = inner.unwrap_or(whole);
    let mut finder = Finder::new(body, wanted);
    finder.message = Some(message.raw());
    if let Some(name) = message.get("type") {
        finder.meet_type(name);
    }
    finder.walk(&wanted.root, message);
    finder.finish(inner.is_some(), wanted)
}

/// What was found so far.
struct Finder<'b> {
    body: &'b str,
    message: Option<&'b str>,
    extents: Vec<Extent>,
    kind: Option<EventKind>,
    is_final_transcript: bool,
    /// The kinds that the message may still be of: all until its type was met.
    kinds: KindSet,
    /// Whether its type was met, be it a name or not.
    type_met: bool,
    /// Whether somebody may look at the message as a whole, so that all of it must be sound.
    whole: bool,
}

impl<'b> Finder<'b> {
    fn new(body: &'b str, wanted: &Wanted) -> Finder<'b> {
        Finder {
            body,
            message: None,
            extents: vec![Extent::default(); wanted.kinds.len()],
            kind: None,
            is_final_transcript: false,
            kinds: KindSet::ALL,
            type_met: false,
            whole: wanted.root.here != KindSet::EMPTY,
        }
    }

    /// Passes a value that nobody wants. What nobody looks at only has to be closed, and not too deep.
    #[inline]
    fn pass_over(&self, reader: &mut Reader<'b>) -> Option<()> {
        if self.whole { reader.skip() } else { reader.leap() }
    }

    fn meet_type(&mut self, name: Json<'_>) {
        self.type_met = true;
        if let Some(name) = name.as_str() {
            let kind = EventKind::from_name(&name);
            self.kinds = KindSet::from(&kind);
            self.kind = Some(kind);
            self.is_final_transcript = name == FINAL_TRANSCRIPT;
        }
    }

    /// Remembers what lies at `node`, and forgets what lay there and below if this is a repetition.
    #[inline]
    fn meet(&mut self, node: &Node, extent: Extent) {
        let Some(place) = self.extents.get_mut(node.place) else { return };
        if std::mem::replace(place, extent) != Extent::default() {
            node.children().for_each(|child| self.forget(child));
        }
    }

    fn forget(&mut self, node: &Node) {
        if let Some(place) = self.extents.get_mut(node.place) {
            *place = Extent::default();
        }
        node.children().for_each(|child| self.forget(child));
    }

    /// Reads the outermost object, and the message if it is in it.
    fn read_envelope(&mut self, root: &Node) -> Option<()> {
        let mut reader = Reader::new(self.body);
        let mut met = false;
        let mut more = reader.peek()? == b'{' && reader.begin()?;
        while more {
            if reader.key()? != "message" {
                self.pass_over(&mut reader)?;
            } else if std::mem::replace(&mut met, true) {
                return None;
            } else {
                let is_object = reader.peek()? == b'{';
                let extent = self.read(root, &mut reader)?;
                self.message = extent.text(self.body).filter(|_| is_object);
            }
            more = reader.more()?;
        }
        reader.at_end().then_some(())
    }

    /// Reads the value at `node`, and finds what is wanted of it.
    fn read(&mut self, node: &Node, reader: &mut Reader<'b>) -> Option<Extent> {
        let here = node.here.overlaps(self.kinds) && node.place != ROOT;
        let below = node.below.overlaps(self.kinds);
        if here || below {
            self.meet(node, Extent::MET);
        }
        let first = reader.peek()?;
        let start = reader.at();
        match first {
            b'{' if below => self.read_fields(node, reader)?,
            b'[' if below => self.read_items(node, reader)?,
            _ if here && !node.checked_by_reader => reader.skip()?,
            _ => self.pass_over(reader)?,
        }
        let extent = Extent { start, end: reader.at() };
        if here && let Some(place) = self.extents.get_mut(node.place) {
            *place = extent;
        }
        Some(extent)
    }

    fn read_fields(&mut self, node: &Node, reader: &mut Reader<'b>) -> Option<()> {
        let mut more = reader.begin()?;
        while more {
            let key = reader.key()?;
            let child = node.field(key);
            if node.place == ROOT && key == "type" {
                if self.type_met {
                    return None;
                }
                self.read_type(child, reader)?;
            } else if let Some(child) = child {
                self.read(child, reader)?;
            } else {
                self.pass_over(reader)?;
            }
            more = reader.more()?;
        }
        Some(())
    }

    fn read_type(&mut self, node: Option<&Node>, reader: &mut Reader<'b>) -> Option<()> {
        reader.peek()?;
        let start = reader.at();
        reader.skip()?;
        let name = Json::of_checked(self.body.get(start..reader.at())?);
        self.meet_type(name);
        if let Some(node) = node {
            self.walk(node, name);
        }
        Some(())
    }

    fn read_items(&mut self, node: &Node, reader: &mut Reader<'b>) -> Option<()> {
        let mut more = reader.begin()?;
        for at in 0.. {
            if !more {
                break;
            }
            match node.items.get(&at) {
                Some(child) => self.read(child, reader).map(drop)?,
                None => self.pass_over(reader)?,
            }
            more = reader.more()?;
        }
        Some(())
    }

    /// Finds what lies at and below `node`, which is where `value` lies.
    fn walk(&mut self, node: &Node, value: Json<'_>) {
        let here = node.here.overlaps(self.kinds);
        self.meet(node, if here { Extent::of(value.raw(), self.body) } else { Extent::MET });
        if !node.below.overlaps(self.kinds) {
            return;
        }
        for (key, field) in value.entries_as_written() {
            if let Some(child) = node.field(&key) {
                self.walk(child, field);
            }
        }
        for (at, item) in (0..).zip(value.items()) {
            if let Some(child) = node.items.get(&at) {
                self.walk(child, item);
            }
        }
    }

    /// Draws the conclusion.
    fn finish(mut self, has_envelope: bool, wanted: &Wanted) -> Result<Found, EventError> {
        let kind = match self.kind.take() {
            Some(kind) => kind,
            None if has_envelope => return Err(EventError::NoType),
            None => EventKind::Known(Kind::ApiRequest),
        };
        // What was kept only because the type was not known yet goes: what is found must not depend on
        // the order in which fields are written.
        for (place, kinds) in self.extents.iter_mut().zip(&wanted.kinds) {
            if !kinds.overlaps(KindSet::from(&kind)) {
                *place = Extent::default();
            }
        }
        if let Some(root) = self.extents.get_mut(ROOT) {
            *root = self.message.map_or_else(Extent::default, |message| Extent::of(message, self.body));
        }
        Ok(Found { kind, is_final_transcript: self.is_final_transcript, extents: self.extents })
    }
}
