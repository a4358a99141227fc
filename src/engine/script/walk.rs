//! What a script says, read from its syntax tree: which values it looks at, and what it calls.
//!
//! A chain such as `call.customer.number.len()` looks at the path `call.customer.number`. The path ends
//! where the tree no longer says what comes next: at a call, at an index that is computed. A name that is
//! used in any other way is used whole. Names that the script declares itself hide those outside; a value
//! that is handed to a function of the same file is followed into it.

mod chain;
mod closure;
mod functions;

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt, StmtBlock};

pub(super) use functions::Functions;

use chain::{Step, chain, is_getter};
use closure::{keeps_closure_over, taking_along};
use functions::Script;

use crate::engine::path::Segment;

/// Indices further from the ends of a list than this are not followed.
const INDEX_MAX: u64 = 64;

/// A value that a script looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawUse {
    pub(super) root: String,
    pub(super) path: Vec<Segment>,
    /// Where its root stands, and its last segment.
    pub(super) from: Position,
    pub(super) to: Position,
    /// Whether the last segment is written in brackets.
    pub(super) bracketed: bool,
}

/// A call of a function by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) namespace: Vec<String>,
    pub(super) name: String,
    /// Its first argument, if that is a text that is written out.
    pub(super) text: Option<String>,
    /// The names in objects that are written out among its arguments, by the numbers of these.
    pub(super) keys: Vec<(usize, String, Position)>,
    /// How many arguments it is given, that before the dot not counted.
    pub(super) arguments: usize,
    pub(super) method: bool,
    /// Whether a value is called so where the call stands.
    pub(super) local: bool,
    pub(super) position: Position,
}

/// A name that nothing has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown {
    pub(super) name: String,
    pub(super) position: Position,
    /// The names that are declared where it stands.
    pub(super) locals: Vec<String>,
}

/// An `import`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// `None`: computed.
    pub(super) path: Option<String>,
    pub(super) alias: String,
    pub(super) position: Position,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) uses: Vec<RawUse>,
    pub(super) unknown: Vec<Unknown>,
    pub(super) calls: Vec<Call>,
    pub(super) imports: Vec<Import>,
    /// The namespaces of constants: `phone::CODE`.
    pub(super) namespaces: Vec<(Vec<String>, Position)>,
    /// Keys of maps: a closure may be kept under one and called like a method.
    pub(super) keys: BTreeSet<String>,
    /// What is declared outside of functions and blocks.
    pub(super) declared: Vec<String>,
    /// Calls `f!(…)`, which hand over every name in scope.
    pub(super) captures: Vec<Position>,
    /// Closures that are kept in a variable that they use themselves, by its name, and whether they are all it holds.
    pub(super) circles: Vec<(String, bool, Position)>,
    /// Names from outside that are handed to functions of the same file, which need not look at them.
    pub(super) handed: BTreeSet<String>,
}

impl RawUse {
    fn whole(root: &str, at: Position) -> RawUse {
        RawUse { root: root.to_owned(), path: Vec::new(), from: at, to: at, bracketed: false }
    }
}

impl Found {
    /// Whether it calls any function of a group.
    pub(super) fn calls_group(&self, group: &str) -> bool {
        self.calls.iter().any(|call| call.namespace.first().is_some_and(|first| first == group))
    }

    /// Whether it calls functions of modules.
    pub(super) fn calls_modules(&self) -> bool {
        self.calls.iter().any(|call| !call.namespace.is_empty())
    }

    pub(super) fn append(&mut self, mut other: Found) {
        self.uses.append(&mut other.uses);
        self.unknown.append(&mut other.unknown);
        self.calls.append(&mut other.calls);
        self.imports.append(&mut other.imports);
        self.namespaces.append(&mut other.namespaces);
        self.keys.append(&mut other.keys);
        self.captures.append(&mut other.captures);
        self.circles.append(&mut other.circles);
        self.handed.append(&mut other.handed);
    }
}

/// What the statements of `ast` outside of functions say; `is_root` tells which names come from outside.
pub(super) fn statements(ast: &AST, functions: &Functions, is_root: &dyn Fn(&str) -> bool) -> Found {
    let mut walker = Walker::new(functions, is_root);
    for stmt in ast.statements() {
        walker.stmt(stmt);
    }
    Found { declared: walker.locals, ..walker.found }
}

struct Walker<'a> {
    functions: &'a Functions,
    is_root: &'a dyn Fn(&str) -> bool,
    locals: Vec<String>,
    found: Found,
}

