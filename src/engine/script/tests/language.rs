use super::*;
use crate::engine::json::Json;

#[test]
fn every_field_name_of_a_message_is_an_ordinary_name() {
    // Every word that Rhai 1.27 reserves or uses; of the schema of server messages `async`, `call`, `default`.
    let words = "as async await break call case catch const continue curry debug default do else export false fn Fn \
                 for go goto if import in is is_def_fn is_def_var is_shared let loop match module new nil null package \
                 print private protected public return shared spawn static super switch sync this thread throw true try \
                 type_of until use var void while with yield eval exit";
    for word in words.split_whitespace() {
        let event = json!({ "event": { word: { "id": 7, word: 8 } } });
        assert_eq!(eval(&format!("event.{word}.id"), &event), Ok(json!(7)), "event.{word}");
        assert_eq!(eval(&format!("event.{word}.{word}"), &event), Ok(json!(8)), "event.{word}.{word}");
        assert_eq!(eval(&format!("event?.{word}?.id"), &event), Ok(json!(7)), "event?.{word}");
        assert_eq!(eval(&format!("#{{ a: 1, {word}: 2 }}.{word}"), &json!({})), Ok(json!(2)), "#{{ {word}: … }}");
        assert_eq!(eval(&format!("#{{ {word}: [1, #{{}}], a: 2 }}.a"), &json!({})), Ok(json!(2)), "#{{ {word}: … }}");
    }
}

#[test]
fn reserved_words_that_the_language_does_not_use_are_variables_too() {
    let words = "async await call case default go goto is match module new nil null package protected public shared \
                 spawn static super sync thread use var void with yield print debug curry type_of"
        .to_owned();
    for word in words.split_whitespace() {
        assert_eq!(eval(&format!("{word}.id"), &json!({ word: { "id": 7 } })), Ok(json!(7)), "{word}.id");
        assert_eq!(eval(&format!("let {word} = 3; {word} + 1"), &json!({})), Ok(json!(4)), "let {word}");
        assert_eq!(eval(&format!("`${{{word}}}!`"), &json!({ word: "x" })), Ok(json!("x!")), "in a text: {word}");
    }
}

#[test]
fn what_such_words_do_as_functions_they_still_do() {
    for (script, expected) in [
        ("let f = |x| x + 1; f.call(1)", json!(2)),
        ("let f = |x| x + 1; call(f, 1)", json!(2)),
        ("let a = 1; let f = |b| a * 10 + b; f.call(2)", json!(12)),
        ("type_of(1)", json!("i64")),
        ("\"a\".type_of()", json!("string")),
        ("let m = #{ f: |x| x * 2 }; m.f(4)", json!(8)),
        ("let m = #{ n: 3, f: || this.n * 2 }; m.f()", json!(6)),
        ("[1, 2, 3].map(|x| x * 2).filter(|x| x > 2)", json!([4, 6])),
        ("let call = #{ id: 1 }; let f = || call.id; f.call()", json!(1)),
        ("switch 3 { 1 => \"a\", 2 | 3 => \"b\", _ => \"c\" }", json!("b")),
        ("let x = 0; for (i, n) in [5, 6] { x += i * n; } x", json!(6)),
        ("let x = 0; try { throw #{ code: 4 } } catch (e) { x = e.code; } x", json!(4)),
    ] {
        assert_eq!(eval(script, &json!({})), Ok(expected), "{script}");
    }
}

#[test]
fn absence_is_normal() {
    let scope = json!({ "customer": { "number": "+1" }, "messages": [ { "role": "user" } ], "nothing": null });
    for (script, expected) in [
        ("customer.name", json!(null)),
        ("customer.name.first.letter", json!(null)),
        ("nothing.at.all", json!(null)),
        ("nothing[\"at\"][0].all", json!(null)),
        ("let c = customer; c.name.first", json!(null)),
        ("messages[7].role", json!(null)),
        ("messages[-7].role", json!(null)),
        ("messages[0].role", json!("user")),
        ("let m = messages; m[7].role", json!(null)),
        ("customer.name == ()", json!(true)),
        ("customer.name ?? \"stranger\"", json!("stranger")),
        ("\"Hello \" + customer.name + \"!\"", json!("Hello !")),
        ("customer.name + \"!\"", json!("!")),
        ("`Hello ${customer.name}!`", json!("Hello !")),
        ("customer.name > 5", json!(false)),
    ] {
        assert_eq!(eval(script, &scope), Ok(expected), "{script}");
    }
}

#[test]
fn what_is_beyond_a_list_cannot_be_assigned_to() {
    assert_eq!(message(eval("let a = [1]; a[7] = 2; a", &json!({}))), "this cannot be assigned to");
    assert_eq!(eval("let a = [1]; let b = a[7]; b = 2; b", &json!({})), Ok(json!(2)));
}

#[test]
fn lists_and_maps_in_a_text_are_json() {
    let scope = json!({ "args": { "size": 4, "names": ["Ada", "Bob"] } });
    assert_eq!(eval("`wanted: ${args}`", &scope), Ok(json!("wanted: {\"names\":[\"Ada\",\"Bob\"],\"size\":4}")));
    assert_eq!(eval("\"\" + args.names", &scope), Ok(json!("[\"Ada\",\"Bob\"]")));
    assert_eq!(eval("args.names.to_string()", &scope), Ok(json!("[\"Ada\",\"Bob\"]")));
}

