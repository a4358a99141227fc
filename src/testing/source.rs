//! Test files as their authors wrote them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Case, EventFiles, Expect, Step, Suite, answers, event};
use crate::engine::Engine;
use crate::engine::diagnostic::{Diagnostic, FileId, Sources, Span};
use crate::engine::path::Path;
use crate::engine::source::is_test_file;
use crate::engine::source::read::{Each, Field, Spanned, read};
use crate::engine::source::yaml::{self, Node, Yaml};

/// When events come about which nothing is said: a Monday, at ten in the morning in New York.
const NOW: &str = "2026-01-05T15:00:00Z";

/// A test, or a step of one, exactly as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(rename = "a test")]
struct TestSource {
    name: Option<Field<Spanned<String>>>,
    event: Option<Node>,
    set: Option<Node>,
    unset: Option<Field<Each<Spanned<String>>>>,
    at: Option<Field<Spanned<String>>>,
    answers: Option<Node>,
    state: Option<Node>,
    headers: Option<Node>,
    seed: Option<Field<u64>>,
    expect: Option<Node>,
    steps: Option<Each<Node>>,
}

impl Suite {
    /// Reads the test files among `sources`; what is wrong with them is added to `found`.
    #[must_use]
    pub fn read(sources: &Sources, files: &EventFiles<'_>, engine: &Engine, found: &mut Vec<Diagnostic>) -> Suite {
        let rules = engine.rules().rules().iter().map(|rule| rule.name.clone()).collect();
        let mut reader = Reader { sources, files, rules, found };
        let tests = sources.iter().filter(|(_, file)| is_test_file(&file.path));
        Suite { cases: tests.flat_map(|(id, file)| reader.file(id, &file.path, &file.text)).collect() }
    }
}

