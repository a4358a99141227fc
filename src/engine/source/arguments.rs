//! Which arguments declared tools have, as far as their schemas say so.
//!
//! A model fills in what is declared, so an argument that no declaration knows is always absent. JSON Schema allows
//! more than it lists unless it says otherwise, and somebody else than a model may call the tool: that earns a warning.
//! What a schema refuses is an error.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::Workshop;
use super::names::{Names, list};
use super::yaml::Node;
use crate::engine::diagnostic::{Diagnostic, FileId, Severity, Span, closest};
use crate::engine::path::{Path, Segment};

/// What a schema may say of an object while its `properties` are still all that is known of it.
const PLAIN: &[&str] = &[
    "$comment",
    "$schema",
    "additionalProperties",
    "default",
    "deprecated",
    "description",
    "examples",
    "properties",
    "required",
    "title",
    "type",
];

/// All declared tools by their names: where each is declared, and the schema of its arguments, if it says so.
pub(super) struct Arguments(HashMap<String, (Span, Option<Value>)>);

/// What was found of arguments that no tool declares. Several rules can share a script or an action, so what is absent
/// for one of them may be there for another.
#[derive(Default)]
pub(super) struct Undeclared {
    found: Vec<Diagnostic>,
    declared: HashSet<Span>,
}

/// A part of a path that a schema does not know.
struct Missing<'a> {
    /// Which segment it is.
    at: usize,
    /// What is known in its place.
    known: Vec<&'a str>,
    /// Whether the schema refuses it.
    is_refused: bool,
}

impl Arguments {
    /// Gathers what the files declare under `tools`.
    pub(super) fn of(files: &[(FileId, Node)]) -> Arguments {
        let tools = files.iter().filter_map(|(_, node)| node.get("tools")).flat_map(Node::entries);
        let schemas = tools.map(|(key, tool)| {
            let schema = tool.get("parameters").map(Node::to_json);
            (key.text.clone(), (key.span, schema))
        });
        Arguments(schemas.collect())
    }

    /// Whether a tool is declared under this name.
    pub(super) fn has_tool(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl Undeclared {
    /// What is certain once every rule was looked at: one finding at each place, the mildest.
    pub(super) fn finished(self) -> impl Iterator<Item = Diagnostic> {
        let Undeclared { found, declared } = self;
        let mut by_place: HashMap<Span, Diagnostic> = HashMap::new();
        for one in found.into_iter().filter(|one| !declared.contains(&one.span)) {
            let severity = one.severity;
            let kept = by_place.entry(one.span).or_insert(one);
            kept.severity = kept.severity.max(severity);
        }
        by_place.into_values()
    }
}

impl Workshop<'_> {
    /// Looks at the argument that `path` leads to; a script may also have put it there itself.
    pub(super) fn note_argument(&mut self, path: &Path, span: Span, names: &Names, in_script: bool) {
        match undeclared(self.arguments, path, span, names, in_script) {
            Some(found) => self.undeclared.found.push(found),
            None => drop(self.undeclared.declared.insert(span)),
        }
    }
}

/// Says that none of the rule's tools has the argument that `path` leads to, if that is certain.
fn undeclared(all: &Arguments, path: &Path, span: Span, names: &Names, in_script: bool) -> Option<Diagnostic> {
    let (mut missing, mut declared_at) = (Vec::new(), Vec::new());
    for tool in &names.tools {
        let (place, schema) = all.0.get(tool)?;
        missing.push(missing_in(schema.as_ref()?, path.rest(), 0)?);
        declared_at.push(*place);
    }
    let furthest = missing.iter().map(|missing| missing.at).max()?;
    let known: Vec<&str> =
        missing.iter().filter(|it| it.at == furthest).flat_map(|it| it.known.iter().copied()).collect();
    let written = if let Some(Segment::Key(written)) = path.rest().get(furthest) { &**written } else { "" };
    let meant = closest(written, known.iter().copied());
    if in_script && meant.is_none() {
        return None;
    }
    let shown = path.to_string();
    let message = match names.tools.as_slice() {
        [tool] => format!("the tool `{tool}` declares no argument `{}`", shown.trim_start_matches("args.")),
        _ => format!("none of these tools declares an argument `{}`", shown.trim_start_matches("args.")),
    };
    let is_refused = !in_script && missing.iter().all(|missing| missing.is_refused);
    let found = Diagnostic {
        severity: if is_refused { Severity::Error } else { Severity::Warning },
        ..Diagnostic::warning("unknown-argument", span, message)
    };
    let found = match meant {
        Some(meant) => found.help(format!("did you mean `{}`?", with(path, furthest, meant))),
        None if known.is_empty() => {
            found.help("it takes none: remove this, or declare it under `properties:` of its `parameters:`")
        }
        None => found.help(format!("declare it, too, or use one of {}", list(known.into_iter()))),
    };
    Some(declared_at.into_iter().fold(found, |found, place| found.note(place, "it is declared here")))
}

/// `path`, whose segment number `at` behind the root is called otherwise.
fn with(path: &Path, at: usize, name: &str) -> Path {
    let rest = path.rest().iter().enumerate();
    let renamed = rest.map(|(index, segment)| if index == at { Segment::Key(name.into()) } else { segment.clone() });
    Path::new(path.root(), renamed)
}

/// The first segment of `path`, of which `at` come before, that no object of this schema has; `None` if that is not
/// certain.
fn missing_in<'s>(schema: &'s Value, path: &[Segment], at: usize) -> Option<Missing<'s>> {
    let (first, rest) = path.split_first()?;
    let fields = schema.as_object()?;
    let is_a = |name: &str| fields.get("type").is_some_and(|it| it == name);
    let Segment::Key(name) = first else {
        let items = fields.get("items").filter(|_| is_a("array"))?;
        return missing_in(items, rest, at + 1);
    };
    if !is_a("object") || !fields.keys().all(|key| PLAIN.contains(&key.as_str())) {
        return None;
    }
    let properties = fields.get("properties")?.as_object()?;
    if let Some(inner) = properties.get(&**name) {
        return missing_in(inner, rest, at + 1);
    }
    let is_refused = match fields.get("additionalProperties") {
        None => false,
        Some(Value::Bool(false)) => true,
        Some(_) => return None,
    };
    Some(Missing { at, known: properties.keys().map(String::as_str).collect(), is_refused })
}
