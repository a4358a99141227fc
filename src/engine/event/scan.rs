//! One pass over a body that finds every wanted value.
//!
//! [`pass`] lets `serde_json` walk the body along the trie of what is wanted; all else is checked and
//! skipped, and no tree is made of anything. It gives up where `serde_json` would refuse what we
//! accept (half a surrogate pair, `1e999`), at keys with escapes, where a field that everything hangs
//! on is repeated, and on what is no JSON at all; then [`search`] checks the body and looks in the
//! checked text, which takes longer but knows every case. Both find the same, which a test shows.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::EventError;
use super::trie::{Node, ROOT, Wanted};
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
    pub(super) fn text(self, body: &str) -> Option<&str> {
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

/// Scans the valid, not too deeply nested UTF-8 `body`.
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
    let mut json = serde_json::Deserializer::from_str(body);
    json.deserialize_map(Envelope { finder: &mut finder, root: &wanted.root }).ok()?;
    json.end().ok()?;
    let has_envelope = finder.message.is_some();
    if !has_envelope {
        finder = Finder::new(body, wanted);
        finder.message = Some(body.trim_ascii());
        let seed = Visit { node: &wanted.root, finder: &mut finder };
        seed.deserialize(&mut serde_json::Deserializer::from_str(body)).ok()?;
    }
    Some(finder.finish(has_envelope, wanted))
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
        }
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

    /// Finds what lies at and below `node`, which is where `value` lies.
    fn walk(&mut self, node: &Node, value: Json<'_>) {
        let here = node.here.overlaps(self.kinds);
        self.meet(node, if here { Extent::of(value.raw(), self.body) } else { Extent::MET });
        if !node.below.overlaps(self.kinds) {
            return;
        }
        for (key, field) in value.entries_as_written() {
            if let Some(child) = node.fields.get(&*key) {
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

/// Reads the outermost object and finds the message in it.
struct Envelope<'f, 'b, 't> {
    finder: &'f mut Finder<'b>,
    root: &'t Node,
}

impl<'b> Visitor<'b> for Envelope<'_, 'b, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut fields: A) -> Result<(), A::Error> {
        let Envelope { finder, root } = self;
        // Where the message lies: behind its key and before the next one, or else the last brace.
        let (mut after, mut before) = (None, None);
        let mut is_object = false;
        while let Some(key) = fields.next_key::<&str>()? {
            let here = Extent::of(key, finder.body);
            if key != "message" {
                before = before.or(after.and(Some(here.start)));
                fields.next_value::<IgnoredAny>()?;
            } else if after.replace(here.end).is_none() {
                is_object = fields.next_value_seed(Visit { node: root, finder: &mut *finder })?;
            } else {
                return Err(A::Error::custom("`message` is repeated"));
            }
        }
        if let (true, Some(after)) = (is_object, after) {
            let end = before.or_else(|| finder.body.rfind('}')).unwrap_or_default();
            let around = finder.body.get(after..end).unwrap_or_default();
            finder.message = Some(around.trim_matches([' ', '\t', '\n', '\r', ',', ':', '"']));
        }
        Ok(())
    }
}

/// Finds what lies at and below a place; says whether it is an object.
struct Visit<'f, 'b, 't> {
    node: &'t Node,
    finder: &'f mut Finder<'b>,
}

impl<'b> DeserializeSeed<'b> for Visit<'_, 'b, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'b>>(self, json: D) -> Result<bool, D::Error> {
        let Visit { node, finder } = self;
        let here = node.here.overlaps(finder.kinds) && node.place != ROOT;
        let below = node.below.overlaps(finder.kinds);
        if here {
            let raw = <&RawValue>::deserialize(json)?.get();
            finder.meet(node, Extent::of(raw, finder.body));
            if below {
                let mut json = serde_json::Deserializer::from_str(raw);
                return json.deserialize_any(Below { node, finder }).map_err(D::Error::custom);
            }
        } else if below {
            finder.meet(node, Extent::MET);
            return json.deserialize_any(Below { node, finder });
        } else {
            IgnoredAny::deserialize(json)?;
        }
        Ok(false)
    }
}

/// Finds what lies below a place; says whether there is an object.
struct Below<'f, 'b, 't> {
    node: &'t Node,
    finder: &'f mut Finder<'b>,
}

impl<'b> Visitor<'b> for Below<'_, 'b, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut fields: A) -> Result<bool, A::Error> {
        let Below { node, finder } = self;
        while let Some(key) = fields.next_key::<&str>()? {
            if node.place == ROOT && key == "type" {
                if finder.type_met {
                    return Err(A::Error::custom("`type` is repeated"));
                }
                let name = fields.next_value::<&RawValue>()?.get();
                finder.meet_type(Json::of_checked(name));
                if let Some(child) = node.fields.get("type") {
                    finder.walk(child, Json::of_checked(name));
                }
            } else if let Some(child) = node.fields.get(key) {
                fields.next_value_seed(Visit { node: child, finder: &mut *finder })?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut items: A) -> Result<bool, A::Error> {
        let Below { node, finder } = self;
        for at in 0.. {
            let item = match node.items.get(&at) {
                Some(child) => items.next_element_seed(Visit { node: child, finder: &mut *finder })?.map(drop),
                None => items.next_element::<IgnoredAny>()?.map(drop),
            };
            if item.is_none() {
                break;
            }
        }
        Ok(false)
    }

    // Nothing lies below any other value.

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}
