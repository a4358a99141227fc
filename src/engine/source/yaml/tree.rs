//! The parser's events, gathered into a tree.
//!
//! Nothing here recurses: open collections are on a stack whose height is checked before it grows, and
//! what aliases may multiply is counted before it is copied.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::super::super::diagnostic::{Diagnostic, FileId, Severity, Span};
use super::{DEPTH_MAX, Key, NODES_MAX, Node, Style, Text, Yaml, traps};
use anchors::Anchors;
use mapping::Mapping;
use written::Written;

mod anchors;
mod mapping;
mod source;
mod written;

pub(super) use source::Source;

/// See [`parse`](super::parse).
pub(super) fn build(file: FileId, text: &str, found: &mut Vec<Diagnostic>) -> Option<Node> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree = Tree::new(Source::new(file, text, body), found);
    for event in Parser::new_from_str(body) {
        let step = match event {
            Ok((event, marks)) => tree.event(event, marks.start.index()..marks.end.index()),
            Err(error) => {
                tree.broken(tree.source.chars.byte(error.marker().index()), error.info());
                Step::Stop
            }
        };
        match step {
            Step::On => {}
            Step::Enough => break,
            Step::Stop => return None,
        }
    }
    Some(tree.finish())
}

/// Whether to go on reading.
enum Step {
    On,
    /// What was read is a whole document.
    Enough,
    /// What was read is worth nothing.
    Stop,
}

/// A value with what is known of it while the tree is built.
#[derive(Clone)]
struct Grown {
    node: Node,
    /// How many values it is made of, itself included.
    nodes: usize,
    /// How deep it nests: 0 for a scalar.
    height: usize,
    /// The number by which aliases know it; 0 for none.
    anchor: usize,
}

/// A collection whose end has not come.
struct Open {
    /// The first byte, anchor and tag skipped.
    start: usize,
    /// Where what is in it ends so far.
    end: u32,
    anchor: usize,
    nodes: usize,
    height: usize,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map(Mapping),
}

struct Tree<'a> {
    source: Source<'a>,
    found: &'a mut Vec<Diagnostic>,
    open: Vec<Open>,
    anchors: Anchors,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

