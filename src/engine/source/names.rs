//! What the names in a rule mean, and whether an event of its kinds can have them at all.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Workshop;
use super::vars::Vars;
use crate::engine::diagnostic::{Diagnostic, Span, closest};
use crate::engine::fields::{self, Verdict};
use crate::engine::json::Val;
use crate::engine::kind::{Kind, KindSet};
use crate::engine::path::{Path, Segment, Steps};
use crate::engine::question::FIELDS;
use crate::engine::script;
use crate::engine::table::Tables;
use crate::engine::term::Lookup;

/// Names that every rule has besides the fields of its events.
const ALWAYS: &[&str] = &["event", "vars", "headers", "now", "state"];
/// Names that only tool calls have.
const FOR_TOOLS: &[&str] = &["args", "tool"];
/// Names that come with actions.
const FOR_ACTIONS: &[&str] = &["reply", "result"];

/// What is known at the place of a name, besides the event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing: it is still to be decided what is answered.
    Deciding,
    /// Secrets: it is what others are asked before that.
    Asking,
    /// What was answered.
    Acting,
    /// What was answered, and secrets: it is what others are sent.
    Sending,
}

impl Stage {
    fn knows_reply(self) -> bool {
        matches!(self, Stage::Acting | Stage::Sending)
    }

    /// Whether what stands there is sent as it is, so that secrets can be filled in.
    fn fills_in_secrets(self) -> bool {
        matches!(self, Stage::Asking | Stage::Sending)
    }

    /// Whether what stands there may leave the house.
    pub(super) fn tells_others(self) -> bool {
        self != Stage::Deciding
    }
}

/// The names that one rule may use.
#[derive(Clone)]
pub(super) struct Names {
    /// What the rule is called.
    pub(super) rule: String,
    /// The kinds of event that the rule is for.
    pub(super) kinds: KindSet,
    /// The tools that it is for; empty: all, or none.
    pub(super) tools: Vec<String>,
    /// The names of its own, in the order of their numbers.
    pub(super) lets: Vec<String>,
    /// Which of these are of `fetch`.
    pub(super) fetches: Range<usize>,
    /// Which of them are rows of tables, by their numbers, and of which tables.
    pub(super) rows: BTreeMap<usize, String>,
    /// What is known there.
    pub(super) stage: Stage,
}

impl Names {
    /// The same names at another stage.
    pub(super) fn at(&self, stage: Stage) -> Names {
        Names { stage, ..self.clone() }
    }

    /// These names and those that are `given` besides, whose numbers begin with `first`. They go before those of the rule.
    pub(super) fn given(&self, first: usize, given: Vec<String>) -> Names {
        let mut lets = self.lets.clone();
        // Numbers in between belong to others, and have no names here.
        lets.resize(first, String::new());
        lets.extend(given);
        Names { lets, ..self.clone() }
    }

    /// Whether kinds are among the rule's whose fields nobody knows: new ones, and those that hold what others send.
    fn open(&self) -> bool {
        let anything = [Segment::Key("anything".into())];
        let holds_anything = |kind| fields::look_up(kind, &anything) == Verdict::Open;
        self.kinds.overlaps(KindSet::UNKNOWN) || self.kinds.kinds().any(holds_anything)
    }

    fn for_tools(&self) -> bool {
        self.kinds.kinds().any(Kind::asks_for_tools)
    }

    /// The names that an expression of this rule may begin with.
    pub(super) fn for_scripts(&self) -> script::Names {
        let mut names: script::Names = self.all().into_iter().collect();
        names.open = self.open();
        names
    }