#[test]
fn values_come_out_as_they_went_in() {
    let value = json!({ "a": [1, -2.5, true, null, "ü\n"], "b": { "c": 9_007_199_254_740_993_i64 } });
    let scope = json!({ "it": value });
    assert_eq!(eval("it", &scope), Ok(value));
    assert_eq!(message(eval("|| 1", &json!({}))), "a function is not a value that can leave a script");
}

#[test]
fn a_condition_is_true_or_false_and_absent_is_false() {
    let check = |text: &str| block(text, &json!({ "x": null })).unwrap().eval_bool(&[Val::Absent], &mut run());
    assert_eq!(check("1 < 2"), Ok(true));
    assert_eq!(check("x.vip"), Ok(false));
    assert!(matches!(check("\"yes\""), Err(ScriptFault::Failed { .. })));
}

#[test]
fn what_is_thrown_is_told_from_what_fails() {
    assert_eq!(eval("throw \"no table\"", &json!({})), Err(ScriptFault::Thrown("no table".into())));
    assert_eq!(eval("throw #{ code: 4 }", &json!({})), Err(ScriptFault::Thrown("{\"code\":4}".into())));
    assert!(message(eval("json::parse(\"{\")", &json!({}))).starts_with("this is not JSON: "));
    assert_eq!(eval("let x = 0; try { json::parse(\"{\") } catch { x = 1; } x", &json!({})), Ok(json!(1)));
}

#[test]
fn a_fault_has_its_place_in_the_text() {
    let fault = eval("let a = 1;\n  a.push(2)", &json!({}));
    let Err(ScriptFault::Failed { at, message }) = fault else { panic!("{fault:?}") };
    assert_eq!((at.start, at.end), (15, 19), "{message}");
}

#[test]
fn state_is_seen_at_once_and_left_behind_as_changes() {
    let mut run = run();
    let script = "state::set(\"a\", [1]); state::incr(\"n\", 2); state::update(\"a\", |old| old + [state::incr(\"n\")]); \
                  state::set(\"a\", ()); state::get(\"a\") == () && state::get(\"n\") == 3";
    assert_eq!(eval_within(script, &json!({}), &mut run), Ok(json!(true)));
    assert_eq!(*run.state(), json!({ "n": 3 }).as_object().unwrap().clone());
}

#[test]
fn logs_are_left_behind_too() {
    let mut run = run();
    let script = "log::warn(\"a\"); print([1]); debug(\"b\"); log::info(#{ x: () });";
    eval_within(script, &json!({}), &mut run).unwrap();
    let lines: Vec<_> = run.take_logs().into_iter().map(|line| (line.level, line.text)).collect();
    let info = |text: &str| (LogLevel::Info, text.to_owned());
    assert_eq!(lines, [(LogLevel::Warn, "a".into()), info("[1]"), info("\"b\""), info("{\"x\":null}")]);
}

#[test]
fn chance_comes_from_the_facts() {
    let ids = || eval("[crypto::uuid(), crypto::uuid()]", &json!({})).unwrap();
    assert_eq!(ids(), ids());
    assert_ne!(ids()[0], ids()[1]);
}

/// All of it is JSON, though `serde_json` reads none of the texts: half of a surrogate pair, and numbers beyond a double.
#[test]
fn odd_json_reaches_a_script_as_it_reaches_a_placeholder() {
    for (json, expected) in [
        (r#""a\ud800b""#, json!("a\u{FFFD}b")),
        (r#"{ "\udc00": ["\uD83D", 1] }"#, json!({ "\u{FFFD}": ["\u{FFFD}", 1] })),
        ("[1e999, -1e999, 1e-999]", json!([f64::MAX, f64::MIN, 0.0])),
        ("18446744073709551615", json!(18_446_744_073_709_551_615_f64)),
        ("-9223372036854775809", json!(-9_223_372_036_854_775_809_f64)),
        ("9223372036854775807", json!(i64::MAX)),
    ] {
        let expression = no_scripts().expression("x", &Names::from_iter(["x"]), &locate, &mut Vec::new()).unwrap();
        let value = Val::Json(Json::of_checked(json));
        assert_eq!(expression.eval(&[value], &mut run()), Ok(expected.clone()), "{json}");
        assert_eq!(eval("json::parse(text)", &json!({ "text": json })), Ok(expected), "{json}");
    }
}

#[test]
fn rows_are_looked_up_by_their_keys() {
    for (text, expected) in [
        ("lookup(\"guests\", \"+15550123\")", json!({ "number": "+15550123", "name": "Ada", "visits": 12 })),
        ("lookup(\"guests\", number).visits + 1", json!(13)),
        ("lookup(\"guests\", 7).name", json!("Bob")),
        ("lookup(\"guests\", 7.0).name + lookup(\"guests\", '7').number", json!("Bob7")),
        ("lookup(\"guests\", 7).visits", json!(null)),
        ("lookup(\"guests\", \"8\").name", json!(null)),
        ("lookup(\"guests\", absent)", json!(null)),
        ("let table = \"gue\" + \"sts\"; lookup(table, true)", json!(null)),
    ] {
        assert_eq!(eval(text, &json!({ "number": " +15550123", "absent": null })), Ok(expected), "{text}");
    }
    for (text, why) in [
        ("lookup(\"guests\", [ 7 ])", "a key is a text or a number, not a list"),
        ("lookup(\"gue\" + \"ts\", 7)", "there is no table `guets` to look at"),
    ] {
        assert_eq!(message(eval(text, &json!({}))), why, "{text}");
    }
}
