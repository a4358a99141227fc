//! Chains of dots and brackets, as steps in the order in which they are written.
//!
//! Rhai nests them to the right: `a.b[c].d` is `a . (b [ (c . d))`, so that the index `c` stands where a
//! field would, and only a flag tells `a[c.d]` from `a[c].d`.

use rhai::{ASTFlags, Expr, FnCallExpr, Position};

/// One step of a chain of dots and brackets.
pub(super) enum Step<'e> {
    Field(&'e str, Position),
    Index(&'e Expr),
    Call(&'e FnCallExpr, Position),
}

/// Takes a chain of dots and brackets apart; `None` if `expr` is none.
pub(super) fn chain(expr: &Expr) -> Option<(&Expr, Vec<Step<'_>>)> {
    let (Expr::Dot(parts, ..) | Expr::Index(parts, ..)) = expr else { return None };
    let mut steps = Vec::new();
    let mut link = expr;
    while let Expr::Dot(parts, flags, _) | Expr::Index(parts, flags, _) = link {
        let indexed = matches!(link, Expr::Index(..));
        let ends = indexed && flags.contains(ASTFlags::BREAK);
        let (first, rest) = match &parts.rhs {
            next @ (Expr::Dot(inner, ..) | Expr::Index(inner, ..)) if !ends => (&inner.lhs, Some(next)),
            last => (last, None),
        };
        match first {
            index if indexed => steps.push(Step::Index(index)),
            Expr::Property(name, position) => steps.push(Step::Field(&name.2, *position)),
            Expr::MethodCall(call, position) | Expr::FnCall(call, position) => {
                steps.push(Step::Call(call, *position));
            }
            _ => {}
        }
        match rest {
            Some(next) => link = next,
            None => break,
        }
    }
    Some((&parts.lhs, steps))
}

/// Whether texts, lists or numbers have a property of this name, so that it may be no field.
pub(super) fn is_getter(name: &str) -> bool {
    let of_texts = ["len", "is_empty", "bytes", "chars"];
    let of_numbers = ["bits", "is_odd", "is_even", "is_zero", "floor", "ceiling", "round", "int", "fraction", "is_nan"];
    of_texts.contains(&name) || of_numbers.contains(&name)
}
