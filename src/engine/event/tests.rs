use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::json;

use super::*;
use crate::engine::json::JsonType;
use crate::engine::kind::{FINAL_TRANSCRIPT, KindSet};
use crate::engine::path::{Path, Segment};

/// Scans `body` and shows its kind and what lies at `paths`, each written below a root `it`.
fn scan<const N: usize>(body: &str, paths: [&str; N]) -> Result<(String, [String; N]), EventError> {
    let mut builder = WantedBuilder::new();
    let slots = paths.map(|path| builder.want(KindSet::ALL, Path::parse(&format!("it{path}")).unwrap().rest()));
    let wanted = builder.build();
    let event = Event::scan(body.to_owned(), &wanted)?;
    let values = slots.each_ref().map(|slot| match event.get(slot) {
        Val::Json(json) => json.raw().to_owned(),
        _ => "-".to_owned(),
    });
    Ok((event.kind().to_string(), values))
}

fn check<const N: usize>(body: &str, kind: &str, values: [(&str, &str); N]) {
    let (found_kind, found) = scan(body, values.map(|(path, _)| path)).unwrap();
    assert_eq!(found_kind, kind, "{body}");
    assert_eq!(found, values.map(|(_, value)| value.to_owned()), "{body}");
}

fn refused(body: impl Into<Vec<u8>>) -> EventError {
    Event::scan(body.into(), &WantedBuilder::new().build()).unwrap_err()
}

#[test]
fn values_are_found_on_the_way() {
    check(
        r#" {"message": {"timestamp": 1, "type": "hang", "call": {"id": "c-1", "n": null},
            "list": [{"a": 1}, {"a": [2, 3]}]}, "more": 1} "#,
        "hang",
        [
            (".call.id", "\"c-1\""),
            (".call", r#"{"id": "c-1", "n": null}"#),
            (".call.n", "-"),
            (".call.n.x", "-"),
            (".timestamp", "1"),
            (".timestamp.x", "-"),
            (".list[1].a[0]", "2"),
            (".list[1].a", "[2, 3]"),
            (".list[-1].a[-1]", "3"),
            (".list[-3]", "-"),
            (".list.a", "-"),
            (".call[0]", "-"),
        ],
    );
}

