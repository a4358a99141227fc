use super::*;
use crate::engine::diagnostic::Sources;

/// Scripts of these modules and texts, with what is wrong with them.
fn compile(files: &[(&str, &str)]) -> (Scripts, Vec<String>) {
    let mut sources = Sources::default();
    let paths: Vec<String> = files.iter().map(|(module, _)| format!("scripts/{module}.rhai")).collect();
    let files: Vec<ScriptFile<'_>> = files
        .iter()
        .zip(&paths)
        .map(|((module, text), path)| ScriptFile { file: sources.add(path.as_str(), *text), module, path, text })
        .collect();
    let mut found = Vec::new();
    let scripts = Scripts::compile(&files, &ScriptLimits::default(), None, &guests(), &mut found);
    let shown = found.iter().map(|problem| format!("{} {}", sources.place(problem.span), described(problem)));
    (scripts, shown.collect())
}

fn good(files: &[(&str, &str)]) -> Scripts {
    let (scripts, found) = compile(files);
    assert_eq!(found, [""; 0]);
    scripts
}

fn function(scripts: &Scripts, name: &str) -> Function {
    scripts.function(name, true, locate(0, 0)).unwrap_or_else(|problem| panic!("{problem:#?}"))
}

fn call(scripts: &Scripts, name: &str, scope: &Value) -> Result<Value, ScriptFault> {
    let function = function(scripts, name);
    function.call(&values(function.uses(), scope), &mut run())
}

const BISTRO: &[(&str, &str)] = &[
    (
        "reservations",
        r#"import "shared/phone" as phone;
const SEATS = 8;

/// Books a table.
fn book_table(args, event) {
    if args.size > global::SEATS {
        throw "no table for " + args.size;
    }
    `${args.size} seats for ${phone::plain(event.call.customer.number)} on ${day(args)}`
}

fn day(args) { args.when.day ?? "today" }
private fn hidden(args) { 1 }
fn wrong(a, b, c) { 1 }
fn nothing() { "nothing" }
fn broken(args) {
    let x = args.size;
    phone::cut(x)
}
"#,
    ),
    ("shared/phone", "fn plain(number) { number.sub_string(1) }\nfn cut(text) {\n    text.truncate(2)\n}\n"),
];

#[test]
fn functions_find_their_imports_and_constants() {
    let scripts = good(BISTRO);
    let scope = json!({ "args": { "size": 4 }, "event": { "call": { "customer": { "number": "+15550100" } } } });
    let booked = call(&scripts, "reservations::book_table", &scope);
    assert_eq!(booked, Ok(json!("4 seats for 15550100 on today")));
    assert_eq!(call(&scripts, "reservations::nothing", &scope), Ok(json!("nothing")));
    assert_eq!(call(&scripts, "shared/phone::plain", &json!({ "args": "+1" })), Ok(json!("1")));
    assert_eq!(call(&scripts, "shared::phone::plain", &json!({ "args": "+1" })), Ok(json!("1")));
    let large = json!({ "args": { "size": 9 } });
    assert_eq!(call(&scripts, "reservations::book_table", &large), Err(ScriptFault::Thrown("no table for 9".into())));
}

#[test]
fn a_function_need_not_look_at_what_it_is_given() {
    let text = "fn hours(args) { `9 to 5` }\nfn number(args, event) { args.n }\nfn passed(args) { hours(args.day) }\n";
    let scripts = good(&[("desk", text)]);
    let scope = json!({ "args": { "n": 7 }, "event": { "status": "ended" } });
    assert_eq!(call(&scripts, "desk::hours", &scope), Ok(json!("9 to 5")));
    assert_eq!(call(&scripts, "desk::number", &scope), Ok(json!(7)));
    assert_eq!(call(&scripts, "desk::passed", &scope), Ok(json!("9 to 5")));
    assert_eq!(eval("fn hours(day) { `9 to 5` } hours(args.day)", &scope), Ok(json!("9 to 5")));
}

