//! The .rhai files of a rule set: read, checked, put in order and loaded.
//!
//! A file is loaded after those that it imports, and is then a module of the engine: its functions carry
//! their constants and imports with them, so that a call costs no set-up. Nothing is ever read from disk
//! here; a path names another file of the rule set, counted from the folder of scripts.

mod circle;

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::module_resolvers::StaticModuleResolver;
use rhai::{AST, Engine, EvalAltResult, Module, OptimizationLevel, Position, Scope, Shared};

use super::fault::{self, Origins, ScriptFault};
use super::host;
use super::known::{self, Known, Local};
use super::limits::ScriptLimits;
use super::lines::Origin;
use super::walk::{self, Found, Functions, Import};
use super::{Core, ModuleInfo, Reach, ScriptFile, run, words};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::table::Tables;

/// A file that could be read.
struct Parsed<'a> {
    file: &'a ScriptFile<'a>,
    ast: AST,
    functions: Functions,
    /// What the statements outside of functions say, and what the functions do.
    found: [Found; 2],
}

/// Compiles what it can of `files`, and reports what is wrong.
pub(super) fn compile(
    files: &[ScriptFile<'_>],
    limits: &ScriptLimits,
    secrets: Option<&[String]>,
    tables: &Arc<Tables>,
    report: &mut Vec<Diagnostic>,
) -> Core {
    let engine = super::engine::engine(limits, tables);
    let mut known = Known::of(&engine, secrets, tables);
    let origins = files.iter().map(|file| (file.path.to_owned(), Origin::file(file.file, file.text))).collect();
    let mut parsed: Vec<Parsed<'_>> = Vec::new();
    for file in files {
        match parse(&engine, file, report) {
            Ok(one) => parsed.push(one),
            Err(error) => {
                known.add_broken(file.module);
                report.push(error);
            }
        }
    }
    for one in &parsed {
        known.add_module(one.file.module, &one.functions);
        one.found.iter().for_each(|found| known.add_keys(&found.keys));
    }
    let mut reach = Reach::default();
    parsed.iter().flat_map(|one| &one.found).for_each(|found| reach.append(Reach::of(found)));
    let limits = limits.clone();
    let mut core = Core { engine, limits, known, files: origins, reach, modules: BTreeMap::new() };
    for one in &parsed {
        check(one, files, &core, report);
    }
    load(&parsed, &mut core, report);
    for Parsed { file, ast, functions, .. } in parsed {
        core.modules.insert(file.module.to_owned(), info(file, &ast, functions));
    }
    core
}

fn parse<'a>(
    engine: &Engine,
    file: &'a ScriptFile<'a>,
    report: &mut Vec<Diagnostic>,
) -> Result<Parsed<'a>, Diagnostic> {
    let origin = Origin::file(file.file, file.text);
    report.extend(bad_name(file, origin.word(Position::NONE)));
    words::fresh();
    let syntax = |error| fault::syntax(&error, &origin.lines, &|place| origin.span(place));
    let mut ast = engine.compile(file.text).map_err(syntax)?;
    ast.set_source(file.path);
    let functions = Functions::of(&ast);
    let found = [walk::statements(&ast, &functions, &|_| false), functions.walk()];
    Ok(Parsed { file, ast, functions, found })
}

/// A file whose name cannot be a module's.
fn bad_name(file: &ScriptFile<'_>, span: Span) -> Option<Diagnostic> {
    let module = file.module;
    if host::NAMES.contains(&module) || module == "global" {
        let message = format!("`{module}` is a module of the program, so a script cannot be called so");
        return Some(Diagnostic::error("module-name", span, message).help("give the file another name"));
    }
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if module.split('/').all(is_name) {
        return None;
    }
    let message = format!("`{module}` cannot be the name of a module");
    Some(Diagnostic::error("module-name", span, message).help("names of scripts are of letters, digits and `_`"))
}

fn check(one: &Parsed<'_>, all: &[ScriptFile<'_>], core: &Core, report: &mut Vec<Diagnostic>) {
    let Some(origin) = core.files.get(one.file.path) else { return };
    let locate = |position| origin.word(position);
    let [top, inside] = &one.found;
    let modules: Vec<&str> = all.iter().map(|other| other.module).collect();
    for import in top.imports.iter().chain(&inside.imports) {
        report.extend(wrong_import(import, &modules, locate(import.position)));
    }
    let imports = imports(&one.found);
    let local = Local { functions: &one.functions, imports: &imports, modules: false };
    for found in &one.found {
        core.known.check(found, &local, &locate, report);
    }
    let declared = || top.declared.iter().map(String::as_str);
    for unknown in &top.unknown {
        report.push(known::unknown_name(unknown, locate(unknown.position), []));
    }
    for unknown in &inside.unknown {
        let (name, span) = (&unknown.name, locate(unknown.position));
        report.push(if declared().any(|declared| declared == name) {
            let message = format!("a function does not see `{name}`, which is declared outside of it");
            Diagnostic::error("unknown-name", span, message)
                .help(format!("declare it with `const` and write `global::{name}`"))
        } else {
            known::unknown_name(unknown, span, [])
        });
    }
}

