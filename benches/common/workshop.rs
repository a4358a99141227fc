//! The rules of a bicycle workshop, to which the messages are addressed: one that is written out, one with a script.

use switchhook::engine::Engine;
use switchhook::engine::diagnostic::Sources;
use switchhook::engine::source::{Options, compile};

use crate::Outcome;

pub(crate) const RULES: &str = r#"
rules:
  - name: find-slot
    tool: find_slot
    when: { args.work: service }
    respond: "On ${args.day} there is a place for your ${args.bicycle} bicycle at ten."
  - name: book-slot
    tool: book_slot
    run: workshop::book_slot
"#;

/// What is done with a report: one condition, three values.
pub(crate) const REPORT: &str = r#"
rules:
  - name: report
    on: end-of-call-report
    when: { endedReason: { contains: customer } }
    do: [ { set: { id: "${call.id}", why: "${endedReason}", summary: "${analysis.summary}" } } ]
"#;

/// What is done about a call that is over: one action, which waits so long that nothing but appending it is measured.
pub(crate) const NOTE: &str = r#"
rules:
  - name: note
    on: status-update
    do:
      - post: https://crm.example.com/calls
        json: { call: "${call.id}", why: "${endedReason}", caller: "${customer.number}" }
        after: 1h
"#;

pub(crate) const SCRIPT: &str = r#"
fn book_slot(args) {
    let minutes = if args.work == "service" { 45 } else { 20 };
    `${args.name} brings the ${args.bicycle} bicycle on ${args.day}, which takes ${minutes} minutes.`
}
"#;

/// So many rules for numbered tools; an empty text if there are none.
pub(crate) fn numbered_rules(count: u64) -> String {
    let rule =
        |number| format!("  - {{ name: rule-{number}, tool: tool_{number:08}, respond: \"On ${{args.day}}.\" }}\n");
    if count == 0 { String::new() } else { "rules:\n".to_owned() + &(0..count).map(rule).collect::<String>() }
}

/// What decides by `rules`, which may name the script, and by `more`, a file of its own if there is anything in it.
pub(crate) fn engine(rules: &str, more: &str) -> Outcome<Engine> {
    let mut sources = Sources::default();
    sources.add("rules/workshop.yaml".to_owned(), rules.to_owned());
    sources.add("rules/scripts/workshop.rhai".to_owned(), SCRIPT.to_owned());
    if !more.is_empty() {
        sources.add("rules/more.yaml".to_owned(), more.to_owned());
    }
    let compiled = compile(&sources, &Options::default()).map_err(|found| format!("the rules are wrong: {found:?}"))?;
    Ok(compiled.engine)
}