impl<'a> Tree<'a> {
    fn new(source: Source<'a>, found: &'a mut Vec<Diagnostic>) -> Tree<'a> {
        Tree { source, found, open: Vec::new(), anchors: Anchors::default(), nodes: 0, documents: 0, root: None }
    }

    fn event(&mut self, event: Event<'_>, marks: std::ops::Range<usize>) -> Step {
        let (start, end) = (self.source.chars.byte(marks.start), self.source.chars.byte(marks.end));
        match event {
            Event::DocumentStart(_) => self.document(start, end),
            Event::Scalar(text, style, anchor, tag) => {
                let written = Written { start, end, anchor, tag: tag.as_deref() };
                self.scalar(&text, style, written)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(Items::List(Vec::new()), Written { start, end, anchor, tag: tag.as_deref() })
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(Items::Map(Mapping::default()), Written { start, end, anchor, tag: tag.as_deref() })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(start, end),
            Event::Alias(anchor) => self.alias(anchor, self.source.span(start, end)),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Step::On,
        }
    }

    /// The tree, when the last event has come.
    fn finish(self) -> Node {
        for span in self.anchors.unused() {
            self.found.push(traps::unused_anchor(self.source.covered(span), span));
        }
        let empty = self.source.span(0, 0);
        match self.root {
            Some(Node { value: Yaml::Null, span }) if span.start == span.end => {
                Node { span, value: Yaml::Map(Vec::new()) }
            }
            Some(node) => node,
            None => Node { span: empty, value: Yaml::Map(Vec::new()) },
        }
    }

    fn document(&mut self, start: usize, end: usize) -> Step {
        self.documents += 1;
        if self.documents == 1 {
            return Step::On;
        }
        let span = self.source.span(start, end);
        self.found.push(
            Diagnostic::error("yaml-documents", span, "a second document begins here")
                .help("put what follows `---` into a file of its own, or take the `---` away"),
        );
        Step::Enough
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, written: Written<'_>) -> Step {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let span = written.scalar_span(&self.source, text, style);
        if self.wants_key() {
            return self.key(text, style, span, &written);
        }
        self.name_anchor(&written);
        let value = written.value(&self.source, text, style, span, self.found);
        // A number or a word such as `true` is whole, whatever follows.
        if style == Style::Plain && (text.is_empty() || matches!(value, Yaml::Text(_))) {
            self.found.extend(traps::comment(&self.source, text, span, self.in_brackets()));
        }
        self.grown(Grown { node: Node { span, value }, nodes: 1, height: 0, anchor: written.anchor })
    }

    fn begin(&mut self, items: Items, written: Written<'_>) -> Step {
        let start = written.value_start(&self.source);
        let span = self.source.span(start, written.end.max(start));
        if self.open.len() >= DEPTH_MAX {
            return self.stop(traps::too_deep(span));
        }
        let known = if matches!(items, Items::List(_)) { "seq" } else { "map" };
        if let Some(tag) = written.tag.filter(|tag| !(tag.is_yaml_core_schema() && tag.suffix == known)) {
            self.found.push(traps::no_tag(tag, "", written.property(&self.source, '!')));
        }
        self.name_anchor(&written);
        self.open.push(Open { start, end: span.start, anchor: written.anchor, nodes: 1, height: 0, items });
        Step::On
    }

    fn end(&mut self, start: usize, end: usize) -> Step {
        let Some(mut open) = self.open.pop() else {
            return Step::On;
        };
        // The end of a block collection is only noticed where the next thing begins.
        if start < end {
            open.end = self.source.span(start, start + 1).end;
        }
        let span = Span { end: open.end, ..self.source.span(open.start, open.start) };
        let span = Span { end: span.end.max(span.start), ..span };
        let value = match open.items {
            Items::List(items) => Yaml::List(items),
            Items::Map(mapping) => Yaml::Map(mapping.finish(self.found)),
        };
        let grown =
            Grown { node: Node { span, value }, nodes: open.nodes, height: open.height + 1, anchor: open.anchor };
        self.grown(grown)
    }

    /// Puts a complete value where it belongs.
    fn grown(&mut self, grown: Grown) -> Step {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return self.stop(traps::too_large(grown.node.span));
        }
        if let Err(diagnostic) = self.anchors.keep(&grown) {
            return self.stop(diagnostic);
        }
        let span = grown.node.span;
        let Some(open) = self.open.last_mut() else {
            self.root = Some(grown.node);
            return Step::On;
        };
        open.end = open.end.max(span.end);
        open.nodes += grown.nodes;
        open.height = open.height.max(grown.height);
        match &mut open.items {
            Items::List(items) => items.push(grown.node),
            Items::Map(mapping) if mapping.wants_key() => {
                mapping.no_key();
                let text = self.source.covered(span);
                self.found.push(traps::collection_as_key(text, span, &grown.node));
            }
            Items::Map(mapping) => mapping.value(grown.node, self.found),
        }
        Step::On
    }

    fn alias(&mut self, id: usize, span: Span) -> Step {
        let grown = match self.anchors.resolve(id, span, self.open.len()) {
            Ok(grown) => grown,
            Err(diagnostic) => return self.stop(diagnostic),
        };
        let key = grown.node.as_text().filter(|_| self.wants_key()).map(|text| text.text.clone());
        let step = match key {
            Some(text) => self.add_key(Key { text, span }, false),
            None => self.grown(grown),
        };
        if let Some(open) = self.open.last_mut() {
            open.end = open.end.max(span.end);
        }
        step
    }

    /// Says what is wrong where the parser gave up.
    fn broken(&mut self, at: usize, info: &str) {
        let begun = self.open.last().filter(|_| self.in_brackets()).map(|open| open.start);
        // What a `#` leaves out may be the bracket that is missed.
        let comment = self.found.last_mut().filter(|one| {
            one.slug == "yaml-comment" && begun.is_some_and(|begun| begun < self.source.byte(one.span.start))
        });
        match comment {
            Some(comment) => {
                comment.severity = Severity::Error;
                // With a space behind the `#`, the bracket would be missed all the same.
                comment.help.truncate(1);
            }
            None => self.found.push(traps::explain(&self.source, at, info)),
        }
    }

    /// Whether the innermost collection is written as `[…]` or `{…}`.
    fn in_brackets(&self) -> bool {
        self.open.last().is_some_and(|open| self.source.from(open.start).starts_with(['[', '{']))
    }

    /// Gives up, and says why.
    fn stop(&mut self, why: Diagnostic) -> Step {
        self.found.push(why);
        Step::Stop
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { items: Items::Map(mapping), .. }) if mapping.wants_key())
    }

    fn key(&mut self, text: &str, style: Style, span: Span, written: &Written<'_>) -> Step {
        if written.anchor != 0 {
            self.name_anchor(written);
            let value = Yaml::Text(Text { text: text.to_owned(), style, span });
            let grown = Grown { node: Node { span, value }, nodes: 1, height: 0, anchor: written.anchor };
            if let Err(diagnostic) = self.anchors.keep(&grown) {
                return self.stop(diagnostic);
            }
        }
        if text.is_empty() && style == Style::Plain {
            self.found.push(traps::no_key(span));
        }
        let merges = text == "<<" && style == Style::Plain && written.tag.is_none();
        self.add_key(Key { text: text.to_owned(), span }, merges)
    }

    fn add_key(&mut self, key: Key, merges: bool) -> Step {
        if let Some(open) = self.open.last_mut()
            && let Items::Map(mapping) = &mut open.items
        {
            open.end = open.end.max(key.span.end);
            mapping.key(key, merges);
        }
        Step::On
    }

    fn name_anchor(&mut self, written: &Written<'_>) {
        if written.anchor != 0 {
            self.anchors.name(written.anchor, written.property(&self.source, '&'));
        }
    }
}
