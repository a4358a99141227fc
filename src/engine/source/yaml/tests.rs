use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::engine::diagnostic::{Severity, Sources};

fn read(text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let node = parse(FileId(0), text, &mut found);
    (node, found)
}

fn good(text: &str) -> Node {
    let (node, found) = read(text);
    assert_eq!(found, [], "{text}");
    node.unwrap()
}

/// The finding in `text`, as `slug line:column message | help | …`.
fn finding(text: &str) -> String {
    let (_, found) = read(text);
    let mut sources = Sources::default();
    sources.add("", text);
    let lines: Vec<String> = found
        .iter()
        .map(|one| {
            let place = sources.place(one.span);
            let help = one.help.iter().fold(String::new(), |text, help| text + " | " + help);
            format!("{} {}:{} {}{help}", one.slug, place.line, place.column, one.message)
        })
        .collect();
    lines.join("\n")
}

fn trap(text: &str, expected: &str) {
    let actual = finding(text);
    assert!(actual.starts_with(expected), "{}\n   actual: {actual}\n expected: {expected}", shortened(text));
    assert!(actual.contains(" | "), "no help: {actual}");
}

fn cover(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap()
}

#[test]
fn every_value_knows_its_place() {
    let text = "\u{feff}ü: [é, \"q\\n\" ]  # c\r\nb: {c: d } # x\r\nm:\r\n  - x: 1\r\n    y: |\r\n      two\r\n      lines\r\n\r\n  - &k 'it''s' # c\r\n  - *k\r\n";
    let root = good(text);
    let at = |key: &str| cover(text, root.get(key).unwrap().span);
    assert_eq!(at("ü"), "[é, \"q\\n\" ]");
    assert_eq!(cover(text, root.get("ü").unwrap().items()[1].span), "\"q\\n\"");
    assert_eq!(at("b"), "{c: d }");
    let items = root.get("m").unwrap().items();
    assert_eq!(cover(text, items[0].get("y").unwrap().span), "two\r\n      lines");
    assert_eq!(items[0].get("y").unwrap().as_text().unwrap().text, "two\nlines\n");
    assert_eq!(cover(text, items[1].span), "'it''s'");
    assert_eq!(items[2], items[1]);
    assert_eq!(cover(text, root.entries()[0].0.span), "ü");
    assert!(cover(text, items[0].span).starts_with("x: 1"));
    assert!(cover(text, items[0].span).ends_with("lines"));
    assert_eq!(root.span.start, 3);
}

#[test]
fn an_empty_file_is_an_empty_mapping() {
    for text in ["", "# nothing\n", "---\n", "\u{feff}", "\n\n"] {
        assert_eq!(good(text).value, Yaml::Map(Vec::new()), "{text:?}");
    }
}

#[test]
fn words_that_other_parsers_take_for_switches_are_text() {
    let root = good("on: [on, NO, 012, 12:30, 1_000, 2026-11-23, +15550100]\n1: a\ntrue: b\n");
    assert!(root.get("on").unwrap().items().iter().all(|item| item.as_text().is_some()));
    assert!(root.get("1").is_some() && root.get("true").is_some());
}

#[test]
fn tags_of_the_core_schema_are_obeyed() {
    let root = good("a: !!str 12\nb: !!int \"12\"\nc: !!float 1\nd: !!seq [1]\ne: !!map {}\nf: !!str\n");
    assert_eq!(root.get("a").unwrap().as_text().unwrap().text, "12");
    assert_eq!(root.get("b").unwrap().value, Yaml::Int(12));
    assert_eq!(root.get("c").unwrap().value, Yaml::Float(1.0));
    assert_eq!(root.get("f").unwrap().as_text().unwrap().text, "");
}

#[test]
fn merged_keys_give_way_to_written_ones() {
    let root = good("base: &b { x: 1, y: 2 }\nmore: &m { y: 3, z: 4 }\none: { <<: *b, x: 9 }\nall: { <<: [*b, *m] }\n");
    let values = |key: &str| -> Vec<(&str, &Yaml)> {
        root.get(key).unwrap().entries().iter().map(|(key, node)| (key.text.as_str(), &node.value)).collect()
    };
    assert_eq!(values("one"), [("x", &Yaml::Int(9)), ("y", &Yaml::Int(2))]);
    assert_eq!(values("all"), [("x", &Yaml::Int(1)), ("y", &Yaml::Int(2)), ("z", &Yaml::Int(4))]);
}

