use std::time::Duration;

use serde::Deserialize;

use super::*;
use crate::engine::diagnostic::{FileId, Sources};
use crate::engine::source::yaml::{self, Style};

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "an example of a source type")]
struct RuleSource {
    name: Field<Spanned<String>>,
    on: Field<OneOrMany<Spanned<String>>>,
    timeout: Field<Option<Spanned<Duration>>>,
    stop: Field<Option<bool>>,
    port: Field<Option<u16>>,
    #[serde(default)]
    tags: Each<String>,
    respond: Option<Node>,
    retry: Field<Option<RetrySource>>,
    #[serde(default)]
    vars: Entries<TextLike>,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "a retry policy")]
#[expect(dead_code, reason = "an example of a source type")]
struct RetrySource {
    attempts: Field<u32>,
    within: Field<Duration>,
    kind: Field<Option<Kind>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Fixed,
    Growing { factor: f64 },
}

#[derive(Debug, Deserialize)]
struct FileSource {
    rules: Field<Each<RuleSource>>,
}

fn read_as<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> (Option<T>, String) {
    let mut found = Vec::new();
    let node = yaml::parse(FileId(0), text, &mut found).unwrap();
    let value = read(&node, what, &mut found);
    let mut sources = Sources::default();
    sources.add("", text);
    found.sort_by_key(|one| one.span);
    let show = |one: &Diagnostic| {
        let place = sources.place(one.span);
        let help = one.help.iter().fold(String::new(), |text, help| text + " | " + help);
        format!("{}:{} {}: {}{help}", place.line, place.column, one.slug, one.message)
    };
    (value, found.iter().map(show).collect::<Vec<_>>().join("\n"))
}

fn rule(text: &str, expected: &str) {
    let text = format!("name: a\non: b\n{text}");
    let (_, found) = read_as::<RuleSource>(&text, "a rule");
    assert_eq!(found, expected, "{text}");
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let text = "\
rules:
  - nme: a
    on: [x, 5]
    respnd: { a: 1 }
    timeout: 4
    stop: on
    port: 70000
    frobnicate: 1
    stop: true
    retry: { attempts: x, kind: growin }
  - 5
  - name: true
    on: b
    tags: [a, [b], c]
    vars: { a: 1, b: true, c: +1555, d: 1.10 }
rulez: 1
";
    let (file, found) = read_as::<FileSource>(text, "a rule file");
    assert_eq!(
        found,
        "\
2:5 unknown-field: a rule has no field `nme` | did you mean `name`?
3:13 wrong-type: expected text, found the number `5` | put it in quotes: `\"5\"`
4:5 unknown-field: a rule has no field `respnd` | did you mean `respond`?
5:14 wrong-type: expected a duration, found the number `4` | say of what: `4s` for seconds, `4ms` for milliseconds
6:11 wrong-type: expected true or false, found text `on` | `on` looks like a switch but is text here: write `true`
7:11 wrong-type: expected a whole number from 0 to 65535, found the number `70000`
8:5 unknown-field: a rule has no field `frobnicate` | it can have `name`, `on`, `timeout`, `stop`, `port`, `tags`, `respond`, `retry`, `vars`
9:5 duplicate-key: the key `stop` comes twice | keep one of the two, or give one of them another name
10:12 missing-field: a retry policy needs a field `within` | add a line `within: …`
10:24 wrong-type: expected a whole number, found text `x`
10:33 unknown-value: `growin` is none of the words that can stand here | did you mean `growing`?
11:5 wrong-type: a rule is a mapping, not the number `5` | write `name: value` lines; it can have `name`, `on`, `timeout`, `stop`, `port`, `tags`, `respond`, `retry`, `vars`
12:11 wrong-type: expected text, found `true` | put it in quotes: `\"true\"`
14:15 wrong-type: expected text, found a list
15:41 wrong-type: expected text, found the number `1.1` | put it in quotes
16:1 unknown-field: a rule file has no field `rulez` | did you mean `rules`?"
    );
    let rules = file.unwrap().rules.0.unwrap().0;
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[0].on.get().unwrap().0[0].value, "x");
    assert_eq!(rules[1].tags.0, ["a", "c"]);
    assert_eq!(rules[1].vars.0.iter().map(|(_, text)| text.0.as_str()).collect::<Vec<_>>(), ["1", "true", "+1555"]);
}