#[test]
fn a_function_says_what_it_looks_at() {
    let scripts = good(BISTRO);
    let shown = |name: &str, first_is_args| {
        let function = scripts.function(name, first_is_args, locate(0, 0)).unwrap();
        let path = |used: &Use| crate::engine::path::Path::new(&used.root, used.path.iter().cloned()).to_string();
        function.uses().iter().map(path).collect::<Vec<_>>()
    };
    assert_eq!(shown("reservations::book_table", true), ["args.size", "args.when.day", "event.call.customer.number"]);
    assert_eq!(shown("shared::phone::plain", false), ["event"]);
    assert_eq!(shown("reservations::nothing", true), [""; 0]);
}

#[test]
fn a_fault_has_its_place_in_the_file() {
    let scripts = good(BISTRO);
    let fault = call(&scripts, "reservations::broken", &json!({ "args": { "size": 4 } }));
    let Err(ScriptFault::Failed { at, message }) = fault else { panic!("{fault:?}") };
    let text = BISTRO[1].1;
    assert_eq!(at.file, FileId(1), "{message}");
    assert_eq!(super::at(text, at), "truncate", "{message}");
}

#[test]
fn what_a_rule_cannot_run_is_explained() {
    let scripts = good(BISTRO);
    for (name, args, expected) in [
        ("book_table", true, "`book_table` does not name a function"),
        ("reservation::book_table", true, "there is no script `reservation.rhai`"),
        ("reservations::book_tabel", true, "scripts/reservations.rhai has no function `book_tabel`"),
        ("reservations::hidden", true, "`reservations::hidden` is private"),
        (
            "reservations::wrong",
            true,
            "`reservations::wrong` has 3 parameters; here it is given `(args)` or `(args, event)`",
        ),
        ("reservations::book_table", false, "`reservations::book_table` has 2 parameters; here it is given `(event)`"),
    ] {
        let problem = scripts.function(name, args, locate(0, 0)).unwrap_err();
        assert_eq!(problem.message, expected);
    }
    let problem = scripts.function("reservations::wrong", true, locate(0, 0)).unwrap_err();
    let (declared, _) = &problem.notes[0];
    assert_eq!(at(BISTRO[0].1, *declared), "wrong");
}

#[test]
fn expressions_can_call_modules() {
    let scripts = good(BISTRO);
    let mut found = Vec::new();
    let names = Names::from_iter(["customer"]);
    let expression = scripts.expression("shared::phone::plain(customer.number)", &names, &locate, &mut found).unwrap();
    let scope = json!({ "customer": { "number": "+1555" } });
    assert_eq!(expression.eval(&values(expression.uses(), &scope), &mut run()), Ok(json!("1555")));
    assert!(scripts.expression("reservations::days(1)", &names, &locate, &mut found).is_none());
    assert_eq!(found[0].help, ["did you mean `day`?"]);
}