impl<'a> Walker<'a> {
    fn new(functions: &'a Functions, is_root: &'a dyn Fn(&str) -> bool) -> Walker<'a> {
        Walker { functions, is_root, locals: Vec::new(), found: Found::default() }
    }

    fn body(&mut self, script: &Script) {
        script.body.walk(&mut |path: &[ASTNode<'_>]| {
            if let [ASTNode::Stmt(stmt)] = path {
                self.stmt(stmt);
            }
            true
        });
    }

    fn block(&mut self, block: &StmtBlock) {
        let outside = self.locals.len();
        block.iter().for_each(|stmt| self.stmt(stmt));
        self.locals.truncate(outside);
    }

    /// A block in which `names` are declared.
    fn block_with<'n>(&mut self, names: impl IntoIterator<Item = &'n str>, block: &StmtBlock) {
        let outside = self.locals.len();
        self.locals.extend(names.into_iter().map(str::to_owned));
        self.block(block);
        self.locals.truncate(outside);
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
                self.expr(&flow.expr);
                self.block(&flow.body);
                self.block(&flow.branch);
            }
            Stmt::Switch(switch, _) => {
                self.expr(&switch.0);
                for case in &switch.1.expressions {
                    self.expr(&case.lhs);
                    self.expr(&case.rhs);
                }
            }
            Stmt::For(parts, _) => {
                let (item, counter, flow) = &**parts;
                self.expr(&flow.expr);
                self.block_with([item].into_iter().chain(counter).map(rhai::Ident::as_str), &flow.body);
            }
            Stmt::TryCatch(flow, _) => {
                self.block(&flow.body);
                let error = if let Expr::Variable(name, ..) = &flow.expr { Some(name.1.as_str()) } else { None };
                self.block_with(error, &flow.branch);
            }
            Stmt::Var(parts, ..) => {
                self.expr(&parts.1);
                self.locals.push(parts.0.as_str().to_owned());
            }
            Stmt::Assignment(parts) => self.assignment(&parts.1.lhs, &parts.1.rhs),
            Stmt::FnCall(call, position) => self.call(call, *position),
            Stmt::Block(block) => self.block(block),
            Stmt::Expr(expr) | Stmt::BreakLoop(Some(expr), ..) | Stmt::Return(Some(expr), ..) => self.expr(expr),
            Stmt::Import(parts, position) => self.import(&parts.0, parts.1.as_str(), *position),
            Stmt::Export(names, _) => self.name(names.0.as_str(), names.0.pos),
            _ => {}
        }
    }

    fn assignment(&mut self, to: &Expr, value: &Expr) {
        self.expr(value);
        self.expr(to);
        let (base, inside) = chain(to).map_or((to, false), |(base, _)| (base, true));
        if let Expr::Variable(name, ..) = base
            && keeps_closure_over(value, &name.1)
        {
            self.found.circles.push((name.1.to_string(), !inside, value.position()));
        }
        if let Some(Step::Field(name, _)) = chain(to).and_then(|(_, steps)| steps.into_iter().next_back()) {
            self.found.keys.insert(name.to_owned());
        }
    }

    fn import(&mut self, path: &Expr, alias: &str, position: Position) {
        let path = if let Expr::StringConstant(path, _) = path { Some(path.to_string()) } else { None };
        self.found.imports.push(Import { path, alias: alias.to_owned(), position });
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::InterpolatedString(items, _) | Expr::Array(items, _) => {
                items.iter().for_each(|item| self.expr(item));
            }
            Expr::And(items, _) | Expr::Or(items, _) | Expr::Coalesce(items, _) => {
                items.iter().for_each(|item| self.expr(item));
            }
            Expr::Map(map, _) => {
                for (key, value) in &map.0 {
                    self.found.keys.insert(key.as_str().to_owned());
                    self.expr(value);
                }
            }
            Expr::Variable(name, _, position) if name.2.is_empty() => self.name(&name.1, *position),
            Expr::Variable(name, ..) => {
                let namespace = name.2.path.iter().map(|part| part.as_str().to_owned()).collect();
                self.found.namespaces.push((namespace, name.2.position()));
            }
            Expr::Stmt(block) => match taking_along(block) {
                Some((closure, taken)) => self.follow(&closure, taken),
                None => self.block(block),
            },
            Expr::FnCall(call, position) | Expr::MethodCall(call, position) => self.call(call, *position),
            Expr::Dot(..) | Expr::Index(..) => self.chain(expr),
            _ => {}
        }
    }

    /// A name that stands alone.
    fn name(&mut self, name: &str, position: Position) {
        let is_function = || self.functions.arities(name).next().is_some();
        if (self.is_root)(name) && !self.is_local(name) {
            self.found.uses.push(RawUse::whole(name, position));
        } else if !self.is_local(name) && !is_function() {
            self.found.unknown.push(Unknown { name: name.to_owned(), position, locals: self.locals.clone() });
        }
    }

    fn is_local(&self, name: &str) -> bool {
        self.locals.iter().any(|local| local == name)
    }

    /// The value that `expr` looks at, if it is a name from outside or a path behind one.
    fn looks_at(&self, expr: &Expr) -> Option<RawUse> {
        let (base, steps) = chain(expr).unwrap_or((expr, Vec::new()));
        let (used, followed) = self.path(base, &steps)?;
        (followed == steps.len()).then_some(used)
    }

    /// The path at the beginning of a chain, and how many of its steps it took.
    fn path(&self, base: &Expr, steps: &[Step<'_>]) -> Option<(RawUse, usize)> {
        let Expr::Variable(name, _, position) = base else { return None };
        if !name.2.is_empty() || self.is_local(&name.1) || !(self.is_root)(&name.1) {
            return None;
        }
        let mut used = RawUse::whole(&name.1, *position);
        // An index at the end may be one into a text, so it does not count before a field follows it.
        let (mut sure, mut pending) = (0, Vec::new());
        for (at, step) in steps.iter().enumerate() {
            let (segment, position) = match step {
                Step::Field(name, position) if !is_getter(name) => (Segment::Key((*name).into()), *position),
                Step::Index(Expr::StringConstant(key, position)) => (Segment::Key(key.as_str().into()), *position),
                Step::Index(Expr::IntegerConstant(index, _)) if index.unsigned_abs() <= INDEX_MAX => {
                    pending.push(Segment::Index(*index));
                    continue;
                }
                _ => break,
            };
            used.path.append(&mut pending);
            used.path.push(segment);
            (used.to, used.bracketed) = (position, matches!(step, Step::Index(_)));
            sure = at + 1;
        }
        Some((used, sure))
    }

    fn chain(&mut self, expr: &Expr) {
        let Some((base, steps)) = chain(expr) else { return };
        match self.path(base, &steps) {
            Some((used, _)) => self.found.uses.push(used),
            None => self.expr(base),
        }
        for step in steps {
            match step {
                Step::Field(..) => {}
                Step::Index(index) => self.expr(index),
                Step::Call(call, position) => self.method(call, position),
            }
        }
    }

    fn method(&mut self, call: &FnCallExpr, position: Position) {
        self.push_call(call, true, position);
        call.args.iter().for_each(|argument| self.expr(argument));
    }

    fn call(&mut self, call: &FnCallExpr, position: Position) {
        if !call.is_operator_call() && call.name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            self.push_call(call, false, position);
        }
        if call.capture_parent_scope {
            self.found.captures.push(position);
        }
        if call.namespace.is_empty() {
            self.follow(&call.name, &call.args);
        } else {
            call.args.iter().for_each(|argument| self.expr(argument));
        }
    }

    fn push_call(&mut self, call: &FnCallExpr, method: bool, position: Position) {
        self.found.calls.push(Call {
            namespace: call.namespace.path.iter().map(|part| part.as_str().to_owned()).collect(),
            name: call.name.to_string(),
            text: call.args.first().and_then(|first| match first {
                Expr::StringConstant(text, _) => Some(text.to_string()),
                _ => None,
            }),
            keys: call.args.iter().enumerate().flat_map(|(number, argument)| keys(number, argument)).collect(),
            arguments: call.args.len(),
            method,
            local: !method && call.namespace.is_empty() && self.is_local(&call.name),
            position: if call.namespace.is_empty() { position } else { call.namespace.position() },
        });
    }

    /// Follows what is handed to a function of the same file into it.
    fn follow(&mut self, name: &str, arguments: &[Expr]) {
        let count = match self.functions.get(name, arguments.len()) {
            Some(_) => arguments.len(),
            // A closure has its own parameters behind the names that it takes along.
            None if name.contains('$') => self.functions.arities(name).next().unwrap_or(arguments.len()),
            None => return arguments.iter().for_each(|argument| self.expr(argument)),
        };
        for (index, argument) in arguments.iter().enumerate() {
            let Some(used) = self.looks_at(argument) else {
                self.expr(argument);
                continue;
            };
            self.found.handed.insert(used.root.clone());
            for behind in self.functions.behind(name, count, index) {
                let mut path = used.path.clone();
                let (to, bracketed) = (behind.to, behind.bracketed);
                let inside = !behind.path.is_empty();
                path.extend(behind.path);
                let (from, to) = if inside { (behind.from, to) } else { (used.from, used.to) };
                let bracketed = if inside { bracketed } else { used.bracketed };
                self.found.uses.push(RawUse { root: used.root.clone(), path, from, to, bracketed });
            }
        }
    }
}

/// The names in an object that is written out, or in those of a list, as argument `number`.
fn keys(number: usize, argument: &Expr) -> Vec<(usize, String, Position)> {
    match argument {
        Expr::Map(map, _) => map.0.iter().map(|(key, _)| (number, key.as_str().to_owned(), key.pos)).collect(),
        Expr::Array(items, _) => {
            items.iter().filter(|item| matches!(item, Expr::Map(..))).flat_map(|item| keys(number, item)).collect()
        }
        _ => Vec::new(),
    }
}