    fn all(&self) -> Vec<String> {
        let mut names: Vec<String> = self.lets.iter().filter(|name| !name.is_empty()).cloned().collect();
        names.extend(ALWAYS.iter().map(ToString::to_string));
        if self.for_tools() {
            names.extend(FOR_TOOLS.iter().map(ToString::to_string));
        }
        if self.stage.knows_reply() {
            names.extend(FOR_ACTIONS.iter().map(ToString::to_string));
        }
        if self.stage.tells_others() {
            // Where secrets must not stand, that is said of them.
            names.push("secrets".to_owned());
        }
        names.extend(self.kinds.kinds().flat_map(fields::roots).map(ToOwned::to_owned));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Says where the value at `path` is found, or what is wrong with the path.
    pub(super) fn resolve(&self, path: &Path, shop: &mut Workshop<'_>) -> Result<Lookup, Trouble> {
        let rest = || path.rest().into();
        if let Some(index) = self.lets.iter().rposition(|name| name == path.root()) {
            shop.looked_up.insert(index);
            if self.fetches.contains(&index) {
                check_answer(path)?;
            }
            if let Some(table) = self.rows.get(&index) {
                check_column(path, table, &shop.sheets.tables)?;
            }
            return Ok(Lookup::Let(index, rest()));
        }
        match path.root() {
            "event" => self.field(path.rest(), path, shop),
            "vars" => constant(shop.vars, path),
            "headers" => {
                shop.wants_headers = true;
                Ok(Lookup::Headers(rest()))
            }
            "state" => Ok(Lookup::State(rest())),
            "now" if path.rest().is_empty() => Ok(Lookup::Now),
            "now" => Err(Trouble::new("unknown-path", format!("`now` is a text and has no `{path}`"))
                .help("to take a time apart, write an expression such as `${time::format(now, \"%H\")}`")),
            "args" if self.for_tools() => Ok(Lookup::Arguments(rest())),
            "tool" if self.for_tools() => tool(path),
            name @ ("args" | "tool") => {
                Err(Trouble::new("unknown-name", format!("`{name}` exists only for tool calls"))
                    .help("name the tool with `tool:`, or the kind with `on: tool-calls`"))
            }
            "secrets" if self.stage.fills_in_secrets() => secret(path, shop.options.secrets.as_deref()),
            "secrets" => Err(Trouble::new("unknown-name", "`secrets` exists only in what a request sends")
                .help("write it into the URL, the headers or the content of a request; it must not be said or kept")),
            name @ ("reply" | "result") if self.stage.knows_reply() => {
                shop.involves.reply = true;
                Ok(if name == "reply" { Lookup::Reply(rest()) } else { Lookup::Result(rest()) })
            }
            name if FOR_ACTIONS.contains(&name) && !self.is_field(name) => {
                Err(Trouble::new("unknown-name", format!("`{name}` exists only in `do`"))
                    .help("it is what the event was answered with, which is not known before"))
            }
            _ => self.field(path.segments(), path, shop),
        }
    }

    /// Whether anything is called `name`.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.open() || self.all().iter().any(|known| known == name)
    }

    fn is_field(&self, name: &str) -> bool {
        self.kinds.kinds().any(|kind| fields::roots(kind).contains(&name))
    }

    /// A value of the message; the path must be possible in one of the rule's kinds at least.
    fn field(&self, segments: &[Segment], path: &Path, shop: &mut Workshop<'_>) -> Result<Lookup, Trouble> {
        // What nobody knows may have any field, but only below `event` or where the contract knows the name.
        let through_event = path.root() == "event";
        if !(self.open() && through_event) {
            self.check_field(segments, path)?;
        }
        Ok(Lookup::Event(shop.wanted.want(self.kinds, segments)))
    }