#[test]
fn a_type_may_come_last() {
    check(r#"{"message":{"a":{"b":1},"type":"hang"}}"#, "hang", [(".a.b", "1"), (".type", "\"hang\"")]);
}

#[test]
fn the_last_of_repeated_fields_counts() {
    let twice = r#"{"message":{"type":"hang","call":{"id":"x","s":1},"call":{"id":"y"}}}"#;
    check(twice, "hang", [(".call.id", "\"y\""), (".call.s", "-"), (".call", r#"{"id":"y"}"#)]);
    let gone = r#"{"message":{"type":"hang","call":{"id":"x"},"call":5}}"#;
    check(gone, "hang", [(".call.id", "-"), (".call", "5")]);
    check(r#"{"message":{"type":"hang","a":1,"type":"new-kind","b":2}}"#, "new-kind", [(".a", "1"), (".b", "2")]);
    check(r#"{"message":{"type":"hang","a":1},"message":{"type":"hang"}}"#, "hang", [(".a", "-")]);
    check(r#"{"message":{"type":"hang"},"a":1,"message":7}"#, "api-request", [(".a", "1"), (".message", "7")]);
}

#[test]
fn without_an_envelope_the_body_is_the_message() {
    let simulation = r#"{"type":"simulation.run.started","calls":{"listenUrl":"wss://x"},"message":null}"#;
    check(simulation, "simulation.run.started", [(".calls.listenUrl", "\"wss://x\""), ("", simulation)]);
    check(r#" {"date":"fri","message":"hello"}"#, "api-request", [(".date", "\"fri\""), (".message", "\"hello\"")]);
    check("{}", "api-request", [("", "{}")]);
    check(r#"{"type":5}"#, "api-request", [(".type", "5")]);
}

#[test]
fn the_whole_message_is_the_object_in_the_envelope() {
    let message = r#"{"type":"hang", "a":{}}"#;
    for body in [
        format!(r#"{{"message":{message}}}"#),
        format!(" {{ \"x\": 1, \"message\" : {message} , \"message2\": {{}}, \"y\": 2 }}\n"),
        format!("{{\"m\\u0065ssage\"\n:\t{message}\n}}"),
        format!(r#"{{"message":{{"type":"old"}},"message":{message}}}"#),
    ] {
        check(&body, "hang", [("", message), ("[-1]", "-")]);
        let event = Event::scan(body, &WantedBuilder::new().build()).unwrap();
        assert_eq!(event.whole().raw(), message);
    }
}

#[test]
fn what_other_readers_refuse_is_read() {
    let body = r#"{"message":{"type":"hang","call":"\ud800","n":{"x":1e999},"k":{"\udc00":1,"id":"a\ud800"}}}"#;
    check(body, "hang", [(".call.id", "-"), (".n.x", "1e999"), (".n.x.y", "-"), (".k.id", r#""a\ud800""#)]);
}

#[test]
fn a_value_is_found_only_for_the_kinds_that_want_it() {
    let mut builder = WantedBuilder::new();
    let path = [Segment::Key("a".into())];
    let slot = builder.want(Kind::Hang.into(), &path);
    assert_eq!(builder.want(Kind::StatusUpdate.into(), &path), slot);
    let wanted = builder.build();
    for (body, found) in [
        (r#"{"message":{"type":"hang","a":1}}"#, true),
        (r#"{"message":{"a":1,"type":"status-update"}}"#, true),
        (r#"{"message":{"a":1,"type":"transcript"}}"#, false),
        (r#"{"message":{"type":"transcript","a":1}}"#, false),
        (r#"{"message":{"a":1,"type":"new-kind"}}"#, false),
        (r#"{"a":1}"#, false),
    ] {
        let event = Event::scan(body, &wanted).unwrap();
        assert_eq!(!event.get(&slot).is_absent(), found, "{body}");
    }
}

#[test]
fn a_final_transcript_says_so_even_if_the_body_does_not() {
    let answer = |rest: &str| {
        let body = json!({"message": {"type": FINAL_TRANSCRIPT}}).to_string().replace("}}", rest);
        let (kind, [answer]) = scan(&body, [".transcriptType"]).unwrap();
        assert_eq!(kind, "transcript");
        answer
    };
    assert_eq!(answer("}}"), "\"final\"");
    assert_eq!(answer(",\"transcriptType\":null}}"), "\"final\"");
    assert_eq!(answer(",\"transcriptType\":\"partial\"}}"), "\"partial\"");
    check(r#"{"message":{"type":"transcript"}}"#, "transcript", [(".transcriptType", "-")]);
}

#[test]
fn only_a_text_that_says_something_is_the_id_of_a_call() {
    let wanted = WantedBuilder::new().build();
    for (call, id) in [(r#"{"id":"c"}"#, Some("c")), (r#"{"id":""}"#, None), (r#"{"id":7}"#, None), ("{}", None)] {
        let event = Event::scan(format!(r#"{{"message":{{"type":"hang","call":{call}}}}}"#), &wanted).unwrap();
        assert_eq!(event.call_id(), id, "{call}");
    }
}

#[test]
fn a_status_update_bears_stamps() {
    let wanted = WantedBuilder::new().build();
    for (message, stamps) in [
        (r#"{"type":"status-update","status":"ended","timestamp":7}"#, [Some("\"ended\""), Some("7")]),
        (r#"{"status":"a","type":"status-update","status":"b"}"#, [Some("\"b\""), None]),
        (r#"{"type":"status-update","timestamp":null}"#, [None, Some("null")]),
        (r#"{"type":"hang","status":"ended","timestamp":7}"#, [None, None]),
    ] {
        let event = Event::scan(format!(r#"{{"message":{message}}}"#), &wanted).unwrap();
        assert_eq!(event.stamps().map(|stamp| stamp.map(Json::raw)), stamps, "{message}");
    }
}

#[test]
fn tool_calls_are_read_for_the_kinds_that_ask_for_tools() {
    let calls =
        r#"{"message":{"toolCallList":[],"toolCalls":[{"id":"a","name":"x","arguments":{"n":"old"}}],"type":"T"}}"#;
    let scan = |kind: &str| {
        Event::scan(calls.replace("\"T\"", &format!("\"{kind}\"")), &WantedBuilder::new().build()).unwrap()
    };
    assert!(scan("hang").tool_calls().is_empty());
    let mut event = scan("tool-calls");
    event.replace_arguments(0, r#"{"n":"new"}"#);
    event.replace_arguments(1, "{}");
    assert_eq!(event.tool_calls()[0].arguments().unwrap().raw(), r#"{"n":"new"}"#);
    event.replace_arguments(0, "oops");
    assert!(event.tool_calls()[0].arguments().is_err());
}

#[test]
fn what_is_no_message_is_refused_with_its_reason() {
    for (body, why) in [
        ("", "the body is not JSON: EOF while parsing a value at line 1, column 0"),
        ("{\"message\":\n{\"type\":}}", "the body is not JSON: expected value at line 2, column 9"),
        ("{} x", "the body is not JSON: trailing characters at line 1, column 4"),
        ("[]", "the body is JSON, but not an object"),
        ("\"message\"", "the body is JSON, but not an object"),
        ("{\"message\":{}}", "the body's `message` has no `type`"),
        ("{\"message\":{\"type\":null},\"type\":\"hang\"}", "the body's `message` has no `type`"),
    ] {
        assert_eq!(refused(body).to_string(), why, "{body}");
    }
    assert_eq!(refused(*b"{\"a\":\"\xff\"}"), EventError::NotUtf8 { at: 6 });
    let deep = format!(r#"{{"message":{{"type":"hang","x":{}{}}}}}"#, "[".repeat(127), "]".repeat(127));
    assert_eq!(refused(deep), EventError::TooDeep { depth_max: 128 });
}

#[test]
fn events_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Event>();
}

/// Messages with a small vocabulary, so that paths often lead somewhere and keys are often repeated.
fn messages() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "null",
        "true",
        "0",
        "-1.5e3",
        "1e999",
        "\"\"",
        r#""a\"]}""#,
        r#""\ud800""#,
        "\"hang\"",
        "\"transcript\"",
    ]);
    let key = prop::sample::select(vec!["a", "b", "type", "call", "id", r"\u0061", "message"]);
    let value = leaf.prop_map(str::to_owned).prop_recursive(4, 30, 5, move |inner| {
        let object = prop::collection::vec((key.clone(), inner.clone()), 0..5).prop_map(|fields| {
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("\"{key}\" : {value}")).collect();
            format!("{{{}}}", fields.join(" ,"))
        });
        let list = prop::collection::vec(inner, 0..4).prop_map(|items| format!("[ {}]", items.join(", ")));
        prop_oneof![3 => object, 1 => list]
    });
    let kind = prop::sample::select(vec!["hang", "transcript", "x"]);
    (prop::collection::vec(value, 3), kind, 0..5_u8).prop_map(|(values, kind, shape)| {
        let [a, b, c] = values.as_slice() else { return String::new() };
        match shape {
            0 => format!(r#"{{"message":{{"a":{a},"type":"{kind}","b":{b},"call":{c}}}}}"#),
            1 => format!(r#"{{"message":{{"type":"{kind}","call":{a},"call":{b},"a":{c}}}, "b":1}}"#),
            2 => format!(r#"{{"a":{a},"type":"{kind}","b":{b},"message":{c}}}"#),
            3 => format!(r#"{{"message":{a},"message":{{"a":{b},"type":"{kind}"}},"b":{c}}}"#),
            _ => a.clone(),
        }
    })
}

fn paths() -> impl Strategy<Value = Vec<(bool, Vec<Segment>)>> {
    let key = prop::sample::select(vec!["a", "b", "type", "call", "id", "message"]);
    let segment =
        prop_oneof![4 => key.prop_map(|key| Segment::Key(key.into())), 1 => (-2..3_i64).prop_map(Segment::Index)];
    prop::collection::vec((any::<bool>(), prop::collection::vec(segment, 0..4)), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// What is found is what walking the message finds, however it was found.
    #[test]
    fn scanning_agrees_with_walking(body in messages(), paths in paths()) {
        let mut builder = WantedBuilder::new();
        let kinds = |all: bool| if all { KindSet::ALL } else { Kind::Hang.into() };
        let slots: Vec<_> = paths.iter().map(|(all, path)| builder.want(kinds(*all), path)).collect();
        let wanted = builder.build();
        let searched = scan::search(&body, &wanted);
        if let Some(passed) = scan::pass(&body, &wanted) {
            prop_assert_eq!(&passed, &searched);
        }
        let Ok(event) = Event::scan(body.clone(), &wanted) else {
            prop_assert!(searched.is_err());
            return Ok(());
        };
        for (slot, (all, path)) in slots.iter().zip(&paths) {
            let there = event.whole().walk(path).filter(|json| json.kind() != JsonType::Null);
            match event.get(slot) {
                Val::Json(json) => prop_assert_eq!(Some(json), there),
                _ => prop_assert!(there.is_none() || !(*all || *event.kind() == EventKind::Known(Kind::Hang))),
            }
        }
    }

    /// Whatever was done to a body: what `serde_json` reads is read, and if all of it is looked at, what it refuses is
    /// refused.
    #[test]
    fn damaged_bodies_are_refused_as_by_serde_json(
        body in messages(),
        cut in 0..200_usize,
        damage in prop::collection::vec((0..200_usize, any::<u8>()), 0..3),
    ) {
        let mut body = body.into_bytes();
        body.truncate(if cut < 100 { cut } else { body.len() });
        for (at, byte) in damage {
            if let Some(place) = body.get_mut(at) {
                *place = byte;
            }
        }
        // A tree could not hold half a surrogate pair or `1e999`, but skipping them checks them all the same.
        let valid = std::str::from_utf8(&body).is_ok_and(|body| serde_json::from_str::<IgnoredAny>(body).is_ok());
        let mut all = WantedBuilder::new();
        all.want(KindSet::ALL, &[]);
        match Event::scan(body.clone(), &all.build()) {
            Ok(_) | Err(EventError::NotAnObject | EventError::NoType) => prop_assert!(valid),
            Err(_) => prop_assert!(!valid),
        }
        let refused = !matches!(
            Event::scan(body, &WantedBuilder::new().build()),
            Ok(_) | Err(EventError::NotAnObject | EventError::NoType)
        );
        prop_assert!(!(valid && refused));
    }
}