/// The names of imported modules, and the files that they stand for.
pub(super) fn imports<'f>(found: impl IntoIterator<Item = &'f Found>) -> BTreeMap<String, String> {
    let imports = found.into_iter().flat_map(|found| &found.imports);
    imports.filter_map(|import| Some((import.alias.clone(), import.path.clone()?))).collect()
}

/// What is wrong with an `import`, of the modules that there are.
pub(super) fn wrong_import(import: &Import, modules: &[&str], span: Span) -> Option<Diagnostic> {
    let Some(path) = &import.path else {
        let message = "the name of an imported module cannot be computed";
        return Some(
            Diagnostic::error("unknown-module", span, message).help("write it as a text: `import \"phone\" as phone;`"),
        );
    };
    if modules.contains(&path.as_str()) {
        return None;
    }
    if path.contains("..") || path.contains('\\') || path.contains(':') || path.starts_with('/') {
        let message = format!("`{path}` lies outside of the folder of scripts");
        return Some(Diagnostic::error("import-outside", span, message).help("a module can import only its siblings"));
    }
    let message = format!("there is no script `{path}.rhai` in the folder of scripts");
    let plain = path.trim_start_matches("./").trim_end_matches(".rhai");
    Some(Diagnostic::error("unknown-module", span, message).suggest(plain, modules.iter().copied()))
}

/// Loads every file whose imports can be loaded.
fn load(parsed: &[Parsed<'_>], core: &mut Core, report: &mut Vec<Diagnostic>) {
    let mut resolver = StaticModuleResolver::new();
    let mut waiting: Vec<&Parsed<'_>> = parsed.iter().collect();
    let mut loaded: Vec<&str> = Vec::new();
    loop {
        let (ready, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|one| imports(&one.found).values().all(|path| loaded.contains(&path.as_str())));
        waiting = rest;
        if ready.is_empty() {
            break;
        }
        for one in ready {
            loaded.push(one.file.module);
            match load_one(one, core) {
                Ok(module) => {
                    let module = Shared::new(module);
                    resolver.insert(one.file.module, Module::clone(&module));
                    core.engine.register_static_module(one.file.module.replace('/', "::"), module);
                    core.engine.set_module_resolver(resolver.clone());
                }
                Err(problem) => report.push(problem),
            }
        }
    }
    report.extend(circle::circles(&waiting, core));
}

fn load_one(one: &Parsed<'_>, core: &Core) -> Result<Module, Diagnostic> {
    let engine = &core.engine;
    let mut ast = engine.optimize_ast(&Scope::new(), one.ast.clone(), OptimizationLevel::Simple);
    ast.set_source(one.file.path);
    let load = || Module::eval_ast_as_new(Scope::new(), &ast, engine);
    run::loading(core.limits.operations_max, load).map_err(|error| load_problem(one, *error, core))
}

fn load_problem(one: &Parsed<'_>, error: EvalAltResult, core: &Core) -> Diagnostic {
    let text = Origin::file(one.file.file, one.file.text);
    let origins = Origins { files: &core.files, text: &text };
    let (what, at) = match fault::fault(error, None, &origins, &core.limits) {
        ScriptFault::Failed { message, at } => (message, at),
        other => (other.to_string(), text.word(Position::NONE)),
    };
    Diagnostic::error("script-load", at, format!("the script cannot be loaded: {what}"))
}

fn info(file: &ScriptFile<'_>, ast: &AST, functions: Functions) -> ModuleInfo {
    let origin = Origin::file(file.file, file.text);
    let declared = ast.iter_fn_def().map(|function| {
        let body = origin.lines.offset(function.body.start_position());
        let before = file.text.get(..body).unwrap_or_default();
        let at = before.rfind(function.name.as_str()).unwrap_or(body);
        ((function.name.to_string(), function.params.len()), origin.span((at, at + function.name.len())))
    });
    ModuleInfo { declared: declared.collect(), functions, path: file.path.to_owned() }
}
