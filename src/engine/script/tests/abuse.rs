use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::engine::facts::Host;

/// A host whose time is over after it was asked so many times.
struct Impatient {
    asks: AtomicU64,
    operations_max: Option<u64>,
}

impl Host for Impatient {
    fn passed(&self, _: std::time::Duration) -> bool {
        false
    }

    fn out_of_time(&self) -> bool {
        self.asks.fetch_sub(1, Ordering::Relaxed) <= 1
    }

    fn operations_max(&self) -> Option<u64> {
        self.operations_max
    }
}

fn impatient(asks: u64, operations_max: Option<u64>) -> Run {
    Run::new(&facts(), Arc::new(Impatient { asks: asks.into(), operations_max }))
}

#[test]
fn a_script_ends_when_the_time_is_over() {
    for text in [
        "loop { }",
        "while true { 1 + 1; }",
        "let f = |f| f.call(f); try { loop {} } catch { loop {} }",
        "[1, 2].map(|x| { loop { } })",
        "state::update(\"a\", |old| { loop { } })",
        "let a = []; loop { a.push(1); a.sort(|x, y| 1); a.pop(); }",
        "for x in 0..9223372036854775807 { 1 + x; }",
    ] {
        assert_eq!(eval_within(text, &json!({}), &mut impatient(50, None)), Err(ScriptFault::OutOfTime), "{text}");
    }
}

#[test]
fn a_script_that_takes_more_than_the_host_allows_is_unfinished() {
    let mut run = impatient(u64::MAX, Some(500));
    assert_eq!(eval_within("1 + 1", &json!({}), &mut run), Ok(json!(2)));
    assert_eq!(eval_within("loop { }", &json!({}), &mut run), Err(ScriptFault::Unfinished));
    assert_eq!(eval_within("let x = 1; x + 1", &json!({}), &mut run), Err(ScriptFault::Unfinished), "it is one sum");
    let mut closures = impatient(u64::MAX, Some(500));
    let text = "for i in 0..10 { [1].map(|x| { for j in 0..20 { 1 + j; } }) }";
    assert_eq!(eval_within(text, &json!({}), &mut closures), Err(ScriptFault::Unfinished), "closures are counted");
}

#[test]
fn what_could_grow_without_end_is_stopped() {
    let too_large = "the script's values became too large";
    let state = "the state of the call would be larger than 262144 bytes";
    for (text, expected) in [
        ("let x = 0; loop { x += 1; }", "the script took more than 1000000 operations"),
        ("let s = \"abcdefgh\"; loop { s += s; }", "a text became longer than 262144 bytes"),
        ("let s = \"abcdefgh\"; loop { s = `${s}${s}`; }", "a text became longer than 262144 bytes"),
        ("let s = \"\"; s.pad(100000, \"a\"); s.replace(\"a\", s)", "the text would be longer than 262144 bytes"),
        ("let s = \"\"; s.pad(100000, 'a'); s.replace('a', s)", "the text would be longer than 262144 bytes"),
        ("let s = \"\"; s.pad(100000, 'a'); s.replace(\"\", s)", "the text would be longer than 262144 bytes"),
        ("let s = \"\"; s.pad(1000000000000, \"a\")", "a text became longer than 262144 bytes"),
        ("let a = []; a.pad(1000000000000, 1)", "a list became longer than 10000 items"),
        ("let a = [1]; loop { a += a; }", "a list became longer than 10000 items"),
        ("let a = []; loop { a = [a, a]; }", "a list became longer than 10000 items"),
        ("fn f(x) { f(x) + 1 } f(1)", "functions call each other too deeply"),
        ("let f = |f, x| f.call(f, x) + 1; f.call(f, 1)", "functions call each other too deeply"),
        ("sleep(5)", "a script cannot sleep: the caller is waiting"),
        ("sleep(5.0)", "a script cannot sleep: the caller is waiting"),
        ("get_fn_metadata_list()", "functions cannot be listed by a script"),
        ("Fn(\"eval\").call(\"1 + 1\")", "syntax error: `eval` is a reserved keyword"),
        ("let s = \"\"; s.pad(200000, \"a\"); let m = #{}; for i in 0..9 { m[`k${i}`] = s; } `${m}`", too_large),
        (
            "let s = \"\"; s.pad(200000, \"a\"); let m = #{}; for i in 0..9 { m[`k${i}`] = s; } m",
            "the value is too large",
        ),
        ("let m = #{}; let i = 0; loop { let s = \"\"; s.pad(200000, \"a\"); m[`k${i}`] = s; i += 1; }", too_large),
        ("let m = #{}; loop { let n = #{}; n.a = m; m = n; }", too_large),
        ("let a = []; loop { a = [a]; }", too_large),
        ("state::set(\"a\", (0..20000).map(|x| x))", "`map` does not work on a range and a function"),
        ("let s = \"\"; s.pad(100000, \"a\"); state::set(\"a\", s)", "the value is too large"),
        ("let i = 0; loop { state::set(`name ${i}`, i); i += 1; }", state),
        ("let s = \"\"; s.pad(60000, \"a\"); for i in 0..9 { state::set(`n${i}`, s); }", state),
        ("let s = \"\"; s.pad(260000, \"a\"); state::incr(s); state::incr(s + 1)", state),
        ("9223372036854775807 + 1", "addition overflow: 9223372036854775807 + 1"),
        ("1 / 0", "division by zero: 1 / 0"),
        ("\"abc\"[10]", "10 is no place in a text of 3 characters"),
    ] {
        let found = match eval(text, &json!({})) {
            Err(ScriptFault::Failed { message, .. }) => message,
            other => format!("{other:?}").chars().take(200).collect(),
        };
        assert_eq!(found, expected, "{text}");
    }
}

