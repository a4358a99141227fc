//! Test files as their authors wrote them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::world::{TestSource, World};
use super::{Case, EventFiles, Expect, Step, Suite, event};
use crate::engine::Engine;
use crate::engine::diagnostic::{self, Diagnostic, FileId, Sources, Span, has_errors};
use crate::engine::source::read::{Field, Spanned, read};
use crate::engine::source::yaml::{self, Node, Yaml};
use crate::engine::source::{drop_consequences, is_test_file};

impl Suite {
    /// Reads the test files among `sources`; what is wrong with them is added to `found`. A test in which something is
    /// wrong is left out, and counted.
    #[must_use]
    pub fn read(sources: &Sources, files: &EventFiles<'_>, engine: &Engine, found: &mut Vec<Diagnostic>) -> Suite {
        let rules = engine.rules().rules().iter().map(|rule| rule.name.to_string()).collect();
        let (mut suite, mut wrong) = (Suite::default(), Vec::new());
        let mut reader = Reader { sources, files, rules, found: &mut wrong };
        for (id, file) in sources.iter().filter(|(_, file)| is_test_file(&file.path)) {
            reader.file(id, &file.path, &file.text, &mut suite);
        }
        drop_consequences(&mut wrong, sources);
        diagnostic::sort(&mut wrong);
        found.append(&mut wrong);
        suite
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
    let mut reader = Reader { sources, files, rules: Vec::new(), found };
    reader.step(&source, Around::default(), node.span, "")
}

/// The same of an event that is at hand; `node` says what is known of the world.
pub(super) fn step_of(event: Value, node: &Node, sources: &Sources, found: &mut Vec<Diagnostic>) -> Option<Step> {
    let source: TestSource = read(node, "an event to explain", found)?;
    let mut reader = Reader { sources, files: &EventFiles::default(), rules: Vec::new(), found };
    let world = World::read(&source, reader.found);
    reader.step_with(event::unwrapped(event), &world, &source, Around::default())
}

struct Reader<'a> {
    sources: &'a Sources,
    files: &'a EventFiles<'a>,
    /// The names of the rules.
    rules: Vec<String>,
    found: &'a mut Vec<Diagnostic>,
}

/// What a step's test says, which holds where the step says nothing.
#[derive(Clone, Copy, Default)]
struct Around<'a> {
    event: Option<&'a Node>,
    world: Option<&'a World>,
    /// Whether the call has a state already, which the step before has left.
    goes_on: bool,
}

