use super::*;

fn path(used: &Use) -> String {
    crate::engine::path::Path::new(&used.root, used.path.iter().cloned()).to_string()
}

/// The uses of a block of statements in whose scope are `call`, `customer`, `messages` and `args`.
fn uses(text: &str) -> Vec<String> {
    let names = json!({ "call": 0, "customer": 0, "messages": 0, "args": 0 });
    block(text, &names).unwrap_or_else(|found| panic!("{text}: {found:#?}")).uses().iter().map(path).collect()
}

#[test]
fn the_longest_paths_that_the_text_tells_are_found() {
    for (text, expected) in [
        ("1 + 1", &[][..]),
        ("customer.number", &["customer.number"]),
        ("customer.number.starts_with(\"+1\")", &["customer.number"]),
        ("customer.number.len", &["customer.number"]),
        ("customer[\"x name\"].a", &["customer[\"x name\"].a"]),
        ("customer.number[0]", &["customer.number"]),
        ("messages[0].role + messages[-1].role", &["messages[-1].role", "messages[0].role"]),
        ("messages[0].names[1]", &["messages[0].names"]),
        ("messages[args.n].role", &["args.n", "messages"]),
        ("customer[args.key].role", &["args.key", "customer"]),
        ("customer?.name?.first", &["customer.name.first"]),
        ("`${call.id} ${customer.number}`", &["call.id", "customer.number"]),
        ("#{ a: call.id, b: [customer.number] }", &["call.id", "customer.number"]),
        ("if call.id == 1 { customer.name } else { args.name }", &["args.name", "call.id", "customer.name"]),
        ("(call.id).x + (customer)", &["call.id.x", "customer"]),
        ("args", &["args"]),
    ] {
        assert_eq!(uses(text), expected, "{text}");
    }
}

#[test]
fn what_is_used_whole_is_not_listed_by_its_parts() {
    assert_eq!(uses("customer.number + customer"), ["customer"]);
    assert_eq!(uses("customer.name.first + customer.name + customer.number"), ["customer.name", "customer.number"]);
    assert_eq!(uses("messages[0].role + messages.kind"), ["messages"]);
}

#[test]
fn names_of_the_script_hide_those_outside() {
    for (text, expected) in [
        ("let customer = 1; customer.number", &[][..]),
        ("let customer = customer.number; customer.x", &["customer.number"]),
        ("{ let customer = 1; } customer.number", &["customer.number"]),
        ("[1].map(|customer| customer.number)", &[]),
        ("for call in messages { call.id }", &["messages"]),
        ("try { call.id } catch (customer) { customer.x }", &["call.id"]),
        ("switch args.n { 1 => call.id, _ => { let call = 2; call.z } }", &["args.n", "call.id"]),
    ] {
        assert_eq!(uses(text), expected, "{text}");
    }
}

#[test]
fn values_are_followed_into_functions_and_closures() {
    for (text, expected) in [
        ("[1].map(|i| i + call.n)", &["call.n"][..]),
        ("fn id(c) { c.id } id(call)", &["call.id"]),
        ("fn id(c) { c.id } id(args.call)", &["args.call.id"]),
        ("fn id(c) { c.id } fn two(x) { id(x.a) + x.b } two(args)", &["args.a.id", "args.b"]),
        ("fn again(c) { if c.n > 1 { again(c) } else { 1 } } again(call)", &["call"]),
        ("fn kept(c) { let d = c; d.id } kept(call)", &["call"]),
        ("fn shout() { this.id } call.shout()", &["call"]),
        ("type_of(call)", &["call"]),
    ] {
        assert_eq!(uses(text), expected, "{text}");
    }
}

#[test]
fn a_use_has_its_place() {
    let text = "1 + customer.address[\"zip\"] + ü.b";
    let expression = block(text, &json!({ "customer": 0, "ü": 0 }));
    assert!(expression.is_err(), "names are of ASCII letters in Rhai");
    let text = "1 + customer.address[\"zip\"] + \"ü\" + call.id";
    let expression = block(text, &json!({ "customer": 0, "call": 0 })).unwrap();
    let written: Vec<_> = expression.uses().iter().map(|used| at(text, used.span)).collect();
    assert_eq!(written, ["call.id", "customer.address[\"zip\"]"]);
}

#[test]
fn a_script_is_given_only_what_it_looks_at() {
    let scope = json!({ "messages": [{ "role": "a" }, { "role": "b" }, { "role": "c", "text": "t" }] });
    for (text, expected) in [
        ("[messages[0].role, messages[2].role, messages[-1].role, messages[-3].role]", json!(["a", "c", "c", "a"])),
        ("[messages[1].role, messages[-1].text, messages[9].text]", json!(["b", "t", null])),
        ("messages.len()", json!(3)),
    ] {
        assert_eq!(eval(text, &scope), Ok(expected), "{text}");
    }
}