#[test]
fn wrong_values_come_with_a_remedy() {
    rule(
        "stop: yes",
        "3:7 wrong-type: expected true or false, found text `yes` | `yes` looks like a switch but is text here: write `true`",
    );
    rule("stop: \"true\"", "3:7 wrong-type: expected true or false, found text `true` | take the quotes away");
    rule(
        "timeout: 4 sec",
        "3:10 wrong-type: expected a duration, found text `4 sec` | write numbers with `ms`, `s`, `m`, `h` or `d`: `4s`, `1500ms`, `1h30m`",
    );
    rule("tags:\n  -a\n  -b", "4:3 wrong-type: expected a list, found text `-a -b` | put a space behind each `-`");
    rule(
        "tags: a",
        "3:7 wrong-type: expected a list, found text `a` | write it as `[one, two]`, or as lines that begin with `- `",
    );
    rule(
        "retry: attempts:5",
        "3:8 wrong-type: a retry policy is a mapping, not text `attempts:5` | a space is missing behind the `:`: write `attempts: 5`",
    );
    rule(
        "port: \"80\"",
        "3:7 wrong-type: expected a whole number, found text `80` | write the number without quotes, plus sign and leading zeros",
    );
    rule(
        "-port: 80",
        "3:1 unknown-field: a rule has no field `-port` | a space is missing behind the `-`: write `- port:`",
    );
    rule(
        "retry: {attempts:5, within: 1s}",
        "3:9 unknown-field: a retry policy has no field `attempts:5` | a space is missing behind the `:`: write `attempts: 5`",
    );
    rule("name2: x\n", "3:1 unknown-field: a rule has no field `name2` | did you mean `name`?");
}

#[test]
fn a_field_without_a_value_is_not_left_out() {
    for field in ["name", "on", "timeout", "tags", "respond", "vars"] {
        let lines = ["name: a", "on: [a]"].into_iter().filter(|line| !line.starts_with(field));
        let text = lines.fold(format!("{field}:\n"), |text, line| text + line + "\n");
        let (rule, found) = read_as::<RuleSource>(&text, "a rule");
        let message = format!("1:1 empty-field: `{field}` is there, but nothing stands under it");
        assert_eq!(found, format!("{message} | write what belongs there, or remove `{field}`"));
        // Bare fields spoil their struct, as they do with every other mistake.
        assert_eq!(rule.is_some(), !["tags", "vars"].contains(&field), "{field}");
    }
}

#[test]
fn nothing_is_a_value_where_nothing_is_read_into_types() {
    rule("respond: { a: null, b: }", "");
    rule(
        "retry: { attempts: 3, within: ~ }",
        "3:23 empty-field: `within` is there, but nothing stands under it | write what belongs there, or remove `within`",
    );
}

#[test]
fn what_is_right_is_read() {
    let text = "name: a\non: b\ntimeout: 1h30m\nstop: false\nretry: { attempts: 3, within: 4s, kind: { growing: { factor: 2 } } }\nrespond: { a: ['x', 1.5, null, true], b: 2 }\n";
    let (rule, found) = read_as::<RuleSource>(text, "a rule");
    assert_eq!(found, "");
    let rule = rule.unwrap();
    assert_eq!(rule.name.get().unwrap().span.start, 6);
    assert_eq!(rule.timeout.0.flatten().unwrap().value, Duration::from_secs(5400));
    let retry = rule.retry.0.flatten().unwrap();
    assert_eq!(retry.kind.0.flatten(), Some(Kind::Growing { factor: 2.0 }));
    let tree = yaml::parse(FileId(0), text, &mut Vec::new()).unwrap();
    assert_eq!(rule.respond.as_ref(), tree.get("respond"));
    let quoted = rule.respond.unwrap();
    assert_eq!(quoted.get("a").unwrap().items()[0].as_text().unwrap().style, Style::Single);
}

#[test]
fn a_type_may_object_to_its_value() {
    #[derive(Debug)]
    struct Even;

    impl<'de> Deserialize<'de> for Even {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Even, D::Error> {
            let number = u32::deserialize(deserializer)?;
            if number % 2 == 0 { Ok(Even) } else { Err(serde::de::Error::custom(format!("`{number}` is odd"))) }
        }
    }

    #[derive(Debug, Deserialize)]
    struct Pair {
        left: Field<Even>,
        right: Field<Even>,
    }

    let (pair, found) = read_as::<Pair>("left: 1\nright: 3\n", "a pair");
    assert_eq!(found, "1:7 invalid-value: `1` is odd\n2:8 invalid-value: `3` is odd");
    let pair = pair.unwrap();
    assert!(pair.left.get().is_none() && pair.right.get().is_none());
}

#[test]
fn plain_data_is_read_as_json() {
    let (value, found) = read_as::<serde_json::Value>("a: [1, x, {b: null}]\nc: 1.5\n", "data");
    assert_eq!((value.unwrap(), found.as_str()), (serde_json::json!({ "a": [1, "x", { "b": null }], "c": 1.5 }), ""));
}
