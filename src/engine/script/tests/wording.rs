use super::*;

#[test]
fn failures_are_told_in_the_words_of_json() {
    let args = json!({ "n": null, "x": 1, "f": 2.5, "s": "abc", "b": true, "l": [3, 1], "o": { "a": 1 } });
    for (text, expected) in [
        ("args.n + 1", "`+` does not work on nothing and a number"),
        ("args.s * args.f", "`*` does not work on text and a number"),
        ("args.l - 'x'", "`-` does not work on a list and text"),
        ("-args.s", "`-` does not work on text"),
        ("!args.x", "`!` does not work on a number"),
        ("args.n.len()", "`len` does not work on nothing"),
        ("args.o.to_upper()", "`to_upper` does not work on an object"),
        ("args.l.map(1)", "`map` does not work on a list and a number"),
        ("state::set(1, args.b)", "`state::set` does not work on a number and true or false"),
        ("\"abc\".sub_string(args.n, args.l)", "`sub_string` does not work on text, nothing and a list"),
        ("let f = |x| x; f.call()", "the closure cannot be called without an argument"),
        ("let f = |x| x; f.call(1, 2)", "the closure does not work on a number and a number"),
        ("[1, \"a\"].sort()", "items of different kinds cannot be sorted"),
        ("[#{}, #{}].sort()", "items cannot be sorted where each is an object"),
        ("if args.x { 1 }", "expected true or false, found a number"),
        ("while args.s { 1 }", "expected true or false, found text"),
        ("args.n || true", "expected true or false, found nothing"),
        ("let all = args; all[1]", "expected text, found a number"),
        ("args.l[1.5]", "expected a whole number, found one with a fraction"),
        ("let f = 1; f.call()", "expected a function, found a number"),
        ("\"abc\".size", "text has no field `size`"),
        ("args.x.len", "a number has no field `len`"),
        ("let o = args.o; o.b.c = 1", "`c` cannot be set on what is absent"),
        ("let x = 1; x.y = 2", "a number has no field `y`"),
        ("let x = 2.5; x[0]", "a number has no fields or items"),
        ("for x in args.x { }", "`for` goes through lists and ranges; an object has its `keys()` and `values()`"),
        ("parse_int(\"x\")", "this text is not a whole number"),
        ("parse_int(\"99999999999999999999\")", "this text is too large a number"),
        ("parse_float(\"x\")", "this text is not a number"),
        ("time::parse(args.s)", "this is not a time such as `2026-11-23T15:00:00Z`"),
        ("time::parse(\"9999-12-31T23:59:59Z\")", "this is not a time such as `2026-11-23T15:00:00Z`"),
        ("time::add(\"9999-12-30T00:00:00Z\", \"2 years\")", "this time lies outside of the years -9999 to 9999"),
        ("time::add(\"2026-11-23T15:00:00Z\", args.s)", "this is not a duration such as `1h 30m`"),
        (
            "time::in_zone(\"2026-11-23T15:00:00Z\", args.s)",
            "no time zone is called so; they are named like `Europe/Berlin`",
        ),
        ("1 / 0", "division by zero: 1 / 0"),
        ("\"abc\"[7]", "7 is no place in a text of 3 characters"),
        ("0..9", "a range cannot leave a script"),
        ("\"x\".to_blob()", "bytes cannot leave a script"),
        ("#{ f: |x| x }", "a function is not a value that can leave a script"),
    ] {
        assert_eq!(message(eval(text, &json!({ "args": args }))), expected, "{text}");
    }
}

#[test]
fn a_list_that_is_at_work_cannot_be_looked_at() {
    let args = json!({ "args": { "a": 1, "b": 2 } });
    let found = message(eval("let all = args; all.keys().map(|key| all[key])", &args));
    assert!(found.starts_with("a closure uses a value that is being worked on"), "{found}");
    let mended = "let all = args; let keys = all.keys(); keys.map(|key| all[key])";
    assert_eq!(eval(mended, &args), Ok(json!([1, 2])));
}

#[test]
fn a_condition_is_true_or_false() {
    let names = Names::from_iter(["args"]);
    let condition = no_scripts().expression("args", &names, &locate, &mut Vec::new()).unwrap();
    let one = json!(1);
    let fault = condition.eval_bool(&[Val::Value(std::borrow::Cow::Borrowed(&one))], &mut run()).unwrap_err();
    assert_eq!(fault.to_string(), "expected true or false, found a number");
}
