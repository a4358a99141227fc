//! The functions and modules that a script can call, and what is said about calls of others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::Engine;

use super::host;
use super::walk::{Call, Found, Functions, Unknown};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::table::{Purpose, Tables};

/// Functions that are part of the language, with the numbers of arguments they take; they are not listed.
const OF_THE_LANGUAGE: [(&str, &[usize]); 7] = [
    ("Fn", &[1]),
    ("call", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("type_of", &[1]),
    ("is_def_var", &[1]),
    ("is_def_fn", &[2]),
    ("is_shared", &[1]),
    ("throw", &[1]),
];

/// A name and the numbers of arguments that it can be called with.
type Arities = BTreeMap<String, BTreeSet<usize>>;

/// What can be called.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Functions without a module, the value before a dot being their first argument.
    global: Arities,
    /// The modules by name (`state`, `shared::phone`), with their functions.
    modules: BTreeMap<String, Arities>,
    /// The modules of files that could not be read: nobody knows what they hold.
    broken: BTreeSet<String>,
    /// Keys under which scripts keep closures, perhaps: they are called like methods.
    keys: BTreeSet<String>,
    /// The names of the secrets, if that is known.
    secrets: Option<Vec<String>>,
    tables: Arc<Tables>,
}

/// Options that no request has, of those that are written out.
fn unknown_options(call: &Call, locate: &dyn Fn(rhai::Position) -> Span, report: &mut Vec<Diagnostic>) {
    let group = call.namespace.first().filter(|_| call.namespace.len() == 1);
    let Some((argument, known)) = group.and_then(|group| host::options_of(group, &call.name)) else { return };
    for (number, key, position) in &call.keys {
        if *number == argument && !known.contains(&key.as_str()) {
            let found = Diagnostic::error("unknown-field", locate(*position), format!("a request has no `{key}`"));
            let all = format!("there are `{}`", known.join("`, `"));
            report.push(found.suggest_or(key, known.iter().copied(), all));
        }
    }
}

/// What else a text can call: its own functions and its imports, by their names there.
pub(super) struct Local<'a> {
    pub(super) functions: &'a Functions,
    pub(super) imports: &'a BTreeMap<String, String>,
    /// Whether the modules of the rule set can be called without an `import`.
    pub(super) modules: bool,
}

impl Known {
    /// What the engine offers before the author's modules are added.
    pub(super) fn of(engine: &Engine, secrets: Option<&[String]>, tables: &Arc<Tables>) -> Known {
        let (secrets, tables) = (secrets.map(<[String]>::to_vec), Arc::clone(tables));
        let mut known = Known { secrets, tables, ..Known::default() };
        let functions = engine.collect_fn_metadata(
            None,
            |function| {
                let (namespace, function) = (function.namespace.to_string(), function.metadata);
                Some((namespace, function.name.to_string(), function.num_params))
            },
            true,
        );
        for (namespace, name, count) in functions {
            let group = match namespace.as_str() {
                "" => &mut known.global,
                _ => known.modules.entry(namespace).or_default(),
            };
            group.entry(name).or_default().insert(count);
        }
        for (name, counts) in OF_THE_LANGUAGE {
            known.global.entry(name.to_owned()).or_default().extend(counts);
        }
        known
    }

    /// Adds a module of the rule set.
    pub(super) fn add_module(&mut self, name: &str, functions: &Functions) {
        let group = self.modules.entry(name.replace('/', "::")).or_default();
        for (name, script) in functions.named().filter(|(_, script)| !script.private) {
            group.entry(name.to_owned()).or_default().insert(script.parameters.len());
        }
    }

    /// Adds a module whose file cannot be read.
    pub(super) fn add_broken(&mut self, name: &str) {
        self.broken.insert(name.replace('/', "::"));
    }

    /// The broken modules, by the names of their files.
    pub(super) fn broken_files(&self) -> impl Iterator<Item = String> {
        self.broken.iter().map(|name| name.replace("::", "/"))
    }

    pub(super) fn add_keys(&mut self, keys: &BTreeSet<String>) {
        self.keys.extend(keys.iter().cloned());
    }

