//! What no test has reached, in words.

use super::coverage::{Coverage, Gap, Outcomes, rows_of};
use crate::engine::Engine;
use crate::engine::rows::Row;
use crate::engine::rule::{Rule, RuleId};
use crate::report::why::written;

/// What was not reached of a rule; of one that never matched no more than that.
pub(super) fn of_rule(coverage: &Coverage, id: RuleId, rule: &Rule, engine: &Engine) -> Vec<Gap> {
    if !coverage.matched(id) {
        return vec![Gap { place: rule.place.clone(), what: format!("rule `{}` never matched", rule.name) }];
    }
    let conditions =
        coverage.outcomes(id, rule).into_iter().filter_map(|outcomes| of_condition(outcomes, rule, engine));
    conditions.chain(of_rows(coverage, id, rule, engine)).collect()
}

fn of_condition(outcomes: Outcomes, rule: &Rule, engine: &Engine) -> Option<Gap> {
    let what = match (outcomes.held, outcomes.missed) {
        (true, None | Some(true)) => return None,
        (true, Some(false)) => "never missed",
        (false, Some(true)) => "never held",
        (false, None | Some(false)) => "was never tried",
    };
    let span = *rule.leaves.get(outcomes.leaf as usize)?;
    Some(Gap { place: engine.sources().place(span), what: format!("`{}` {what}", written(engine, span)) })
}

/// Rows that never answered, those that follow each other together: a table may have thousands.
fn of_rows(coverage: &Coverage, id: RuleId, rule: &Rule, engine: &Engine) -> Vec<Gap> {
    let runs = rows_of(rule).chunk_by(|one, next| coverage.answered(id, one) == coverage.answered(id, next));
    let never = runs.filter(|run| run.first().is_some_and(|row| !coverage.answered(id, row)));
    let gap = |run: &[Row]| {
        let (first, last) = (run.first()?, run.last()?);
        let rows = match run {
            [one] => format!("row {} of `{}`", one.number, rule.name),
            _ => format!("rows {} to {} of `{}`", first.number, last.number, rule.name),
        };
        Some(Gap { place: engine.sources().place(first.span), what: format!("{rows} never answered") })
    };
    never.filter_map(gap).collect()
}