/// Each would end the program: what the stack cannot hold cannot be caught.
#[test]
fn no_script_overflows_the_stack() {
    let (maps, lists) = ("#{a:".repeat(14) + "a" + &"}".repeat(14), "[".repeat(19) + "a" + &"]".repeat(19));
    let calls = [
        "fn f(x) { f(f(f(f(f(f(f(f(f(f(f(x))))))))))) } f(1)",
        "fn f(x) { switch x { 1 => switch x { 1 => switch x { 1 => switch x { 1 => f(x) } } } } } f(1)",
        "fn f(x) { try { try { try { try { f(x) } catch {} } catch {} } catch {} } catch {} } f(1)",
    ];
    let values = [
        format!("let a = #{{}}; loop {{ a = {maps}; }}"),
        format!("let a = []; loop {{ a = {lists}; }}"),
        "let f = || 1; loop { let g = f; f = || g.call(); }".to_owned(),
        "let f = || 1; loop { let g = f; let h = f; f = || g.call() + h.call(); }".to_owned(),
    ];
    for text in calls {
        assert_eq!(message(eval(text, &json!({}))), "functions call each other too deeply", "{text}");
    }
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let nested = thread.spawn(move || values.map(|text| message(eval(&text, &json!({})))));
    assert_eq!(nested.unwrap().join().unwrap(), ["the script's values became too large"; 4]);
}

#[test]
fn a_full_state_can_be_emptied() {
    let text = "let s = \"\"; s.pad(60000, \"a\"); for i in 0..4 { state::set(`n${i}`, s); } \
                let full = false; try { state::set(\"n4\", s); } catch { full = true; } \
                state::set(\"n0\", ()); state::set(\"n4\", s); state::set(\"n4\", s + 1); [full, state::get(\"n4\").len()]";
    assert_eq!(eval(text, &json!({})), Ok(json!([true, 60001])));
}

#[test]
fn a_closure_may_hold_itself() {
    let text = "let n = 0; let f = (); f = |x| { for i in 0..1000 { n += x; } n }; f.call(2)";
    assert_eq!(eval(text, &json!({})), Ok(json!(2000)));
}

#[test]
fn odd_scripts_end_in_some_way() {
    for text in [
        "let a = []; let f = |x| a.push(x); f.call(a); a",
        "let a = [1]; let f = || a; a.push(a); a.push(f); `${a}`",
        "let m = #{}; let f = || { m.self = m; }; f.call(); m",
        "let m = #{}; let f = || m; m.f = f; m.g = m; `${m}`",
        "let a = [3, 1, 2]; a.sort(|x, y| 1); a",
        "let a = []; a.pad(2000, 1); a.sort(|x, y| if x == y { -1 } else { 1 }); a.len()",
        "let a = [1, 2, 3]; a[7] = 1; a",
        "let x = (); x.a.b = 1; x",
        "let a = [1]; for x in a { a.push(x); } a",
        "let f = Fn(\"nothing\"); f.call(1)",
        "let x = 1; let f = || x += 1; f.call(f.call())",
        "fn f(x) { this.a = x; } let m = #{}; m.f(m); m",
        "[1, 2].reduce(|a, b| throw a)",
        "exit(7)",
        "return",
        "0..10",
        "'x'",
        "\"x\".to_blob()",
    ] {
        let mut run = impatient(10_000, None);
        let names = Names { open: true, ..Names::default() };
        if let Some(block) = no_scripts().block(text, &names, &locate, &mut Vec::new()) {
            drop(block.eval(&[], &mut run));
        }
        assert_eq!(eval_within("1", &json!({}), &mut run), Ok(json!(1)), "after {text}");
    }
}

#[test]
fn nesting_is_refused_by_the_parser() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("#{a:", "}"),
        ("{", "}"),
        ("-", ""),
        ("!", ""),
        ("if true {", "}"),
        ("|x|", ""),
        ("`${", "}`"),
    ] {
        let text = format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
        let found = block(&text, &json!({})).unwrap_err();
        assert_eq!(found[0].slug, "script-syntax", "{open}");
    }
}

#[test]
fn long_chains_are_refused_too_and_long_lists_are_not() {
    let scope = json!({ "call": 1 });
    for part in ["1 + ", "call.a + ", "call.", "call?.", "() ?? ", "-1 - ", "f(1) + ", "!", "x = "] {
        let found = block(&(part.repeat(20_000) + "call"), &scope).unwrap_err();
        assert_eq!(found[0].slug, "script-syntax", "{part}");
    }
    for text in [format!("call{}", "[0]".repeat(20_000)), "if call {} else ".repeat(20_000) + "{}"] {
        assert!(block(&text, &scope).is_err());
    }
    assert!(block(&"1;".repeat(20_000), &scope).is_ok());
}
