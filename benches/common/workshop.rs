//! The rules of a bicycle workshop, to which the messages are addressed: one that is written out, one with a script.

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

pub(crate) const SCRIPT: &str = r#"
fn book_slot(args) {
    let minutes = if args.work == "service" { 45 } else { 20 };
    `${args.name} brings the ${args.bicycle} bicycle on ${args.day}, which takes ${minutes} minutes.`
}
"#;
