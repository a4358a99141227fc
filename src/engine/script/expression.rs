//! Scripts that are ready to run: expressions and blocks that stand in YAML, and functions of modules.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rhai::{AST, Dynamic, EvalAltResult, OptimizationLevel, Scope};
use serde_json::Value;

use super::Core;
use super::fault::{self, Origins, ScriptFault, wording};
use super::lines::Origin;
use super::reach::Reach;
use super::run::{Run, Stop};
use super::slots::{Slots, Use};
use super::value::{self, Budget};
use crate::engine::diagnostic::Span;
use crate::engine::json::Val;

/// An expression or a block of statements, compiled.
#[derive(Clone)]
pub struct Expression(Arc<Script>);

/// A function of a module, ready to be called.
#[derive(Clone)]
pub struct Function {
    call: Expression,
    declared: Span,
}

struct Script {
    core: Arc<Core>,
    ast: AST,
    uses: Vec<Use>,
    slots: Slots,
    origin: Origin,
    reach: Reach,
}

impl Expression {
    /// `handed` are the names that `ast` hands to functions, which need not look at them.
    pub(super) fn new<'n>(
        core: Arc<Core>,
        ast: AST,
        uses: Vec<Use>,
        handed: impl IntoIterator<Item = &'n str>,
        origin: Origin,
        reach: Reach,
    ) -> Expression {
        let ast = core.engine.optimize_ast(&Scope::new(), ast, OptimizationLevel::Simple);
        let slots = Slots::of(&uses, handed);
        Expression(Arc::new(Script { core, ast, uses, slots, origin, reach }))
    }

    /// The values that it looks at, in the order in which [`eval`](Expression::eval) wants them.
    #[must_use]
    pub fn uses(&self) -> &[Use] {
        &self.0.uses
    }

    /// What it reaches besides those.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.0.reach
    }

    /// Its value.
    ///
    /// # Errors
    ///
    /// A [`ScriptFault`] if it throws, fails or takes too long.
    pub fn eval(&self, values: &[Val<'_>], run: &mut Run) -> Result<Value, ScriptFault> {
        let script = &*self.0;
        let result = script.run(values, run)?;
        let budget = Budget { values: 100_000, bytes: script.core.limits.result_bytes_max };
        value::to_json(&result, budget).map_err(|message| script.failed(message))
    }

    /// Whether its value is `true`; an absent value counts as `false`.
    ///
    /// # Errors
    ///
    /// A [`ScriptFault`] if it throws, fails, takes too long, or is neither true nor false.
    pub fn eval_bool(&self, values: &[Val<'_>], run: &mut Run) -> Result<bool, ScriptFault> {
        let result = self.0.run(values, run)?;
        if result.is_unit() {
            return Ok(false);
        }
        result
            .as_bool()
            .map_err(|found| self.0.failed(format!("expected true or false, found {}", wording::what(found))))
    }
}

impl Script {
    fn run(&self, values: &[Val<'_>], run: &mut Run) -> Result<Dynamic, ScriptFault> {
        let mut scope = self.slots.scope(values);
        let engine = &self.core.engine;
        let (result, stop) = run.at_work(self.core.limits.operations_max, || {
            let eval = || engine.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast);
            catch_unwind(AssertUnwindSafe(eval))
        });
        match (result, stop) {
            (Ok(Ok(value)), None) => Ok(value),
            (Ok(Err(error)), stop) => Err(self.fault(*error, stop)),
            (Ok(Ok(_)), stop) => Err(self.fault(EvalAltResult::ErrorTerminated(Dynamic::UNIT, self.start()), stop)),
            (Err(_), _) => Err(self.failed("the script could not be carried out to its end".into())),
        }
    }

    fn fault(&self, error: EvalAltResult, stop: Option<Stop>) -> ScriptFault {
        let origins = Origins { files: &self.core.files, text: &self.origin };
        fault::fault(error, stop, &origins, &self.core.limits)
    }

    fn start(&self) -> rhai::Position {
        self.ast.statements().first().map_or(rhai::Position::NONE, rhai::Stmt::position)
    }

    fn failed(&self, message: String) -> ScriptFault {
        ScriptFault::Failed { message, at: self.origin.word(self.start()) }
    }
}

impl Function {
    pub(super) fn new(call: Expression, declared: Span) -> Function {
        Function { call, declared }
    }

    /// The values behind `args` and `event` that it looks at, in the order in which
    /// [`call`](Function::call) wants them.
    #[must_use]
    pub fn uses(&self) -> &[Use] {
        self.call.uses()
    }

    /// Whether it may ask others something, or have them told.
    #[must_use]
    pub fn reaches_out(&self) -> bool {
        self.call.reach().others()
    }

    /// Where it is declared.
    #[must_use]
    pub fn declared(&self) -> Span {
        self.declared
    }

    /// What it returns.
    ///
    /// # Errors
    ///
    /// A [`ScriptFault`] if it throws, fails or takes too long.
    pub fn call(&self, values: &[Val<'_>], run: &mut Run) -> Result<Value, ScriptFault> {
        self.call.eval(values, run)
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expression").field("uses", &self.0.uses).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function").field("uses", &self.uses()).finish_non_exhaustive()
    }
}