    /// Reports the calls among `found` that nothing can answer.
    pub(super) fn check(
        &self,
        found: &Found,
        local: &Local<'_>,
        locate: &dyn Fn(rhai::Position) -> Span,
        report: &mut Vec<Diagnostic>,
    ) {
        for call in found.calls.iter().filter(|call| !is_behind_unknown(call, &found.unknown)) {
            if !(call.method && found.keys.contains(&call.name) && call.name != "curry") {
                report.extend(self.check_call(call, local, locate(call.position)));
            }
            unknown_options(call, locate, report);
        }
        for (namespace, position) in &found.namespaces {
            report.extend(self.module(namespace, local, locate(*position)).err());
        }
        for (name, is_all, position) in &found.circles {
            report.push(circle(name, *is_all, locate(*position)));
        }
        for position in &found.captures {
            let message = "a function cannot be called with `!`";
            let help = "hand it what it needs as arguments";
            report.push(Diagnostic::error("capturing-call", locate(*position), message).help(help));
        }
    }

    fn check_call(&self, call: &Call, local: &Local<'_>, span: Span) -> Option<Diagnostic> {
        if !call.namespace.is_empty() {
            return match self.module(&call.namespace, local, span) {
                Ok(None) => None,
                Ok(Some(functions)) => of_module(functions, call, span).or_else(|| self.unknown_secret(call, span)),
                Err(unknown) => Some(unknown),
            };
        }
        if call.name == "curry" {
            return Some(no_currying(span));
        }
        let mut counts: BTreeSet<usize> = self.global.get(&call.name).cloned().unwrap_or_default();
        if call.method {
            // The value before the dot is the first argument of Rhai's functions, and `this` in the author's.
            counts = counts.into_iter().filter_map(|count| count.checked_sub(1)).collect();
        }
        let own = local.functions.arities_of(&call.name);
        if own.is_empty() && call.name == "lookup" && !call.method {
            // A table that is not there is worth more words than a wrong number of arguments.
            if let Some(unknown) = self.wrong_table(call, span) {
                return Some(unknown);
            }
        }
        counts.extend(own);
        if counts.contains(&call.arguments) || (call.method && self.keys.contains(&call.name)) {
            return None;
        }
        if !counts.is_empty() {
            return Some(wrong_arity(&call.name, &counts, call.arguments, span));
        }
        if call.local {
            let message = format!("`{}` is a value, not the name of a function", call.name);
            let help = format!("a closure is called with `{}.call(…)`", call.name);
            return Some(Diagnostic::error("unknown-function", span, message).help(help));
        }
        let own = local.functions.named().map(|(name, _)| name);
        let known = self.global.keys().map(String::as_str).filter(|name| is_word(name)).chain(own);
        let message = format!("no function is called `{}`", call.name);
        Some(Diagnostic::error("unknown-function", span, message).suggest(&call.name, known))
    }

    /// A secret that the settings do not have.
    fn unknown_secret(&self, call: &Call, span: Span) -> Option<Diagnostic> {
        let (known, name) = (self.secrets.as_ref()?, call.text.as_ref()?);
        if call.namespace != ["secrets"] || known.contains(name) {
            return None;
        }
        let found = Diagnostic::error("unknown-secret", span, format!("the settings have no secret `{name}`"));
        let add = format!("add it to `switchhook.yaml`: `secrets: {{ {name}: {{ env: {} }} }}`", name.to_uppercase());
        Some(found.suggest_or(name, known.iter().map(String::as_str), add))
    }

    /// A table in which nothing can be looked up.
    fn wrong_table(&self, call: &Call, span: Span) -> Option<Diagnostic> {
        let name = call.text.as_ref()?;
        match self.tables.purpose(name) {
            Some(Purpose::Lookup | Purpose::Broken) => None,
            Some(Purpose::Decision) => {
                let message = format!("`{name}` is a decision table, in which nothing is looked up");
                let help = format!("give it to a rule, as its answer: `table: {name}`");
                Some(Diagnostic::error("wrong-table", span, message).help(help))
            }
            None => Some(self.tables.unknown(name, span, Purpose::Lookup)),
        }
    }

