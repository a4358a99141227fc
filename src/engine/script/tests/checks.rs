use super::*;

/// Slug, place, message and help of everything that is wrong with a block.
fn problems(text: &str) -> Vec<String> {
    let scope = json!({ "customer": 0, "call": 0, "args": 0 });
    block(text, &scope).err().unwrap_or_default().iter().map(shown).collect()
}

fn shown(problem: &Diagnostic) -> String {
    format!("{}..{} {}", problem.span.start, problem.span.end, described(problem))
}

#[test]
fn what_cannot_work_is_found_before_it_runs() {
    for (text, expected) in [
        ("custmer.number", "0..7 unknown-name: nothing is called `custmer` here; did you mean `customer`?"),
        ("let guest = 1; gest", "15..19 unknown-name: nothing is called `gest` here; did you mean `guest`?"),
        (
            "fn f(guest_name) { guestname }",
            "19..28 unknown-name: nothing is called `guestname` here; did you mean `guest_name`?",
        ),
        (
            "let f = |x| x; f(1)",
            "15..16 unknown-function: `f` is a value, not the name of a function; a closure is called with `f.call(…)`",
        ),
        ("x = null", "4..8 unknown-name: nothing is called `null` here; what is absent is written `()`"),
        (
            "[1].map(|i| i + custmer.n)",
            "16..23 unknown-name: nothing is called `custmer` here; did you mean `customer`?",
        ),
        ("caal(1)", "0..4 unknown-function: no function is called `caal`; did you mean `call`?"),
        (
            "customer.start_with(\"+\")",
            "9..19 unknown-function: no function is called `start_with`; did you mean `starts_with`?",
        ),
        ("customer.trim(1)", "9..13 wrong-arity: `trim` takes 0 arguments, not 1"),
        ("trim()", "0..4 wrong-arity: `trim` takes 1 argument, not 0"),
        ("fn two(a, b) { a } two(1)", "19..22 wrong-arity: `two` takes 2 arguments, not 1"),
        ("state::got(\"a\")", "0..5 unknown-function: the module `state` has no function `got`; did you mean `get`?"),
        ("state::set(\"a\")", "0..5 wrong-arity: `state::set` takes 2 arguments, not 1"),
        ("stat::get(\"a\")", "0..4 unknown-module: no module is called `stat`; did you mean `state`?"),
        ("lookup(\"gests\", 1)", "0..6 unknown-table: there is no table `gests`; did you mean `guests`?"),
        (
            "lookup(\"prices\", 1)",
            "0..6 unknown-table: there is no table `prices`; add the file `tables/prices.csv` below the rules folder",
        ),
        (
            "lookup(\"routing\", 1)",
            "0..6 wrong-table: `routing` is a decision table, in which nothing is looked up; give it to a rule, as its answer: `table: routing`",
        ),
        ("lookup(\"guests\")", "0..6 wrong-arity: `lookup` takes 2 arguments, not 1"),
        (
            "fn f() { 1 } f!()",
            "13..14 capturing-call: a function cannot be called with `!`; hand it what it needs as arguments",
        ),
        (
            "let f = |x| x; f = curry(|a, b| a, f, f)",
            "19..24 unknown-function: no function is called `curry`; write a closure that hands over what it knows: `|x| f.call(1, x)`",
        ),
        (
            "let m = #{ curry: 1 }; let f = |x| x; f = f.curry(f)",
            "44..49 unknown-function: no function is called `curry`; write a closure that hands over what it knows: `|x| f.call(1, x)`",
        ),
        (
            "let m = #{ n: 1 }; m.twice = || m.n * 2;",
            "29..30 closure-circle: this closure uses `m`, in which it is kept; in a function of an object, the object is `this`: write `|x| this.price * x`",
        ),
        (
            "let m = #{}; m.fs = [#{ f: |x| m.n + x }];",
            "20..21 closure-circle: this closure uses `m`, in which it is kept; in a function of an object, the object is `this`: write `|x| this.price * x`",
        ),
        (
            "let f = (); f = |x| f.call(x - 1);",
            "16..17 closure-circle: this closure uses `f`, in which it is kept; a function can call itself: write `fn f(…) { … }`",
        ),
        ("timestamp()", "0..9 unknown-function: no function is called `timestamp`"),
        (
            "let a = 1 let b = 2",
            "8..9 script-syntax: `;` is missing behind this; each statement but the last ends in `;`",
        ),
        (
            "let day = customer.day // \"so\"\n\nday",
            "19..22 script-syntax: `;` is missing behind this; each statement but the last ends in `;`",
        ),
        ("eval(\"1\")", "0..4 script-syntax: `eval` is not available: a script is checked before it runs"),
        ("\"abc", "0..1 script-syntax: a text is not closed; texts over several lines stand between backticks"),
        (
            "'abc'",
            "0..1 script-syntax: single quotes hold one character; texts stand between double quotes or backticks",
        ),
        ("if customer { 1; ", "12..13 script-syntax: this `{` is never closed; put a `}` behind what belongs to it"),
        (
            "customer.",
            "9..9 script-syntax: the name of a field is missing; a name with other signs is written `[\"x-name\"]`",
        ),
        ("import \"phone\" as p; 1", "0..6 unknown-module: there is no script `phone.rhai` in the folder of scripts"),
    ] {
        let found = problems(text);
        assert!(found.iter().any(|found| found == expected), "{text}: {found:#?}\n{expected}");
    }
}