#[test]
fn a_key_that_comes_twice_is_reported_with_both_places() {
    let text = "a: 1\nb: 2\na: 3\n";
    let (node, found) = read(text);
    assert_eq!(node.unwrap().get("a").unwrap().value, Yaml::Int(1));
    assert_eq!((found[0].slug, found[0].span.start, found[0].notes[0].0.start), ("duplicate-key", 10, 0));
}

#[test]
fn what_yaml_allows_and_rule_files_do_not() {
    trap("a: 1\n---\nb: 2\n", "yaml-documents 2:1 a second document");
    trap("a: &x [*x]\n", "yaml-alias 1:8 this value would contain itself");
    trap("? [a]\n: b\n", "yaml-key 1:3 a list cannot be");
    trap(
        "a: {{name}}\n",
        "yaml-key 1:5 a mapping cannot be the name before a `:` | text with `{{…}}` needs quotes: `\"{{name}}\"`",
    );
    trap(": b\n", "yaml-key 1:1 there is no name");
    trap(
        "a: !foo bar\n",
        "yaml-tag 1:4 there is no tag `!foo` | a text that begins with `!` needs quotes: `\"!foo bar\"`",
    );
    trap("a: !important\n", "yaml-tag 1:4 there is no tag `!important`");
    trap("a: !!binary aGk=\n", "yaml-tag");
    trap("a: !!int x\n", "yaml-tag 1:10 `x` is not what the tag `!!int` says");
    trap("a: 12345678901234567890\n", "yaml-number 1:4");
    trap("<<: 5\n", "yaml-merge 1:5 `<<` merges mappings, and this is the number `5`");
    trap("a: &name\n", "yaml-alias 1:4 `&name` names a value that is never used");
    trap("a: ${ x #y }\n", "yaml-comment 1:9 the value ends here");
    trap("a: #fff\nb: 1\n", "yaml-comment 1:4 `#` begins a comment, so there is no value here");
    assert_eq!(finding("a: # a list\n  - b # ok\n"), "");
}

#[test]
fn hostile_files_end_in_a_finding() {
    trap(&"- ".repeat(50_000), "yaml-depth");
    trap(&"[".repeat(100_000), "yaml-depth");
    trap(&"{a: ".repeat(1000), "yaml-depth");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        _ = writeln!(bomb, "a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 9].join(", "));
    }
    trap(&bomb, "yaml-alias");
    let mut deep = format!("a0: &a0 {}{}\n", "[".repeat(30), "]".repeat(30));
    for n in 1..5 {
        _ = writeln!(deep, "a{n}: &a{n} {}*a{}{}", "[".repeat(30), n - 1, "]".repeat(30));
    }
    trap(&deep, "yaml-depth");
}