    /// The functions of a module; `None` for one whose names are not known, such as `global`.
    fn module(&self, path: &[String], local: &Local<'_>, span: Span) -> Result<Option<&Arities>, Diagnostic> {
        let name = path.join("::");
        if let Some(file) = path.first().and_then(|first| local.imports.get(first)) {
            return Ok(if path.len() == 1 { self.modules.get(&file.replace('/', "::")) } else { None });
        }
        if name == "global" {
            return Ok(None);
        }
        if self.broken.contains(&name) {
            return Ok(None);
        }
        match self.modules.get(&name) {
            Some(functions) if local.modules || host::NAMES.contains(&name.as_str()) => Ok(Some(functions)),
            Some(_) => {
                let message = format!("the module `{name}` is not imported");
                let import = format!("import \"{}\" as {};", name.replace("::", "/"), path.last().unwrap_or(&name));
                Err(Diagnostic::error("unknown-module", span, message).help(format!("write `{import}` at the top")))
            }
            None => {
                let message = format!("no module is called `{name}`");
                let known = self.modules.keys().map(String::as_str).chain(local.imports.keys().map(String::as_str));
                Err(Diagnostic::error("unknown-module", span, message).suggest(&name, known))
            }
        }
    }
}

fn of_module(functions: &Arities, call: &Call, span: Span) -> Option<Diagnostic> {
    let module = call.namespace.join("::");
    match functions.get(&call.name) {
        Some(counts) if counts.contains(&call.arguments) => None,
        Some(counts) => Some(wrong_arity(&format!("{module}::{}", call.name), counts, call.arguments, span)),
        None => {
            let message = format!("the module `{module}` has no function `{}`", call.name);
            let known = functions.keys().map(String::as_str);
            Some(Diagnostic::error("unknown-function", span, message).suggest(&call.name, known))
        }
    }
}

/// A function that is handed to itself again and again doubles each time, and no limit of Rhai's would see it.
fn no_currying(span: Span) -> Diagnostic {
    Diagnostic::error("unknown-function", span, "no function is called `curry`")
        .help("write a closure that hands over what it knows: `|x| f.call(1, x)`")
}

/// A closure that is kept in what it uses cannot be called, since that is being worked on then; and neither of them would
/// ever be let go of.
fn circle(name: &str, is_all: bool, span: Span) -> Diagnostic {
    let message = format!("this closure uses `{name}`, in which it is kept");
    let help = if is_all {
        format!("a function can call itself: write `fn {name}(…) {{ … }}`")
    } else {
        "in a function of an object, the object is `this`: write `|x| this.price * x`".to_owned()
    };
    Diagnostic::error("closure-circle", span, message).help(help)
}

fn wrong_arity(name: &str, counts: &BTreeSet<usize>, given: usize, span: Span) -> Diagnostic {
    let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
    let plural = if counts == ["1"] { "" } else { "s" };
    let message = format!("`{name}` takes {} argument{plural}, not {given}", counts.join(" or "));
    Diagnostic::error("wrong-arity", span, message)
}

fn is_word(name: &str) -> bool {
    !name.contains('$') && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Whether a method is called on a name that nothing has: that is told, and what it could do is anybody's guess.
fn is_behind_unknown(call: &Call, unknown: &[Unknown]) -> bool {
    call.method && unknown.iter().any(|one| is_right_behind(one, call.position))
}

/// Whether `position` is that of a word behind the dot behind an unknown name.
fn is_right_behind(unknown: &Unknown, position: rhai::Position) -> bool {
    let column = unknown.position.position().map(|at| at + unknown.name.chars().count() + 1);
    unknown.position.line() == position.line() && column == position.position()
}

/// A name that nothing in scope has; `outside` are the names around the script.
pub(super) fn unknown_name<'n>(
    unknown: &'n Unknown,
    span: Span,
    outside: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    let name = unknown.name.as_str();
    let diagnostic = Diagnostic::error("unknown-name", span, format!("nothing is called `{name}` here"));
    match name {
        "null" | "nil" | "None" | "undefined" => diagnostic.help("what is absent is written `()`"),
        "env" => diagnostic.help("scripts see secrets alone: name it under `secrets:` in `switchhook.yaml`"),
        "True" | "False" => diagnostic.help(format!("write `{}`", name.to_lowercase())),
        "console" | "logger" => diagnostic.help("write to the log with `log::info(…)` or `log::warn(…)`"),
        "JSON" => diagnostic.help("use `json::parse(…)` and `json::to_string(…)`"),
        "Math" => diagnostic.help("numbers have `round()`, `floor()` and the like behind a dot: `(1.5).round()`"),
        "Date" | "datetime" => diagnostic.help("use `time::now()` and its neighbours"),
        "axios" | "requests" => diagnostic.help("use `http::get(…)` and its neighbours"),
        name => diagnostic.suggest(name, unknown.locals.iter().map(String::as_str).chain(outside)),
    }
}