impl Reader<'_> {
    fn file(&mut self, id: FileId, path: &str, text: &str, suite: &mut Suite) {
        let folder = path.rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/"));
        let Some(tree) = yaml::parse(id, text, self.found) else {
            suite.unread += 1;
            return;
        };
        for (key, _) in tree.entries().iter().filter(|(key, _)| key.text != "tests") {
            let message = format!("a test file has no field `{}`", key.text);
            self.found.push(Diagnostic::error("unknown-field", key.span, message).help("it holds `tests`, a list"));
        }
        let mut names = HashMap::new();
        let tests = self.tests(&tree);
        suite.unread += usize::from(tests.is_empty());
        for item in tests {
            let before = self.found.len();
            let case = self.test(item, &folder, &mut names);
            match case.filter(|_| !has_errors(self.found.get(before..).unwrap_or_default())) {
                Some(case) => suite.cases.push(case),
                None => suite.broken += 1,
            }
        }
    }

    fn tests<'n>(&mut self, tree: &'n Node) -> &'n [Node] {
        let Some(tests) = tree.get("tests") else {
            let message = "there are no tests in this file";
            let help = "begin it with `tests:` and write each behind a dash: `- name: …`";
            self.found.push(Diagnostic::error("missing-field", tree.span, message).help(help));
            return &[];
        };
        self.list("tests", tests, "begin each with `- name: …`")
    }

    /// The items below `what`, of which there must be some.
    fn list<'n>(&mut self, what: &str, node: &'n Node, help: &str) -> &'n [Node] {
        let (slug, message) = match &node.value {
            Yaml::List(items) if !items.is_empty() => return items,
            Yaml::List(_) | Yaml::Null => ("empty-field", format!("there is nothing below `{what}`")),
            _ => ("wrong-type", format!("`{what}` is a list, not {}", node.describe())),
        };
        self.found.push(Diagnostic::error(slug, node.span, message).help(help));
        &[]
    }

    fn test(&mut self, node: &Node, folder: &str, names: &mut HashMap<String, Span>) -> Option<Case> {
        let source: TestSource = read(node, "a test", self.found)?;
        let Some(name) = source.name.as_ref().and_then(Field::get) else {
            if node.get("name").is_none() {
                let found = Diagnostic::error("missing-field", node.span, "a test needs a `name`");
                self.found.push(found.help("say what it shows: `name: a regular is greeted by name`"));
            }
            return None;
        };
        self.note(name, names);
        let steps = match &source.steps {
            None => self.step(&source, Around::default(), name.span, folder).into_iter().collect(),
            Some(steps) => self.steps(&source, steps, folder),
        };
        Some(Case { name: name.value.clone(), place: self.sources.place(name.span), steps })
    }

    /// No two tests of a file have the same name.
    fn note(&mut self, name: &Spanned<String>, names: &mut HashMap<String, Span>) {
        if let Some(first) = names.insert(name.value.clone(), name.span) {
            let message = format!("two tests are called `{}`", name.value);
            self.found.push(
                Diagnostic::error("duplicate-name", name.span, message)
                    .note(first, "the first one is here")
                    .help("give one of them another name: a report tells them apart by it"),
            );
        }
    }

    fn steps(&mut self, test: &TestSource, steps: &Node, folder: &str) -> Vec<Step> {
        if let Some(expect) = &test.expect {
            let found = Diagnostic::error("two-answers", expect.span, "a test with `steps` expects in its steps");
            self.found.push(found.help("move `expect` into the step that it is about"));
        }
        let world = World::read(test, self.found);
        let mut read_steps = Vec::new();
        for (number, node) in (1..).zip(self.list("steps", steps, "write each behind a dash: `- expect: { … }`")) {
            let Some(source) = read::<TestSource>(node, "a step", self.found) else { continue };
            if let Some(steps) = &source.steps {
                let found = Diagnostic::error("unknown-field", steps.span, "a step has no steps of its own");
                self.found.push(found.help("write them one below the other"));
            }
            let around = Around { event: test.event.as_ref(), world: Some(&world), goes_on: number > 1 };
            let step = self.step(&source, around, node.span, folder);
            read_steps.extend(step.map(|step| Step { name: format!("step {number}"), ..step }));
        }
        self.fit_somewhere(&world, &read_steps);
        read_steps
    }

    /// What a test changes in the messages of its steps must be in one of them at least.
    fn fit_somewhere(&mut self, world: &World, steps: &[Step]) {
        let kinds: Vec<_> = steps.iter().map(|step| event::kind(step.message())).collect();
        for change in &world.changes {
            let misfits: Vec<_> = kinds.iter().filter_map(|kind| change.misfit(*kind)).collect();
            if misfits.len() == kinds.len() {
                // Who has come further along the path says better what was meant.
                self.found.extend(misfits.into_iter().min_by_key(|misfit| misfit.slug != "unknown-path"));
            }
        }
    }

    /// An event and what is expected of it; what `source` does not say, what is `around` it says.
    fn step(&mut self, source: &TestSource, around: Around<'_>, span: Span, folder: &str) -> Option<Step> {
        let own = World::read(source, self.found);
        let Some(node) = source.event.as_ref().or(around.event) else {
            let found = Diagnostic::error("missing-field", span, "a test needs an `event`");
            self.found.push(found.help("name a kind, as in `event: assistant-request`, or a file"));
            return None;
        };
        let message = event::event(node, folder, self.files, self.found)?;
        self.step_with(message, &own, source, around)
    }

    /// The same of a message that is at hand.
    fn step_with(&mut self, mut message: Value, own: &World, source: &TestSource, around: Around<'_>) -> Option<Step> {
        let nothing = World::default();
        let outer = around.world.unwrap_or(&nothing);
        let kind = event::kind(&message);
        for change in outer.changes.iter().filter(|change| change.misfit(kind).is_none()) {
            change.apply(&mut message);
        }
        for change in &own.changes {
            self.found.extend(change.misfit(kind));
            change.apply(&mut message);
        }
        let expect = match &source.expect {
            Some(node) => Expect::read(node, &self.rules, self.found)?,
            None => Expect::default(),
        };
        Some(Step {
            name: String::new(),
            body: enveloped(message),
            now: own.now(outer),
            seed: own.seed(outer),
            headers: own.headers(outer),
            state: own.state(if around.goes_on { &nothing } else { outer }),
            answers: own.answers.iter().chain(&outer.answers).cloned().collect(),
            expect,
        })
    }
}

/// The body of the request. An API's request is the body alone (contract, section 1).
fn enveloped(message: Value) -> Value {
    if message.get("type").is_some() { json!({ "message": message }) } else { message }
}
