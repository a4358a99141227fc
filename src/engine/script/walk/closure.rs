//! Closures, which Rhai takes apart before anybody sees them: into a function, and the names that it takes along.

use rhai::{Expr, FnPtr, Stmt, StmtBlock};

/// The function that a closure is, and the names that it takes along: Rhai makes a block of it, in which it shares them
/// and hands them to `curry`.
pub(super) fn taking_along(block: &StmtBlock) -> Option<(String, &[Expr])> {
    let [Stmt::Share(..), Stmt::Expr(expr)] = block.statements() else { return None };
    let Expr::FnCall(call, _) = &**expr else { return None };
    let (Expr::DynamicConstant(closure, _), taken) = call.args.split_first()? else { return None };
    Some((closure.read_lock::<FnPtr>()?.fn_name().to_owned(), taken))
}

/// Whether `value` is, or holds, a closure that takes `name` along.
pub(super) fn keeps_closure_over(value: &Expr, name: &str) -> bool {
    match value {
        Expr::Stmt(block) => taking_along(block).is_some_and(|(_, taken)| {
            taken.iter().any(|taken| matches!(taken, Expr::Variable(variable, ..) if variable.1 == name))
        }),
        Expr::Array(items, _) => items.iter().any(|item| keeps_closure_over(item, name)),
        Expr::Map(map, _) => map.0.iter().any(|(_, item)| keeps_closure_over(item, name)),
        _ => false,
    }
}
