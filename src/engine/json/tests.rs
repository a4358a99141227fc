use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::engine::path::Path;

fn parse(text: &str) -> Json<'_> {
    Json::parse(text).unwrap()
}

/// Where `path`, written below a root `it`, leads in `text`.
fn at<'a>(text: &'a str, path: &str) -> Option<&'a str> {
    parse(text).walk(Path::parse(&format!("it{path}")).unwrap().rest()).map(Json::raw)
}

#[test]
fn values_are_found_where_they_lie() {
    let text = r#" {"a" : [ {"b":1} , "x,]}\"" ,[2, -3.5e1]] , "\u0061b":null,"c":{} } "#;
    for (path, value) in [
        (".a[0].b", Some("1")),
        (".a[1]", Some(r#""x,]}\"""#)),
        (".a[2][1]", Some("-3.5e1")),
        (".a[-1][-2]", Some("2")),
        (".a[-4]", None),
        (".a[3]", None),
        (".ab", Some("null")),
        (".ab.c", None),
        (".c", Some("{}")),
        (".c[0]", None),
        (".a.b", None),
    ] {
        assert_eq!(at(text, path), value, "{path}");
    }
}

#[test]
fn the_last_of_repeated_fields_counts() {
    let text = r#"{"a":{"x":1},"b":0,"a":{"y":2}}"#;
    assert_eq!(at(text, ".a.x"), None);
    assert_eq!(at(text, ".a.y"), Some("2"));
    assert_eq!(parse(text).len(), Some(2));
    assert_eq!(parse(text).to_value(), serde_json::from_str::<Value>(text).unwrap());
}

#[test]
fn numbers_never_fail() {
    assert_eq!(parse("1e999").to_value(), json!(f64::MAX));
    assert_eq!(parse("-1e999").as_f64(), Some(f64::MIN));
    let long = "1234567890".repeat(4);
    assert_eq!(parse(&long).to_value(), json!(1.234_567_890_123_456_8e39));
    assert_eq!(parse("18446744073709551615").to_value(), json!(u64::MAX));
    assert_eq!(parse("1.0").as_i64(), None);
}

#[test]
fn lengths_count_characters_items_and_fields() {
    for (text, len) in [
        (r#""a\u00e9😀""#, Some(3)),
        ("[1,[2,3]]", Some(2)),
        (r#"{"a":1}"#, Some(1)),
        ("[]", Some(0)),
        ("12", None),
        ("null", None),
    ] {
        assert_eq!(parse(text).len(), len, "{text}");
        assert_eq!(Val::Value(Cow::Owned(parse(text).to_value())).len(), len, "{text}");
    }
}

#[test]
fn a_plain_text_answers_as_the_same_text_does_anywhere_else() {
    for text in ["", "a😀", "1", "true"] {
        let (plain, value) = (Val::Text(text), json!(text));
        let elsewhere = Val::Value(Cow::Borrowed(&value));
        assert_eq!((plain.kind(), plain.len()), (elsewhere.kind(), elsewhere.len()));
        assert_eq!((plain.as_str(), plain.to_value()), (elsewhere.as_str(), elsewhere.to_value()));
        assert_eq!((plain.as_bool(), plain.as_i64(), plain.as_f64()), (None, None, None));
        assert_eq!(plain.walk(&[]).as_str().as_deref(), Some(text));
        assert!(plain.walk(Path::parse("it.a[0]").unwrap().rest()).is_absent());
        assert!(plain.equals(&value) && !plain.equals(&json!(1)) && !plain.equals(&Value::Null));
        assert!(!plain.has_item(&value));
    }
}

#[test]
fn numbers_equal_numbers_and_text_equals_text() {
    for (text, value, equal) in [
        ("1", json!(1.0), true),
        ("1.0", json!(1), true),
        ("1", json!("1"), false),
        ("\"1\"", json!(1), false),
        ("9007199254740993", json!(9_007_199_254_740_992_i64), false),
        ("true", json!(true), true),
        ("\"true\"", json!(true), false),
        (r#""\u0061""#, json!("a"), true),
        ("null", json!(null), true),
        ("[1,{\"a\":2}]", json!([1.0, {"a": 2.0}]), true),
        ("[1]", json!([1, 2]), false),
        ("{}", json!([]), false),
        ("5", json!({}), false),
        ("5", json!([]), false),
        (r#"{"a":1,"b":2,"a":3}"#, json!({"b": 2, "a": 3}), true),
    ] {
        let json = parse(text);
        assert_eq!(Val::Json(json).equals(&value), equal, "{text}");
        assert_eq!(Val::Value(Cow::Owned(json.to_value())).equals(&value), equal, "{text}");
    }
    assert!(Val::Absent.equals(&Value::Null) && !Val::Absent.equals(&json!("")));
}

#[test]
fn null_and_what_lies_below_it_is_absent() {
    let value = json!({"a": null, "b": [1, 2]});
    let text = value.to_string();
    for val in [Val::Json(parse(&text)), Val::Value(Cow::Borrowed(&value)), Val::Value(Cow::Owned(value.clone()))] {
        let walk = |path: &str| val.walk(Path::parse(path).unwrap().rest());
        assert!(matches!(walk("it.a"), Val::Absent));
        assert!(matches!(walk("it.a.x[0].y"), Val::Absent));
        assert_eq!(walk("it.b[-2]").as_i64(), Some(1));
        assert!(walk("it.b[-3]").is_absent());
    }
    assert!(Val::Json(parse("null")).is_absent());
}

#[test]
fn what_is_no_document_is_refused_without_being_quoted() {
    let why = |text: &str| Json::parse(text).unwrap_err().to_string();
    assert_eq!(why("{\"secret\": x}"), "expected value at line 1, column 12");
    assert_eq!(why("[1,\n 2"), "EOF while parsing a list at line 2, column 2");
    assert_eq!(why("1 secret"), "trailing characters at line 1, column 3");
    assert_eq!(why(&"[".repeat(300)), "lists and objects are nested more than 128 deep");
}

#[test]
fn a_tree_can_be_made_of_the_deepest_document() {
    let text = format!("{}{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
    assert_eq!(parse(&text).to_value().to_string(), text);
}

/// Documents of all shapes.
pub(crate) fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        "[ab\"\\\\{}\\[\\],:\n😀]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[abc\"]", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn trees_are_those_of_serde_json(document in documents(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };
        let json = parse(&text);
        prop_assert_eq!(json.to_value(), document.clone());
        prop_assert!(json.equals(&document));
        for (key, value) in json.entries() {
            prop_assert_eq!(value.to_value(), document.get(&*key).unwrap().clone());
        }
    }
}