#[test]
fn traps_are_explained() {
    let quotes = "unquoted-placeholder";
    trap(
        "a: { n: ${guest.name} }\n",
        &format!(
            "{quotes} 1:9 a value with `${{…}}` needs quotes inside `{{ }}` and `[ ]` | write `\"${{guest.name}}\"`"
        ),
    );
    trap(
        "a: [ ${g.n}, 1 ]\n",
        &format!("{quotes} 1:6 a value with `${{…}}` needs quotes inside `{{ }}` and `[ ]` | write `\"${{g.n}}\"`"),
    );
    trap(
        "a: {n: hi ${g(\"x\", 1)} you, m: 1}\n",
        &format!(
            "{quotes} 1:8 a value with `${{…}}` needs quotes inside `{{ }}` and `[ ]` | write `'hi ${{g(\"x\", 1)}} you'`"
        ),
    );
    trap("a:\n\tb: 1\n", "yaml-syntax 2:1 this line is indented with a tab");
    trap("a: 1\n\tb: 2\n", "yaml-syntax 2:1 this line is indented with a tab");
    trap("a:\n  - x\n\t- y\n", "yaml-syntax 3:1 this line is indented with a tab");
    trap("a: hello: world\n", "yaml-syntax 1:9 a text that holds `: ` needs quotes | write `\"hello: world\"`");
    trap("a: ${ x ? \"a: b\" : 1 }\n", "yaml-syntax 1:13 a text that holds `: ` needs quotes | write `'${ x ?");
    for sign in ["@", "`", "%", "*"] {
        trap(
            &format!("a: {sign}foo x\n"),
            &format!("yaml-syntax 1:4 a text that begins with `{sign}` needs quotes | write `\"{sign}foo x\"`"),
        );
    }
    trap("a: & foo\n", "yaml-syntax 1:4 a text that begins with `&` needs quotes");
    trap("a: **bold** x\n", "yaml-syntax 1:4 a text that begins with `*` needs quotes");
    trap("a: , x\n", "yaml-syntax 1:4 a text that begins with `,` needs quotes");
    trap("a: !important!! x\n", "yaml-syntax 1:4 a text that begins with `!` needs quotes");
    trap("a: > x\n", "yaml-syntax 1:4 the text behind `>` begins on the next line");
    trap("a: \"unbalanced\nb: 1\n", "yaml-syntax 1:4 this `\"` is never closed");
    trap("a: 'open\n", "yaml-syntax 1:4 this `'` is never closed");
    trap("a: 'I'm here'\n", "yaml-syntax 1:7 the quotes are closed, but the line goes on | an apostrophe");
    trap("a: \"x\" y\n", "yaml-syntax 1:8 the quotes are closed");
    trap("a: \"bad \\d escape\"\n", "yaml-syntax 1:4 a `\\` in this text");
    trap("a:\n  b: 1\n c: 2\n", "yaml-syntax 3:2 this line is indented unlike");
    trap("a:\n  b: 1\n   c: 2\n", "yaml-syntax 3:4 this line is indented unlike");
    trap("a: 1\n  b: 2\n", "yaml-syntax 2:3 this line is indented unlike");
    trap("rules:\n  - a: 1\n - b: 2\n", "yaml-syntax 3:2 a list item does not fit here");
    trap("a: x\n- b\n", "yaml-syntax 2:1 a list item does not fit here");
    trap("a:\n  - b\n  -c\n", "yaml-syntax 3:3 there is no space behind the `-` | write `- c`");
    trap("a: 1\nname:foo\n", "yaml-syntax 2:1 there is no space behind the `:` | write `name: foo`");
    trap("name:foo\nb: 1\n", "yaml-syntax 1:1 there is no space behind the `:` | write `name: foo`");
    trap("a: |\nfoo\n", "yaml-syntax 2:1 this line is neither");
    trap("a: - b\n", "yaml-syntax 1:4 a list item needs a line of its own");
    trap("a: ]\n", "yaml-syntax 1:4 this bracket closes nothing");
    trap("a: [1, 2\nb: 1\n", "yaml-syntax 2:2 a `[` above is not closed");
    trap("a: {b: 1\nc: 2\n", "yaml-syntax 2:2 a `{` above is not closed");
    trap("a: {{name}} x\n", "yaml-");
    trap("a: \u{0}\n", "yaml-syntax");
}

#[test]
fn a_place_in_a_text_is_found_whatever_its_style() {
    for text in [
        "a: one ${x.y} two\n",
        "a: 'it''s ${x.y} two'\n",
        "a: \"q\\n\\u00e9\\\" ${x.y} \\\n   two\"\n",
        "a: |\n  one\n\n    ${x.y}\n  two\n",
        "a: >-\n  one\n  ü ${x.y}\n\n  two\n",
        "a: one\n  ${x.y}\n  two\n",
        "a: &k \"${x.y}\"  # ${no}\nb: *k\n",
        "a: !!str |\r\n  one\r\n  ${x.y}\r\n",
        "\u{feff}ü: 1\na: ${x.y}",
    ] {
        let root = good(text);
        let value = root.get("a").unwrap();
        let decoded = &value.as_text().unwrap().text;
        let at = decoded.find("x.y").unwrap();
        assert_eq!(cover(text, value.locate(text, at, at + 3)), "x.y", "{text}");
        assert_eq!(cover(text, value.locate(text, at - 2, at + 4)), "${x.y}", "{text}");
        assert_eq!(value.locate(text, at, at).start, value.locate(text, at, at + 1).start);
    }
}

#[test]
fn an_escaped_character_is_pointed_at_as_a_whole() {
    let text = "a: \"x\\u00e9\\ty\"";
    let root = good(text);
    let locate = |start, end| cover(text, root.get("a").unwrap().locate(text, start, end));
    assert_eq!((locate(1, 3), locate(3, 4), locate(4, 5)), ("\\u00e9", "\\t", "y"));
}

#[test]
fn a_tree_agrees_with_the_other_parser() {
    for text in CORPUS {
        let ours = json(&good(text));
        let theirs: serde_json::Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(ours, theirs, "{text}");
    }
}

