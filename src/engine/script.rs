//! Rhai behind our own types: the expressions of rules, and the scripts that answer tool calls.
//!
//! [`Scripts`] holds everything that is compiled once for a rule set; [`Expression`] and [`Function`] are
//! what a rule keeps. Neither ever takes a whole event: each says which values it looks at
//! ([`Expression::uses`]), and is handed those. What a script may know of the world and what it leaves
//! behind is a [`Run`]. This module and those below it are the only ones that name rhai.
//!
//! Two things differ from plain Rhai. Words that it reserves and Vapi uses, such as `call`, are ordinary
//! names. And absence is normal: a field of something absent is absent, and so is an item beyond a list.

mod engine;
mod expression;
mod fault;
mod guard;
mod host;
mod known;
mod limits;
mod lines;
mod modules;
mod reach;
mod run;
mod slots;
mod value;
mod walk;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::{AST, Engine};

pub use expression::{Expression, Function};
pub use fault::ScriptFault;
pub use host::{HostFunction, reference};
pub use limits::ScriptLimits;
pub use reach::Reach;
pub use run::{LogLevel, LogLine, Run, STACK_BYTES, Unasked};
pub use slots::Use;

use crate::engine::diagnostic::{Diagnostic, FileId, Span, has_errors};
use crate::engine::table::Tables;
use known::{Known, Local};
use lines::Origin;
use walk::Functions;

/// Every script of one rule set, compiled, with the engine that runs them. Cheap to clone.
#[derive(Clone)]
pub struct Scripts(Arc<Core>);

/// A .rhai file.
#[derive(Debug, Clone, Copy)]
pub struct ScriptFile<'a> {
    /// Its number among the sources.
    pub file: FileId,
    /// Its name as a module: `reservations`, or `shared/phone` for one in a folder.
    pub module: &'a str,
    /// Its path as the author would type it.
    pub path: &'a str,
    /// What it holds.
    pub text: &'a str,
}

/// The names that an expression can use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Those that are known.
    pub known: BTreeSet<String>,
    /// Whether there may be others, because the rule is for kinds of event that are not known.
    pub open: bool,
}

struct Core {
    engine: Engine,
    limits: ScriptLimits,
    known: Known,
    /// The files, by their paths.
    files: BTreeMap<String, Origin>,
    /// What the files reach together.
    reach: Reach,
    /// The modules, by their names.
    modules: BTreeMap<String, ModuleInfo>,
}

struct ModuleInfo {
    functions: Functions,
    /// Where functions are declared, by name and number of parameters.
    declared: BTreeMap<(String, usize), Span>,
    path: String,
}

impl<S: Into<String>> FromIterator<S> for Names {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Names {
        Names { known: names.into_iter().map(Into::into).collect(), open: false }
    }
}

impl Scripts {
    /// Compiles what it can of `files`, which can look at `tables`, and adds what is wrong with them to `found`; `secrets` are
    /// the names of those that there are, if that is known.
    #[must_use]
    pub fn compile(
        files: &[ScriptFile<'_>],
        limits: &ScriptLimits,
        secrets: Option<&[String]>,
        tables: &Arc<Tables>,
        found: &mut Vec<Diagnostic>,
    ) -> Scripts {
        Scripts(Arc::new(modules::compile(files, limits, secrets, tables, found)))
    }

    /// What the files reach together.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.0.reach
    }

