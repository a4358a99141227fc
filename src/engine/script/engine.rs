//! The one Rhai engine of a rule set: what the language is here, and within which limits.

use std::sync::{Arc, LazyLock};

use rhai::packages::{
    BasicArrayPackage, BasicMapPackage, BasicMathPackage, BitFieldPackage, CorePackage, LogicPackage,
    MoreStringPackage, Package,
};
use rhai::{Dynamic, Engine, OptimizationLevel};

use super::limits::ScriptLimits;
use super::{guard, host, run, words};
use crate::engine::table::Tables;

/// How deep an expression may be nested, outside of functions and in them.
const NESTING_MAX: (usize, usize) = (64, 48);
const FUNCTIONS_MAX: usize = 2_000;
const MODULES_MAX: usize = 200;

rhai::def_package! {
    /// Rhai's standard functions, all but those that ask the clock or work on bytes. One module and not seven, because a
    /// script that runs looks for each of its functions in one module after the other.
    Standard(_module): CorePackage, BitFieldPackage, LogicPackage, BasicMathPackage, BasicArrayPackage, BasicMapPackage,
        MoreStringPackage {}
}

/// Engines share them.
static STANDARD: LazyLock<Standard> = LazyLock::new(Standard::new);

/// Makes the engine, with the host's functions, which look at `tables`, and without the author's modules.
pub(super) fn engine(limits: &ScriptLimits, tables: &Arc<Tables>) -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(STANDARD.as_shared_module());
    limit(&mut engine, limits);
    absent_is_normal(&mut engine);
    guard::register(&mut engine, limits);
    host::register(&mut engine, tables);
    engine.on_progress(|_| run::progress());
    engine.on_print(host::log::print);
    engine.on_debug(|text, _, _| host::log::print(text));
    watch(&mut engine, limits.memory_bytes_max);
    engine
}

fn limit(engine: &mut Engine, limits: &ScriptLimits) {
    engine
        // The interner is one lock for all threads, and makes them wait for each other.
        .set_max_strings_interned(0)
        .set_max_operations(limits.operations_max)
        .set_max_call_levels(limits.call_depth_max)
        .set_max_expr_depths(NESTING_MAX.0, NESTING_MAX.1)
        .set_max_string_size(limits.string_bytes_max)
        .set_max_array_size(limits.list_items_max)
        .set_max_map_size(limits.map_entries_max)
        .set_max_variables(limits.variables_max)
        .set_max_functions(FUNCTIONS_MAX)
        .set_max_modules(MODULES_MAX)
        // The checker reads the tree as it was written; it is optimised afterwards.
        .set_optimization_level(OptimizationLevel::None);
}

/// A field of something absent is absent, and so is an item beyond the end of a list.
fn absent_is_normal(engine: &mut Engine) {
    engine.register_indexer_get(|(): &mut (), _: Dynamic| Dynamic::UNIT);
    // It cannot be assigned to, since there is no place where it would be kept.
    engine.on_invalid_array_index(|_, _, _| Ok(Dynamic::UNIT.into_read_only().into()));
}

#[expect(deprecated, reason = "Rhai marks its volatile callbacks so; the version is pinned, and tests cover them")]
fn watch(engine: &mut Engine, memory_bytes_max: usize) {
    engine.on_parse_token(|token, _, _| words::ordinary(token));
    engine.on_var(move |_, _, context| {
        guard::weigh_variables(&context, memory_bytes_max);
        Ok(None)
    });
}