/// Documents as rule files hold them.
const CORPUS: &[&str] = &[
    "rules:\n  - name: regulars\n    on: assistant-request\n    let:\n      guest: ${ lookup(\"guests\", customer.number) }  # c\n    when:\n      guest: present\n    respond:\n      assistantId: 3f0c6e1a-6c1e-4a57-9d1f-2b7f5b0a1c11\n      assistantOverrides:\n        variableValues: { name: \"${guest.name}\", visits: \"${guest.visits}\" }\n",
    "- name: to-a-human\n  when:\n    now: mon-fri 09:00-17:30 America/New_York\n  respond:\n    destination: { type: number, number: \"${vars.front_desk}\", message: \"One moment.\" }\n",
    "when:\n  customer.number: { starts_with: \"+1415\" }\n  status: [ in-progress, forwarding ]\n  transcript: { matches: \"(?i)\\\\b(agent|human)\\\\b\" }\n  artifact.messages: { length: { gte: 4 } }\n  any:\n    - { args.party_size: { gt: 8 } }\n    - { args.notes: { contains: allergy } }\n  not: { customer.number: absent }\n",
    "servers:\n  /bistro: { rules: rules/bistro, auth: [ { secret: \"${env.BISTRO_SECRET}\" } ] }\nlisten: 0.0.0.0:8080\n",
    "a: |\n  one\n    two\n\n  three\n\nb: >\n  folded\n  text\n\n  para\n    more\nc: |-\n  x\nd: >+\n  y\n\ne: |2\n   z\n",
    "a: 'it''s'\nb: \"q\\u00e9\\n\\t\\\"\"\nc: plain\n  goes on\nd: \"multi\n  line\n\n  text\"\n",
    "n: [0, -1, 1.5, 1e3, 0x1F, 0o17, ~, null, true, false, yes, no, on, off, 012, 12:30, 1_000, 2026-11-23, .5]\n",
    "empty:\nlist: []\nmap: {}\nnested:\n- - a\n  - b\n- c: {d: [e, {f: g}]}\n",
    "x: &a { p: 1, q: [2, 3] }\ny: *a\nz: [*a, *a]\n",
    "url: https://crm.example.com/people?phone=${customer.number}\nat: reservations::book_table\npercent: 50% off\nhash: a#b\n",
    "\"quoted key\": 1\n'single': 2\nkey with blanks: 3\n? explicit\n: 4\n",
];

fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Yaml::Null => serde_json::Value::Null,
        Yaml::Bool(word) => (*word).into(),
        Yaml::Int(int) => (*int).into(),
        Yaml::Float(float) => (*float).into(),
        Yaml::Text(text) => text.text.clone().into(),
        Yaml::List(items) => items.iter().map(json).collect(),
        Yaml::Map(entries) => entries.iter().map(|(key, node)| (key.text.clone(), json(node))).collect(),
    }
}

/// Reads `text` and looks up places all over what came out; says nothing of what that is.
fn exercise(text: &str) {
    let (node, found) = read(text);
    assert!(node.is_some() || found.iter().any(|one| one.severity == Severity::Error));
    let mut open: Vec<&Node> = node.iter().collect();
    while let Some(node) = open.pop() {
        assert!(node.span.start <= node.span.end && node.span.end as usize <= text.len());
        for (start, end) in [(0, 1), (1, 3), (2, 2), (5, 400), (7, 3)] {
            let span = node.locate(text, start, end);
            assert!(span.start <= span.end && span.end as usize <= text.len());
        }
        open.extend(node.items());
        open.extend(node.entries().iter().map(|(_, value)| value));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn arbitrary_text_does_no_harm(text in any::<String>()) {
        exercise(&text);
    }

    #[test]
    fn arbitrary_yaml_does_no_harm(text in "([-a: \\n\"'{}\\[\\],&*!|>#?%@`$\\\\\t~ü<0]|  |\\r\\n|: |- |&a |\\*a ){0,60}") {
        exercise(&text);
    }

    #[test]
    fn cut_documents_do_no_harm(which in 0..CORPUS.len(), cut in 0..600_usize, with in "[-a: \\n\"'{}\\[\\],&*!|>#]{0,3}") {
        let text = CORPUS[which];
        let cut = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let (head, tail) = text.split_at(cut);
        exercise(head);
        exercise(&format!("{head}{with}{tail}"));
    }
}
