//! Makes templates and expressions of what stands in the YAML.

use serde_json::{Number, Value};

use super::Workshop;
use super::hyphen;
use super::names::Names;
use super::placeholder::{Piece, Unclosed, split};
use super::vars::plain;
use super::yaml::{Key, Node, Yaml};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::path::{Path, Segment};
use crate::engine::script::{Expression, Use};
use crate::engine::template::{Constant, Part, Template};
use crate::engine::term::{Evaluation, Lookup, Term};

impl Workshop<'_> {
    /// Makes a template; what is wrong in it is noted, and a template comes back all the same so that
    /// the checking can go on.
    pub(super) fn template(&mut self, node: &Node, names: &Names) -> Template {
        match &node.value {
            Yaml::Null => Template::Constant(Constant::Null),
            Yaml::Bool(value) => Template::Constant(Constant::Bool(*value)),
            Yaml::Int(value) => Template::Constant(Constant::Number((*value).into())),
            Yaml::Float(value) => Template::Constant(Number::from_f64(*value).map_or(Constant::Null, Constant::Number)),
            Yaml::Text(text) => self.text_template(&text.text, node, names),
            Yaml::List(items) => Template::List(items.iter().map(|item| self.template(item, names)).collect()),
            Yaml::Map(entries) => self.map(entries, names),
        }
    }

    /// A mapping, whose keys are sent as they are written.
    fn map(&mut self, entries: &[(Key, Node)], names: &Names) -> Template {
        let mut map = Some(Vec::with_capacity(entries.len()));
        for (key, entry) in entries {
            let entry = self.template(entry, names);
            let Some(text) = plain(&key.text) else {
                let message = "the name before a `:` is sent as it is written, without `${…}`";
                self.found.push(
                    Diagnostic::error("not-constant", key.span, message).help(
                        "only values can hold `${…}`; to choose a name for a value, make the mapping in a `script`",
                    ),
                );
                map = None;
                continue;
            };
            if let Some(map) = &mut map {
                map.push((text.into(), entry));
            }
        }
        map.map_or_else(broken, Template::Map)
    }

    fn text_template(&mut self, text: &str, node: &Node, names: &Names) -> Template {
        let pieces = match split(text) {
            Ok(pieces) => pieces,
            Err(unclosed) => {
                self.found.push(self.unclosed(node, unclosed));
                return broken();
            }
        };
        match pieces.as_slice() {
            [Piece::Text(text)] => return Template::Constant(Constant::Text(text.into())),
            [Piece::Hole(range)] => return self.hole(text, range.start, range.end, node, names),
            _ => {}
        }
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Text(text) => parts.push(Part::Text(text.into())),
                Piece::Hole(range) => match self.hole(text, range.start, range.end, node, names) {
                    Template::Hole(term) => parts.push(Part::Hole(term)),
                    // What is known now need not be joined for every event.
                    constant => parts.push(Part::Text(joined(constant.constant()).into())),
                },
            }
        }
        if parts.iter().all(|part| matches!(part, Part::Text(_))) {
            let texts = parts.iter().map(|part| if let Part::Text(text) = part { text.as_str() } else { "" });
            return Template::Constant(Constant::Text(texts.collect()));
        }
        Template::Text(parts)
    }

    fn hole(&mut self, text: &str, start: usize, end: usize, node: &Node, names: &Names) -> Template {
        let written = text.get(start..end).unwrap_or_default();
        let lead = written.len() - written.trim_start().len();
        let start = start + lead;
        let written = written.trim();
        if written.is_empty() {
            let span = self.locate(node, start.saturating_sub(2), start + 1);
            self.found.push(
                Diagnostic::error("empty-placeholder", span, "there is nothing between `${` and `}`")
                    .help("name a value, such as `${customer.number}`; for the letters `${` themselves write `$${`"),
            );
            return broken();
        }
        if let Some(path) = Path::parse(written) {
            let span = self.locate(node, start, start + written.len());
            return match self.lookup(&path, span, names) {
                Some(Lookup::Constant(value)) => spread(*value),
                Some(lookup) => Template::Hole(Term::Lookup(lookup)),
                None => broken(),
            };
        }
        match self.expression(written, start, node, names, false) {
            Some(evaluation) => Template::Hole(Term::Evaluation(Box::new(evaluation))),
            None => broken(),
        }
    }

    /// Compiles an expression, or with `block` a block of statements, which begins at byte `offset` of the
    /// text that `node` holds.
    pub(super) fn expression(
        &mut self,
        written: &str,
        offset: usize,
        node: &Node,
        names: &Names,
        block: bool,
    ) -> Option<Evaluation> {
        let known = names.for_scripts();
        let (sources, scripts) = (self.sources, self.scripts);
        let locate = |start: usize, end: usize| locate(sources, node, offset + start, offset + end);
        let mut new = Vec::new();
        let expression = if block {
            scripts.block(written, &known, &locate, &mut new)
        } else {
            scripts.expression(written, &known, &locate, &mut new)
        };
        if let Some(reach) = expression.as_ref().map(Expression::reach) {
            self.involves.waiting = true;
            self.involves.others |= reach.others();
            self.tables_used.note_all(reach);
        }
        let before = self.found.len();
        let inputs = expression.as_ref().and_then(|expression| self.inputs(expression, names));
        new.extend(self.found.drain(before..));
        hyphen::explain(written, &locate, &mut new);
        self.found.append(&mut new);
        Some(Evaluation { expression: expression?, inputs: inputs? })
    }

    fn inputs(&mut self, expression: &Expression, names: &Names) -> Option<Box<[Lookup]>> {
        let mut inputs = Vec::with_capacity(expression.uses().len());
        for used in expression.uses() {
            let lookup = self.lookup_of(used, names);
            if let Some(Lookup::Secret(name)) = &lookup {
                self.found.push(
                    Diagnostic::error("unknown-name", used.span, "expressions do not see secrets").help(format!(
                        "let it stand alone between its braces: `${{secrets.{name}}}`; it is filled in when the request is sent"
                    )),
                );
            }
            inputs.push(lookup);
        }
        inputs.into_iter().collect()
    }

    /// Resolves a path, or notes what is wrong with it.
    pub(super) fn lookup(&mut self, path: &Path, span: Span, names: &Names) -> Option<Lookup> {
        self.look_up(path, span, names, false)
    }

    /// Resolves what a script looks at, or notes what is wrong with it.
    pub(super) fn lookup_of(&mut self, used: &Use, names: &Names) -> Option<Lookup> {
        self.look_up(&Path::new(&used.root, used.path.iter().cloned()), used.span, names, true)
    }

    fn look_up(&mut self, path: &Path, span: Span, names: &Names, in_script: bool) -> Option<Lookup> {
        if names.stage.tells_others() && path.segments() == [Segment::Key("event".into())] {
            self.found.push(
                Diagnostic::warning(
                    "whole-event",
                    span,
                    "the whole `event` can hold credentials and all that was said",
                )
                .help("name what the other service needs, such as `${call.id}` and `${analysis.summary}`"),
            );
        }
        match names.resolve(path, self) {
            Ok(mut lookup) => {
                lookup.steps_mut().into_iter().for_each(|steps| self.known_steps.share(steps));
                if matches!(lookup, Lookup::Arguments(_)) {
                    self.note_argument(path, span, names, in_script);
                }
                self.found.extend(names.misleading(path).map(|remedy| {
                    Diagnostic::warning("misleading-field", span, format!("`{path}` is not what it seems")).help(remedy)
                }));
                Some(lookup)
            }
            Err(trouble) => {
                self.found.push(trouble.at(span));
                None
            }
        }
    }

    fn unclosed(&self, node: &Node, unclosed: Unclosed) -> Diagnostic {
        let span = self.locate(node, unclosed.at, unclosed.at + 2);
        Diagnostic::error("unclosed-placeholder", span, "this `${` has no `}`")
            .help("close it, or write `$${` for the letters `${` themselves")
    }

    /// Where bytes `start..end` of the text that `node` holds stand in its file.
    pub(super) fn locate(&self, node: &Node, start: usize, end: usize) -> Span {
        locate(self.sources, node, start, end)
    }
}

fn locate(sources: &crate::engine::diagnostic::Sources, node: &Node, start: usize, end: usize) -> Span {
    match sources.file(node.span.file) {
        Some(file) => node.locate(&file.text, start, end),
        None => node.span,
    }
}

/// What stands for a placeholder that is wrong: it could be anything, so that no second fault is found in it.
pub(super) fn broken() -> Template {
    Template::Hole(Term::Lookup(Lookup::Constant(Box::default())))
}

/// A constant as a template, level by level.
fn spread(value: Value) -> Template {
    match value {
        Value::Array(items) => Template::List(items.into_iter().map(spread).collect()),
        Value::Object(entries) => {
            Template::Map(entries.into_iter().map(|(key, entry)| (key.into(), spread(entry))).collect())
        }
        Value::Null => Template::Constant(Constant::Null),
        Value::Bool(value) => Template::Constant(Constant::Bool(value)),
        Value::Number(value) => Template::Constant(Constant::Number(value)),
        Value::String(text) => Template::Constant(Constant::Text(text.into())),
    }
}

/// A constant as it reads inside a text.
fn joined(value: Option<Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    }
}