/// Reads one event that is to be decided, with what is known of the world.
pub(super) fn step(
    node: &Node,
    sources: &Sources,
    files: &EventFiles<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<Step> {
    let source: TestSource = read(node, "an event to explain", found)?;
    if let Some(expect) = &source.expect {
        let message = "nothing is held against anything here, so `expect` has no place";
        found.push(Diagnostic::error("unknown-field", expect.span, message).help("write it into a test"));
    }
    Reader { sources, files, rules: Vec::new(), found }.step(&source, None, node.span, "")
}

struct Reader<'a> {
    sources: &'a Sources,
    files: &'a EventFiles<'a>,
    /// The names of the rules.
    rules: Vec<String>,
    found: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn file(&mut self, id: FileId, path: &str, text: &str) -> Vec<Case> {
        let folder = path.rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/"));
        let Some(tree) = yaml::parse(id, text, self.found) else { return Vec::new() };
        for (key, _) in tree.entries().iter().filter(|(key, _)| key.text != "tests") {
            let message = format!("a test file has no field `{}`", key.text);
            self.found.push(Diagnostic::error("unknown-field", key.span, message).help("it holds `tests`, a list"));
        }
        let Some(tests) = tree.get("tests") else {
            let message = "there are no tests in this file";
            let help = "begin it with `tests:` and write each behind a dash: `- name: …`";
            self.found.push(Diagnostic::error("missing-field", tree.span, message).help(help));
            return Vec::new();
        };
        let Yaml::List(items) = &tests.value else {
            let message = format!("`tests` is a list, not {}", tests.describe());
            self.found.push(Diagnostic::error("wrong-type", tests.span, message).help("begin each with `- name: …`"));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.test(item, &folder)).collect()
    }

    fn test(&mut self, node: &Node, folder: &str) -> Option<Case> {
        let source: TestSource = read(node, "a test", self.found)?;
        let Some(name) = source.name.as_ref().and_then(Field::get).cloned() else {
            let found = Diagnostic::error("missing-field", node.span, "a test needs a `name`");
            self.found.push(found.help("say what it shows: `name: a regular is greeted by name`"));
            return None;
        };
        let steps = match &source.steps {
            None => self.step(&source, None, name.span, folder).into_iter().collect(),
            Some(Each(nodes)) => self.steps(&source, nodes, folder),
        };
        Some(Case { name: name.value, place: self.sources.place(name.span), steps })
    }

    fn steps(&mut self, test: &TestSource, nodes: &[Node], folder: &str) -> Vec<Step> {
        if let Some(expect) = &test.expect {
            let found = Diagnostic::error("two-answers", expect.span, "a test with `steps` expects in its steps");
            self.found.push(found.help("move `expect` into the step that it is about"));
        }
        let mut steps = Vec::with_capacity(nodes.len());
        for (number, node) in (1..).zip(nodes) {
            let Some(source) = read::<TestSource>(node, "a step", self.found) else { continue };
            if source.steps.is_some() {
                self.found.push(Diagnostic::error("unknown-field", node.span, "a step has no steps of its own"));
            }
            let step = self.step(&source, Some(test), node.span, folder);
            steps.extend(step.map(|step| Step { name: format!("step {number}"), ..step }));
        }
        steps
    }

    /// A step; what it does not say of the world, `around` says.
    fn step(&mut self, source: &TestSource, around: Option<&TestSource>, span: Span, folder: &str) -> Option<Step> {
        let Some(event) = source.event.as_ref().or_else(|| around?.event.as_ref()) else {
            let found = Diagnostic::error("missing-field", span, "a test needs an `event`");
            self.found.push(found.help("name a kind, as in `event: assistant-request`, or a file"));
            return None;
        };
        let mut message = event::event(event, folder, self.files, self.found)?;
        for source in around.into_iter().chain([source]) {
            source.set.iter().for_each(|node| event::set(&mut message, node, self.found));
            for path in source.unset.as_ref().and_then(Field::get).map(|Each(all)| all.as_slice()).unwrap_or_default() {
                self.unset(&mut message, path);
            }
        }
        let expect = match &source.expect {
            Some(node) => Expect::read(node, &self.rules, self.found)?,
            None => Expect::default(),
        };
        let mut known: Vec<_> = source.answers.iter().flat_map(|node| answers::answers(node, self.found)).collect();
        if let Some(node) = around.and_then(|around| around.answers.as_ref()) {
            known.extend(answers::answers(node, self.found));
        }
        let state = source.state.as_ref().or_else(|| around?.state.as_ref());
        let headers = source.headers.as_ref().or_else(|| around?.headers.as_ref());
        Some(Step {
            name: String::new(),
            // An API's request is the body alone (contract, section 1).
            body: if message.get("type").is_some() { json!({ "message": message }) } else { message },
            now: self.moment(source.at.as_ref().or_else(|| around?.at.as_ref())),
            seed: source.seed.as_ref().and_then(Field::get).copied().unwrap_or_default(),
            headers: headers.map(object).unwrap_or_default(),
            state: state.map(object),
            answers: known,
            expect,
        })
    }

    fn unset(&mut self, message: &mut Value, path: &Spanned<String>) {
        if Path::parse(&path.value).is_none() {
            let found =
                Diagnostic::error("bad-path", path.span, format!("`{}` is not the name of a value", path.value));
            self.found.push(found.help("write for example `customer.number`"));
        }
        event::unset(message, &path.value);
    }

    fn moment(&mut self, written: Option<&Field<Spanned<String>>>) -> Timestamp {
        let usual = NOW.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let Some(written) = written.and_then(Field::get) else { return usual };
        written.value.parse().unwrap_or_else(|_| {
            let message = format!("`{}` is not a moment", written.value);
            let found = Diagnostic::error("bad-date", written.span, message);
            self.found.push(found.help("write it with its offset: `2026-11-23T18:30:00-05:00`, or `…Z` for UTC"));
            usual
        })
    }
}

fn object(node: &Node) -> Map<String, Value> {
    match node.to_json() {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
