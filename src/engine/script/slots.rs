//! The values that a script is given: of each name in scope only what the script looks at.
//!
//! A script that says `call.customer.number` is given a `call` that holds nothing else. Lists are cut down
//! likewise: of `messages[0].role` and `messages[-1].role` comes a list of two.

use rhai::{Dynamic, Identifier, Map, Scope};

use super::lines::Origin;
use super::value;
use super::walk::RawUse;
use crate::engine::diagnostic::Span;
use crate::engine::json::Val;
use crate::engine::path::Segment;

/// A value that a script looks at, which it is to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The name in scope.
    pub root: String,
    /// The path behind it; empty if it is used whole.
    pub path: Vec<Segment>,
    /// Where it is written.
    pub span: Span,
}

/// The shortest paths among `raw`: what is used whole is not listed again by its parts.
pub(super) fn shortest(raw: Vec<RawUse>, origin: &Origin) -> Vec<Use> {
    let mut uses: Vec<Use> = raw.into_iter().map(|raw| located(raw, origin)).collect();
    uses.sort_by(|a, b| (&a.root, &a.path, a.span).cmp(&(&b.root, &b.path, b.span)));
    uses = clear_of_contradictions(uses);
    let mut kept: Vec<Use> = Vec::new();
    for used in uses {
        if kept.last().is_none_or(|last| last.root != used.root || !used.path.starts_with(&last.path)) {
            kept.push(used);
        }
    }
    kept
}

/// Where one value is used as a list and as a map, only the whole of it serves both.
fn clear_of_contradictions(mut uses: Vec<Use>) -> Vec<Use> {
    let as_list = uses.clone();
    for used in &mut uses {
        let cut = (0..used.path.len()).find(|at| {
            let before = used.path.get(..*at).unwrap_or_default();
            let is_key = |path: &[Segment]| matches!(path.get(*at), Some(Segment::Key(_)));
            let other =
                |other: &&Use| other.root == used.root && other.path.starts_with(before) && other.path.len() > *at;
            as_list.iter().filter(other).any(|other| is_key(&other.path) != is_key(&used.path))
        });
        used.path.truncate(cut.unwrap_or(used.path.len()));
    }
    uses.sort_by(|a, b| (&a.root, &a.path, a.span).cmp(&(&b.root, &b.path, b.span)));
    uses
}

fn located(raw: RawUse, origin: &Origin) -> Use {
    let (start, _) = origin.lines.word(raw.from);
    let (to, end) = origin.lines.word(raw.to);
    let end = if raw.bracketed { origin.lines.past_bracket(to) } else { end };
    Use { root: raw.root, path: raw.path, span: origin.span((start, end.max(start))) }
}

/// The shape of what one name in scope is given.
#[derive(Debug, Clone)]
enum Shape {
    /// Absent: it is handed on, but nobody looks at it.
    Nothing,
    /// The value with this number.
    Value(usize),
    Fields(Vec<(Identifier, Shape)>),
    /// The first items, and the last ones; `None` where nobody looks.
    Items {
        first: Vec<Option<Shape>>,
        last: Vec<Option<Shape>>,
    },
}

/// How to make the variables of a script from the values of its uses.
#[derive(Debug, Clone)]
pub(super) struct Slots(Vec<(Identifier, Shape)>);

impl Slots {
    /// `uses` as [`shortest`] left them. A name of `handed` is in scope even if no use looks at it.
    pub(super) fn of<'n>(uses: &[Use], handed: impl IntoIterator<Item = &'n str>) -> Slots {
        let mut roots: Vec<(Identifier, Shape)> = Vec::new();
        for (number, used) in uses.iter().enumerate() {
            match roots.iter_mut().find(|(name, _)| *name == used.root) {
                Some((_, shape)) => shape.put(&used.path, number),
                None => roots.push((used.root.as_str().into(), Shape::of(&used.path, number))),
            }
        }
        for name in handed {
            if roots.iter().all(|(root, _)| root != name) {
                roots.push((name.into(), Shape::Nothing));
            }
        }
        Slots(roots)
    }

    /// The variables, made of one value for each use.
    pub(super) fn scope(&self, values: &[Val<'_>]) -> Scope<'static> {
        let mut scope = Scope::new();
        for (name, shape) in &self.0 {
            scope.push_dynamic(name.clone(), shape.fill(values));
        }
        scope
    }
}

impl Shape {
    fn of(path: &[Segment], number: usize) -> Shape {
        let mut shape = match path.first() {
            None => return Shape::Value(number),
            Some(Segment::Key(_)) => Shape::Fields(Vec::new()),
            Some(Segment::Index(_)) => Shape::Items { first: Vec::new(), last: Vec::new() },
        };
        shape.put(path, number);
        shape
    }

    fn put(&mut self, path: &[Segment], number: usize) {
        let Some((segment, rest)) = path.split_first() else { return };
        match (self, segment) {
            (Shape::Fields(fields), Segment::Key(key)) => match fields.iter_mut().find(|(name, _)| **name == **key) {
                Some((_, shape)) => shape.put(rest, number),
                None => fields.push(((**key).into(), Shape::of(rest, number))),
            },
            (Shape::Items { first, last }, Segment::Index(index)) => {
                let (side, at) = match usize::try_from(*index) {
                    Ok(at) => (first, at),
                    Err(_) => (last, usize::try_from(index.unsigned_abs() - 1).unwrap_or(0)),
                };
                if side.len() <= at {
                    side.resize(at + 1, None);
                }
                match side.get_mut(at) {
                    Some(Some(shape)) => shape.put(rest, number),
                    Some(empty) => *empty = Some(Shape::of(rest, number)),
                    None => {}
                }
            }
            _ => {}
        }
    }

    fn fill(&self, values: &[Val<'_>]) -> Dynamic {
        match self {
            Shape::Nothing => Dynamic::UNIT,
            Shape::Value(number) => values.get(*number).map_or(Dynamic::UNIT, value::from_val),
            Shape::Fields(fields) => {
                // Not collected: that would sort them in a list first.
                let mut map = Map::new();
                for (key, shape) in fields {
                    map.insert(key.clone(), shape.fill(values));
                }
                Dynamic::from_map(map)
            }
            Shape::Items { first, last } => {
                let items = first.iter().chain(last.iter().rev());
                let items = items.map(|item| item.as_ref().map_or(Dynamic::UNIT, |shape| shape.fill(values)));
                Dynamic::from_array(items.collect())
            }
        }
    }
}