    /// What to use instead of a field that every message of the rule's kinds may have, but that misleads.
    pub(super) fn misleading(&self, path: &Path) -> Option<&'static str> {
        if self.lets.iter().any(|name| name == path.root()) {
            return None;
        }
        let segments = if path.root() == "event" { path.rest() } else { path.segments() };
        let known = |kind| fields::look_up(kind, segments) == Verdict::Known;
        fields::wrong_turns(segments).filter(|_| self.kinds.kinds().any(known))
    }

    fn check_field(&self, segments: &[Segment], path: &Path) -> Result<(), Trouble> {
        let mut unknown: Option<(usize, Vec<&'static str>)> = None;
        for kind in self.kinds.kinds() {
            match fields::look_up(kind, segments) {
                Verdict::Known | Verdict::Open => return Ok(()),
                Verdict::Unknown { segment, mut known } => {
                    // The kind that follows the path furthest says best what was meant.
                    let (furthest, names) = unknown.get_or_insert((segment, Vec::new()));
                    if segment > *furthest {
                        names.clear();
                        *furthest = segment;
                    }
                    if segment == *furthest {
                        names.append(&mut known);
                    }
                }
            }
        }
        match unknown {
            // Without a known kind only the fields that every message has can be told from mistakes.
            None => match fields::look_up(Kind::Metadata, segments) {
                Verdict::Unknown { segment: 0, .. } => Err(self.unknown_name(path)),
                _ => Ok(()),
            },
            Some((0, _)) if path.root() != "event" => Err(self.unknown_name(path)),
            Some((at, names)) => Err(self.unknown_path(segments, at, &names, path)),
        }
    }

    fn unknown_name(&self, path: &Path) -> Trouble {
        let trouble = Trouble::new("unknown-name", format!("nothing is called `{}` here", path.root()));
        if let Some(right) = fields::wrong_turns(path.segments()) {
            return trouble.help(right);
        }
        if let ("env", Some(Segment::Key(name))) = (path.root(), path.rest().first()) {
            return trouble.help(environment(name));
        }
        let names = self.all();
        match closest(path.root(), names.iter().map(String::as_str)) {
            Some(name) => trouble.help(format!("did you mean `{name}`?")),
            None if self.open() => trouble.help("fields of kinds that are not known here are reached through `event`"),
            None => trouble.help(format!("names here are {}", list(names.iter().map(String::as_str)))),
        }
    }

    fn unknown_path(&self, segments: &[Segment], at: usize, names: &[&'static str], path: &Path) -> Trouble {
        let kinds: Vec<&str> = self.kinds.kinds().map(Kind::name).collect();
        let whose = match kinds.as_slice() {
            [kind] => format!("no `{kind}` event has"),
            _ => "no event of these kinds has".to_owned(),
        };
        let trouble = Trouble::new("unknown-path", format!("{whose} a field `{path}`"));
        if let Some(right) = fields::wrong_turns(segments) {
            return trouble.help(right);
        }
        let Some(Segment::Key(written)) = segments.get(at) else {
            return trouble.help("this value is not a list, so it has no items");
        };
        if let Some(name) = closest(written, names.iter().copied()) {
            let offset = path.segments().len() - segments.len();
            let right =
                path.segments().iter().enumerate().map(|(index, segment)| {
                    if index == at + offset { Segment::Key(name.into()) } else { segment.clone() }
                });
            return trouble
                .help(format!("did you mean `{}`?", Path::new("", right).to_string().trim_start_matches("[\"\"].")));
        }
        if names.is_empty() { trouble } else { trouble.help(format!("known there: {}", list(names.iter().copied()))) }
    }
}

/// What is wrong with the path of a field, if messages of this kind have none there. What stands where there may be
/// anything is right.
#[must_use]
pub fn unknown_field(kind: Kind, path: &Path, span: Span) -> Option<Diagnostic> {
    let segments = if path.root() == "event" { path.rest() } else { path.segments() };
    let Verdict::Unknown { segment, mut known } = fields::look_up(kind, segments) else { return None };
    let (rule, tools, lets, rows) = (String::new(), Vec::new(), Vec::new(), BTreeMap::new());
    let names = Names { rule, kinds: kind.into(), tools, lets, fetches: 0..0, rows, stage: Stage::Deciding };
    if segment == 0 && names.for_tools() {
        known.extend(FOR_TOOLS);
    }
    Some(names.unknown_path(segments, segment, &known, path).at(span))
}

/// How a rule comes by what stands in the environment.
fn environment(name: &str) -> String {
    let secret = name.to_lowercase();
    format!(
        "rules do not see the environment: write `secrets: {{ {secret}: {{ env: {name} }} }}` into `switchhook.yaml`, \
         and `${{secrets.{secret}}}` where a request sends it"
    )
}

/// A value of `vars`, which cannot change once the rules are loaded.
fn constant(vars: &Vars<'_>, path: &Path) -> Result<Lookup, Trouble> {
    let Some(Segment::Key(name)) = path.rest().first() else {
        return Err(Trouble::new("unknown-name", "`vars` is used with the name of a variable: `vars.name`"));
    };
    let unknown = |what: String| Trouble::new("unknown-variable", what);
    let Some(value) = vars.value(name) else {
        let trouble = unknown(format!("there is no variable `{name}` in `vars`"));
        return Err(match closest(name, vars.names()) {
            Some(known) => trouble.help(format!("did you mean `vars.{known}`?")),
            None => trouble.help(format!("add it under `vars:` at the top of the file: `{name}: …`")),
        });
    };
    let deeper = path.rest().get(1..).unwrap_or_default();
    let value = Val::from(value.clone()).walk(deeper).to_value();
    if value.is_null() && !deeper.is_empty() {
        return Err(unknown(format!("`vars.{name}` has nothing at `{path}`")));
    }
    Ok(Lookup::Constant(Box::new(value)))
}

/// What a path below the name of a fetch can begin with.
fn check_answer(path: &Path) -> Result<(), Trouble> {
    let Some(Segment::Key(field)) = path.rest().first() else { return Ok(()) };
    if FIELDS.contains(&&**field) {
        return Ok(());
    }
    let trouble = Trouble::new("unknown-path", format!("the answer to a fetch has no `{field}`"));
    Err(match closest(field, FIELDS) {
        Some(known) => trouble.help(format!("did you mean `{}.{known}`?", path.root())),
        None => {
            trouble.help(format!("what it holds is below `{root}.json`: `{root}.json.{field}`", root = path.root()))
        }
    })
}

/// A path below the name of a row of a table begins with a column.
fn check_column(path: &Path, name: &str, tables: &Tables) -> Result<(), Trouble> {
    let (Some(Segment::Key(column)), Some(table)) = (path.rest().first(), tables.get(name)) else { return Ok(()) };
    if table.columns().any(|known| *known == **column) {
        return Ok(());
    }
    let trouble = Trouble::new("unknown-column", format!("the table `{name}` has no column `{column}`"));
    Err(match closest(column, table.columns()) {
        Some(known) => {
            trouble.help(format!("did you mean `{}`?", Path::new(path.root(), [Segment::Key(known.into())])))
        }
        None => trouble.help(format!("its columns are {}", list(table.columns()))),
    })
}

/// A secret, which `known` are, if that is known.
fn secret(path: &Path, known: Option<&[String]>) -> Result<Lookup, Trouble> {
    let [Segment::Key(name)] = path.rest() else {
        return Err(Trouble::new("unknown-name", "`secrets` is used with the name of a secret: `secrets.name`"));
    };
    let Some(known) = known.filter(|known| !known.iter().any(|known| **known == **name)) else {
        return Ok(Lookup::Secret(name.clone()));
    };
    let trouble = Trouble::new("unknown-secret", format!("the settings have no secret `{name}`"));
    Err(match closest(name, known.iter().map(String::as_str)) {
        Some(known) => trouble.help(format!("did you mean `secrets.{known}`?")),
        None => trouble
            .help(format!("add it to `switchhook.yaml`: `secrets: {{ {name}: {{ env: {} }} }}`", name.to_uppercase())),
    })
}

fn tool(path: &Path) -> Result<Lookup, Trouble> {
    match path.rest() {
        [] => Ok(Lookup::Tool(Steps::default())),
        [Segment::Key(key)] if matches!(&**key, "name" | "id") => Ok(Lookup::Tool(path.rest().into())),
        _ => Err(Trouble::new("unknown-path", format!("a tool call has no `{path}`"))
            .help("there are `tool.name` and `tool.id`; what the model filled in is `args`")),
    }
}

/// Names as a message lists them.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let shown = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// What is wrong with a name; its place is added by whoever knows it.
pub(super) struct Trouble {
    slug: &'static str,
    message: String,
    help: Option<String>,
}

impl Trouble {
    pub(super) fn new(slug: &'static str, message: impl Into<String>) -> Trouble {
        Trouble { slug, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Trouble {
        self.help = Some(help.into());
        self
    }

    /// The finding, at its place.
    pub(super) fn at(self, span: Span) -> Diagnostic {
        let found = Diagnostic::error(self.slug, span, self.message);
        match self.help {
            Some(help) => found.help(help),
            None => found,
        }
    }
}