#[test]
fn mistakes_in_files_are_found_where_they_are() {
    for (files, expected) in [
        (
            &[("a", "fn f( { }")][..],
            "scripts/a.rhai:1:5 script-syntax: this `(` is never closed; put a `)` behind what belongs to it",
        ),
        (&[("a", "fn f(x) {\n  y + nope(x)\n}")], "scripts/a.rhai:2:3 unknown-name: nothing is called `y` here"),
        (&[("a", "fn f(x) {\n  y + nope(x)\n}")], "scripts/a.rhai:2:7 unknown-function: no function is called `nope`"),
        (
            &[("a", "const K = 1;\nfn f() { K }")],
            "scripts/a.rhai:2:10 unknown-name: a function does not see `K`, which is declared outside of it; declare it with `const` and write `global::K`",
        ),
        (
            &[("a", "import \"../b\" as b;"), ("b", "")],
            "scripts/a.rhai:1:1 import-outside: `../b` lies outside of the folder of scripts; a module can import only its siblings",
        ),
        (
            &[("a", "import \"/etc/b\" as b;")],
            "scripts/a.rhai:1:1 import-outside: `/etc/b` lies outside of the folder of scripts; a module can import only its siblings",
        ),
        (
            &[("a", "import \"bb.rhai\" as b;"), ("bb", "")],
            "scripts/a.rhai:1:1 unknown-module: there is no script `bb.rhai.rhai` in the folder of scripts; did you mean `bb`?",
        ),
        (
            &[("a", "let x = \"b\"; import x as b;"), ("b", "")],
            "scripts/a.rhai:1:14 unknown-module: the name of an imported module cannot be computed; write it as a text: `import \"phone\" as phone;`",
        ),
        (
            &[("a", "import \"a\" as a;")],
            "scripts/a.rhai:1:1 import-cycle: `a` imports itself; a script sees its own functions without an import",
        ),
        (
            &[("a", "import \"b\" as b; fn f() { b::g(1) }"), ("b", "fn g() {}")],
            "scripts/a.rhai:1:27 wrong-arity: `b::g` takes 0 arguments, not 1",
        ),
        (
            &[("a", "fn f() { b::g() }"), ("b", "fn g() {}")],
            "scripts/a.rhai:1:10 unknown-module: the module `b` is not imported; write `import \"b\" as b;` at the top",
        ),
        (
            &[("state", "")],
            "scripts/state.rhai:1:1 module-name: `state` is a module of the program, so a script cannot be called so; give the file another name",
        ),
        (
            &[("my-script", "")],
            "scripts/my-script.rhai:1:1 module-name: `my-script` cannot be the name of a module; names of scripts are of letters, digits and `_`",
        ),
        (
            &[("a", "const X = 1 / 0;")],
            "scripts/a.rhai:1:13 script-load: the script cannot be loaded: division by zero: 1 / 0",
        ),
        (
            &[("a", "const X = state::get(\"a\");")],
            "scripts/a.rhai:1:18 script-load: the script cannot be loaded: host functions can be used only while an event is decided, not while a script is loaded",
        ),
        (
            &[("a", "loop {}")],
            "scripts/a.rhai:1:6 script-load: the script cannot be loaded: the script took more than 1000000 operations",
        ),
    ] {
        let (_, found) = compile(files);
        assert!(found.iter().any(|found| found == expected), "{files:?}: {found:#?}\n{expected}");
    }
}

#[test]
fn a_circle_of_imports_is_one_finding() {
    let (scripts, found) = compile(&[
        ("a", "import \"far\" as far; fn f() {}"),
        ("b", "import \"far\" as far;\nimport \"c\" as c;"),
        ("c", "import \"d\" as d;"),
        ("d", "import \"b\" as b;"),
        ("e", "import \"c\" as c;"),
        ("far", ""),
    ]);
    assert_eq!(
        found,
        [
            "scripts/b.rhai:2:1 import-cycle: `b`, `c` and `d` import each other in a circle; move what they share to another script"
        ]
    );
    assert!(scripts.function("a::f", true, locate(0, 0)).is_ok());
}

#[test]
fn one_broken_file_leaves_the_others_working() {
    let (scripts, found) =
        compile(&[("a", "fn f() {"), ("b", "fn g() { 1 }"), ("c", "import \"a\" as a; fn h() { a::f() }")]);
    assert_eq!(
        found,
        ["scripts/a.rhai:1:8 script-syntax: this `{` is never closed; put a `}` behind what belongs to it"]
    );
    assert_eq!(call(&scripts, "b::g", &json!({})), Ok(json!(1)));
    assert!(scripts.function("a::f", true, locate(0, 0)).is_err());
    let mut found = Vec::new();
    for text in ["a::f(1)", "a::K + 1"] {
        drop(scripts.expression(text, &Names::default(), &locate, &mut found));
    }
    assert_eq!(found, [], "what a broken file holds, nobody knows");
}