#[test]
fn what_other_languages_have_is_told() {
    for (text, expected) in [
        ("function f(a) { a }", "0..8 a function begins with `fn`; write `fn f(…) { … }`"),
        (
            "[1].map(function(x) { x })",
            "8..16 `function` is no word of this language; a function without a name is written `|x| { … }`",
        ),
        ("[1].map(x => x)", "10..12 `=>` means nothing here; a function without a name is written `|x| x + 1`"),
        (
            "let o = { a: 1 };",
            "8..9 this `{` begins a block of statements; an object begins with `#{`: write `#{ a: … }`",
        ),
        ("var a = 1;", "0..3 a name is made with `let`; write `let` instead of `var`"),
        ("if args = 1 { 2 }", "8..9 `=` sets a value and does not compare; to compare, write `==`"),
        ("args === 1", "5..8 `===` means nothing here; write `==`"),
        ("args !== 1", "5..8 `!==` means nothing here; write `!=`"),
        ("let i = 1; i++;", "12..14 `++` means nothing here; write `+= 1`"),
        ("args ? 1 : 2", "5..6 `?` means nothing here; write `if a { b } else { c }`"),
        ("# so", "0..1 `#` means nothing here; a comment begins with `//`, an object with `#{`"),
        ("if args and call { 1 }", "8..11 `and` is no word of this language; write `&&`"),
        ("if not args { 1 }", "3..6 `not` is no word of this language; write `!` before what is not to be true"),
        ("if args { 1 } elif call { 2 }", "14..18 `elif` is no word of this language; write `else if`"),
        (
            "if args return 1",
            "8..14 `{` is missing before this; what belongs to `if`, `else`, `for` and the like stands between `{` and `}`",
        ),
        (
            "if args\n  1\n}",
            "10..11 `{` is missing before this; what belongs to `if`, `else`, `for` and the like stands between `{` and `}`",
        ),
        ("fn f(a)\n  a\n}", "10..11 what `f` does is missing; it stands between `{` and `}`, and there is no `:`"),
        ("fn f(a): a", "7..8 what `f` does is missing; it stands between `{` and `}`, and there is no `:`"),
        (
            "for (let i = 0; i < 3; i += 1) { }",
            "5..8 a name is missing here; write `let name = …`, `for name in list { … }`, `for n in 0..3 { … }`",
        ),
        (
            "args || \"x\"",
            "8..11 `||` joins what is true or false, not text; for a value that takes the place of an absent one write `??`",
        ),
        ("if \"x\" { 1 }", "3..6 expected true or false, found text; compare it with something: `… == …`"),
        (
            "for a in 5 { }",
            "9..10 `for` goes through lists and ranges, not a number; an object has its `keys()` and `values()`",
        ),
        (
            "console.error(1)",
            "0..7 nothing is called `console` here; write to the log with `log::info(…)` or `log::warn(…)`",
        ),
        ("JSON.stringify(1)", "0..4 nothing is called `JSON` here; use `json::parse(…)` and `json::to_string(…)`"),
        ("True", "0..4 nothing is called `True` here; write `true`"),
    ] {
        let found = problems(text);
        let plain: Vec<_> =
            found.iter().map(|one| one.replace("script-syntax: ", "").replace("unknown-name: ", "")).collect();
        assert_eq!(plain, [expected], "{text}");
    }
}

#[test]
fn what_works_is_let_pass() {
    for text in [
        "let m = #{ shout: |x| x + \"!\" }; m.shout(\"a\")",
        "let m = #{}; m.shout = |x| x; m.shout(1)",
        "let f = |x| x; f.call(1)",
        "let m = #{ rate: 2 }; m.sums = [1, 2].map(|n| n * m.rate); m.twice = |x| this.rate * x; m.twice(1)",
        "fn price(x) { x } [1].map(price)",
        "fn f(x) { x } let f = 1; f(2)",
        "fn price(x) { x } [1].map(Fn(\"price\"))",
        "customer.number.len() > 3 && customer.number.len > 3",
        "is_def_var(\"customer\")",
        "1 + 2 * -3 % 4 ** 2",
        "1 in [1, 2] || 3 !in 0..9",
        "call.id; args.x",
        "const A = 1; A",
        "exit(1)",
    ] {
        assert_eq!(problems(text), [""; 0], "{text}");
    }
}

#[test]
fn an_open_scope_lets_any_name_pass() {
    let mut found = Vec::new();
    let names = Names { open: true, ..Names::default() };
    let expression = no_scripts().expression("anything.at.all", &names, &locate, &mut found).unwrap();
    assert_eq!(found, []);
    assert_eq!(expression.uses().len(), 1);
}

#[test]
fn an_expression_is_no_block() {
    let mut found = Vec::new();
    let scripts = no_scripts();
    let names = Names::from_iter(["x"]);
    assert!(scripts.expression("let y = 1; y", &names, &locate, &mut found).is_none());
    assert_eq!(found[0].slug, "script-syntax");
    assert!(scripts.expression("if x { 1 } else { 2 }", &names, &locate, &mut found).is_some());
    assert!(scripts.expression("", &names, &locate, &mut found).is_none());
}

#[test]
fn positions_are_found_in_the_yaml_around() {
    let mut found = Vec::new();
    let locate = |start: usize, end: usize| super::locate(100 + start, 100 + end);
    assert!(no_scripts().expression("1 +\n oops", &Names::default(), &locate, &mut found).is_none());
    assert_eq!((found[0].span.start, found[0].span.end), (105, 109));
}
