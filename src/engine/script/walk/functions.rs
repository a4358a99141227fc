//! The functions of one file, and what each looks at behind its parameters.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rhai::{AST, Position};

use super::{Found, RawUse, Walker};

/// The functions of one file.
#[derive(Default)]
pub(in crate::engine::script) struct Functions {
    by_name: BTreeMap<(String, usize), Script>,
    /// What is known of parameters already: by function and parameter, the paths behind it.
    followed: Mutex<BTreeMap<(String, usize, usize), Vec<RawUse>>>,
}

pub(in crate::engine::script) struct Script {
    pub(in crate::engine::script) parameters: Vec<String>,
    pub(in crate::engine::script) private: bool,
    /// A tree of this function alone: the type of a function's body has no name outside Rhai.
    pub(super) body: AST,
}

impl Functions {
    pub(in crate::engine::script) fn of(ast: &AST) -> Functions {
        let functions = ast.iter_functions().map(|function| {
            let (name, count) = (function.name, function.params.len());
            let mut body = ast.clone_functions_only();
            body.retain_functions(|_, _, n, c| n == name && c == count);
            let script = Script {
                parameters: function.params.iter().map(ToString::to_string).collect(),
                private: function.access == rhai::FnAccess::Private,
                body,
            };
            ((name.to_owned(), count), script)
        });
        Functions { by_name: functions.collect(), followed: Mutex::default() }
    }

    pub(in crate::engine::script) fn get(&self, name: &str, parameters: usize) -> Option<&Script> {
        self.by_name.get(&(name.to_owned(), parameters))
    }

    /// Name and function, those of closures left out.
    pub(in crate::engine::script) fn named(&self) -> impl Iterator<Item = (&str, &Script)> {
        let named = self.by_name.iter().filter(|((name, _), _)| !name.contains('$'));
        named.map(|((name, _), script)| (name.as_str(), script))
    }

    pub(super) fn arities(&self, name: &str) -> impl Iterator<Item = usize> {
        let from = self.by_name.range((name.to_owned(), 0)..);
        from.take_while(move |((n, _), _)| n == name).map(|((_, count), _)| *count)
    }

    /// With how many arguments functions called `name` can be called.
    pub(in crate::engine::script) fn arities_of(&self, name: &str) -> Vec<usize> {
        self.arities(name).collect()
    }

    /// Everything that all functions say.
    pub(in crate::engine::script) fn walk(&self) -> Found {
        let mut found = Found::default();
        for script in self.by_name.values() {
            let mut walker = Walker::new(self, &|_| false);
            walker.locals.clone_from(&script.parameters);
            walker.body(script);
            found.append(walker.found);
        }
        found
    }

    /// What the function `name` of so many parameters looks at behind its parameter number `index`.
    pub(in crate::engine::script) fn behind(&self, name: &str, count: usize, index: usize) -> Vec<RawUse> {
        let key = (name.to_owned(), count, index);
        let known = || self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(uses) = known().get(&key) {
            return uses.clone();
        }
        let Some((script, root)) = self.get(name, count).and_then(|s| Some((s, s.parameters.get(index)?))) else {
            return vec![RawUse::whole("", Position::NONE)];
        };
        // A function that comes back to itself finds the whole value here.
        known().insert(key.clone(), vec![RawUse::whole(root, Position::NONE)]);
        let is_root = |name: &str| name == root;
        let mut walker = Walker::new(self, &is_root);
        walker.locals = script.parameters.iter().filter(|name| *name != root).cloned().collect();
        walker.body(script);
        let uses = walker.found.uses;
        known().insert(key, uses.clone());
        uses
    }
}