    /// An expression that stands in YAML. `locate` says where the bytes of `text` stand.
    pub fn expression(
        &self,
        text: &str,
        names: &Names,
        locate: &dyn Fn(usize, usize) -> Span,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Expression> {
        words::fresh();
        self.finish(text, self.0.engine.compile_expression(text), names, locate, found)
    }

    /// A block of statements that stands in YAML; its value is that of its last one, or what it returns.
    pub fn block(
        &self,
        text: &str,
        names: &Names,
        locate: &dyn Fn(usize, usize) -> Span,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Expression> {
        words::fresh();
        self.finish(text, self.0.engine.compile(text), names, locate, found)
    }

    fn finish(
        &self,
        text: &str,
        parsed: Result<AST, rhai::ParseError>,
        names: &Names,
        locate: &dyn Fn(usize, usize) -> Span,
        report: &mut Vec<Diagnostic>,
    ) -> Option<Expression> {
        let origin = Origin::inside(text, locate);
        let place = |(start, end)| locate(start, end);
        let span = |at| place(origin.lines.word(at));
        let ast = parsed.map_err(|error| report.push(fault::syntax(&error, &origin.lines, &place))).ok()?;
        let functions = Functions::of(&ast);
        let is_root = |name: &str| names.open || names.known.contains(name);
        let mut found = walk::statements(&ast, &functions, &is_root);
        found.append(functions.walk());

        let mut problems = Vec::new();
        let broken: Vec<String> = self.0.known.broken_files().collect();
        let modules: Vec<&str> = self.0.modules.keys().chain(&broken).map(String::as_str).collect();
        let wrong = |import: &walk::Import| modules::wrong_import(import, &modules, span(import.position));
        problems.extend(found.imports.iter().filter_map(wrong));
        let imports = modules::imports([&found]);
        let local = Local { functions: &functions, imports: &imports, modules: true };
        self.0.known.check(&found, &local, &span, &mut problems);
        let known = || names.known.iter().map(String::as_str);
        problems
            .extend(found.unknown.iter().map(|unknown| known::unknown_name(unknown, span(unknown.position), known())));

        let broken = has_errors(&problems);
        report.append(&mut problems);
        let mut reach = Reach::of(&found);
        if found.calls_modules() {
            reach.append_others(&self.0.reach);
        }
        let uses = slots::shortest(found.uses, &origin);
        let handed = found.handed.iter().map(String::as_str);
        (!broken).then(|| Expression::new(Arc::clone(&self.0), ast, uses, handed, origin, reach))
    }

    /// The function that a rule's `run` names: `module::function`.
    ///
    /// For tool calls (`first_is_args`) it can take `(args)` or `(args, event)`, for other kinds `(event)`;
    /// one that takes nothing is fine too.
    ///
    /// # Errors
    ///
    /// What is wrong with the name, or with the function's parameters.
    pub fn function(&self, name: &str, first_is_args: bool, span: Span) -> Result<Function, Diagnostic> {
        let given: &[&str] = if first_is_args { &["args", "event"] } else { &["event"] };
        let (module, function, info) = self.module_of(name, span)?;
        let count = (0..=given.len())
            .rev()
            .find(|count| info.functions.get(function, *count).is_some_and(|script| !script.private));
        let count = count.ok_or_else(|| info.refused(name, function, given, span))?;
        let given = given.get(..count).unwrap_or_default();

        let text = format!("{}::{function}({})", module.replace('/', "::"), given.join(", "));
        words::fresh();
        let ast = self.0.engine.compile_expression(&text);
        let declared = info.declared.get(&(function.to_owned(), count)).copied().unwrap_or(span);
        let origin = Origin::inside(&text, &|_, _| declared);
        let ast = ast.map_err(|error| fault::syntax(&error, &origin.lines, &|_| span))?;
        let uses = self.behind(info, function, given);
        // Its file is among those that were looked at for tables.
        let mut reach = Reach::default();
        reach.append_others(&self.0.reach);
        let call = Expression::new(Arc::clone(&self.0), ast, uses, given.iter().copied(), origin, reach);
        Ok(Function::new(call, declared))
    }

    /// What a function looks at behind its parameters, under the names that these are given.
    fn behind(&self, info: &ModuleInfo, function: &str, given: &[&str]) -> Vec<Use> {
        let Some(origin) = self.0.files.get(&info.path) else { return Vec::new() };
        let behind = |(index, root): (usize, &&str)| {
            let mut uses = info.functions.behind(function, given.len(), index);
            for used in &mut uses {
                (*root).clone_into(&mut used.root);
            }
            uses
        };
        slots::shortest(given.iter().enumerate().flat_map(behind).collect(), origin)
    }

    /// Takes `module::function` apart and finds the module.
    fn module_of<'n>(&self, name: &'n str, span: Span) -> Result<(String, &'n str, &ModuleInfo), Diagnostic> {
        let Some((module, function)) = name.rsplit_once("::") else {
            let message = format!("`{name}` does not name a function");
            let help = "write `module::function`: `reservations::book_table` is in scripts/reservations.rhai";
            return Err(Diagnostic::error("unknown-function", span, message).help(help));
        };
        let module = module.replace("::", "/");
        let Some(info) = self.0.modules.get(&module) else {
            let message = format!("there is no script `{module}.rhai`");
            let known = self.0.modules.keys().map(String::as_str);
            return Err(Diagnostic::error("unknown-module", span, message).suggest(&module, known));
        };
        Ok((module, function, info))
    }
}

impl ModuleInfo {
    /// Why `function` cannot be called with the parameters `given`, or fewer of them.
    fn refused(&self, name: &str, function: &str, given: &[&str], span: Span) -> Diagnostic {
        let named: Vec<_> = self.functions.named().filter(|(other, _)| *other == function).collect();
        let Some((_, script)) = named.first() else {
            let message = format!("{} has no function `{function}`", self.path);
            let public = self.functions.named().filter(|(_, script)| !script.private);
            return Diagnostic::error("unknown-function", span, message)
                .suggest(function, public.map(|(name, _)| name));
        };
        let count = script.parameters.len();
        let diagnostic = if script.private {
            let message = format!("`{name}` is private");
            Diagnostic::error("unknown-function", span, message).help("take the word `private` away")
        } else {
            let shapes: Vec<String> =
                (1..=given.len()).map(|n| format!("`({})`", given.get(..n).unwrap_or_default().join(", "))).collect();
            let message = format!("`{name}` has {count} parameters; here it is given {}", shapes.join(" or "));
            Diagnostic::error("wrong-arity", span, message)
        };
        match self.declared.get(&(function.to_owned(), count)) {
            Some(declared) => diagnostic.note(*declared, "declared here"),
            None => diagnostic,
        }
    }
}

impl std::fmt::Debug for Scripts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scripts").field("modules", &self.0.modules.keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
