use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::engine::facts::{Facts, Unhurried};
use crate::engine::json::Val;
use crate::engine::path::Segment;
use crate::engine::question::{Fetched, Question, Response};
use crate::engine::request::Method;

/// What the last value of `script` is, as JSON text. What it asks is answered.
pub(super) fn shown(script: &str) -> String {
    shown_with(script, &mut facts())
}

/// The same with these facts, which the answers join.
fn shown_with(script: &str, facts: &mut Facts) -> String {
    loop {
        let mut run = Run::new(facts, Arc::new(Unhurried));
        run.set_control_url("https://control.vapi.ai/call".to_owned());
        match eval_within(script, &json!({}), &mut run) {
            Ok(value) => return value.to_string(),
            Err(ScriptFault::Unanswered) => {
                let questions = run.questions();
                assert_ne!(questions, [], "{script}");
                facts.answers = facts.answers.with(questions.into_iter().map(|question| {
                    let answer = Arc::new(answer(&question));
                    (question, answer)
                }));
            }
            Err(fault) => return format!("{fault:?}"),
        }
    }
}

/// A CRM that knows one person.
fn answer(question: &Question) -> Fetched {
    let request = &question.request;
    let (status, body) = match (request.method, request.url.redacted().rsplit('/').next()) {
        (Method::Post, Some("people")) => (201, "{\"id\":7}"),
        (_, Some(person)) if person.starts_with('7') => (200, "{\"name\":\"Ada\"}"),
        (_, Some("down")) => return Fetched::failed("nobody listens there"),
        _ => (404, ""),
    };
    Fetched::from(Response { status, headers: serde_json::Map::new(), body: body.into() })
}

fn facts() -> Facts {
    let now: Timestamp = "2026-11-23T15:00:00Z".parse().unwrap();
    Facts { now, seed: 7, ..Facts::default() }
}

fn run() -> Run {
    Run::new(&facts(), Arc::new(Unhurried))
}

fn locate(start: usize, end: usize) -> Span {
    let byte = |at| u32::try_from(at).unwrap();
    Span { file: FileId(9), start: byte(start), end: byte(end) }
}

/// The table `guests`, and the name of a decision table.
fn guests() -> Arc<Tables> {
    Arc::new(crate::engine::table::tests::tables())
}

fn no_scripts() -> Scripts {
    Scripts::compile(&[], &ScriptLimits::default(), None, &guests(), &mut Vec::new())
}

/// The values that `uses` ask for, out of a map of everything in scope.
fn values<'a>(uses: &[Use], scope: &'a Value) -> Vec<Val<'a>> {
    let found = |used: &Use| {
        let mut value = scope.get(&used.root);
        for segment in &used.path {
            value = value.and_then(|value| match segment {
                Segment::Key(key) => value.get(&**key),
                Segment::Index(index) => {
                    let items = value.as_array()?;
                    let at = usize::try_from(index.unsigned_abs()).unwrap();
                    items.get(if *index < 0 { items.len().checked_sub(at)? } else { at })
                }
            });
        }
        value.map_or(Val::Absent, |value| Val::Value(std::borrow::Cow::Borrowed(value)))
    };
    uses.iter().map(found).collect()
}

fn block(text: &str, scope: &Value) -> Result<Expression, Vec<Diagnostic>> {
    let names = scope.as_object().unwrap().keys().cloned().collect();
    let mut found = Vec::new();
    let block = no_scripts().block(text, &names, &locate, &mut found);
    block.ok_or(found)
}

fn eval(text: &str, scope: &Value) -> Result<Value, ScriptFault> {
    eval_within(text, scope, &mut run())
}

fn eval_within(text: &str, scope: &Value, run: &mut Run) -> Result<Value, ScriptFault> {
    let expression = block(text, scope).unwrap_or_else(|found| panic!("{text}: {found:#?}"));
    expression.eval(&values(expression.uses(), scope), run)
}

/// A diagnostic's slug, message and help.
fn described(problem: &Diagnostic) -> String {
    let help = problem.help.iter().fold(String::new(), |all, help| all + "; " + help);
    format!("{}: {}{help}", problem.slug, problem.message)
}

/// The part of `text` that `span` covers.
fn at(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap()
}

fn message(fault: Result<Value, ScriptFault>) -> String {
    match fault {
        Err(ScriptFault::Failed { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

/// Rules are shared by threads.
#[test]
fn what_is_compiled_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() -> usize {
        size_of::<T>()
    }
    assert!(shared::<Scripts>() + shared::<Expression>() + shared::<Function>() > 0);
}

mod abuse;
mod asking;
mod checks;
mod language;
mod modules;
mod uses;
mod wording;
