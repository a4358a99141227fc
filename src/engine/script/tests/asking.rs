use super::*;
use crate::engine::request::Text;

/// What `script` asks first, each question as it is shown.
fn asked(script: &str) -> Vec<String> {
    let mut run = run();
    assert_eq!(eval_within(script, &json!({}), &mut run), Err(ScriptFault::Unanswered), "{script}");
    run.questions().iter().map(described).collect()
}

fn described(question: &Question) -> String {
    let request = &question.request;
    let header = |all: String, (name, text): &(String, Text)| all + &format!(" {name}: {};", text.redacted());
    let headers = request.headers.iter().fold(String::new(), header);
    let body = request.body.as_ref().map(|body| format!(" {}", body.text.redacted())).unwrap_or_default();
    let cache = question.cache.map(|cache| format!(" kept for {cache:?}")).unwrap_or_default();
    let (method, url) = (request.method.as_str(), request.url.redacted());
    format!("{method} {url}{headers}{body} within {:?}{cache}", request.timeout)
}

#[test]
fn a_question_is_made_of_a_url_and_options() {
    for (script, question) in [
        ("http::get(\"https://a.example/\")", "GET https://a.example/ within 5s"),
        (
            "http::get(\"https://a.example/\", #{ query: #{ phone: \"+1 555\" }, timeout: \"1500ms\", cache: \"5m\" })",
            "GET https://a.example/?phone=%2B1%20555 within 1.5s kept for 300s",
        ),
        (
            "http::get(\"https://a.example/?a=1\", #{ query: #{ b: 2, c: () }, timeout: 2 })",
            "GET https://a.example/?a=1&b=2&c= within 2s",
        ),
        ("http::post(\"https://a.example/\", #{ a: [1, ()] })", "POST https://a.example/ {\"a\":[1,null]} within 5s"),
        (
            "http::put(\"https://a.example/\", (), #{ form: #{ a: \"x y\", b: 1.5 }, headers: #{ \"X-A\": \"b\\nc\" } })",
            "PUT https://a.example/ x-a: b c; a=x%20y&b=1.5 within 5s",
        ),
        (
            "http::get(\"https://a.example/\", #{ headers: #{ a: \"Bearer \" + secrets::get(\"crm\") + \"!\" } })",
            "GET https://a.example/ a: Bearer [secret crm]!; within 5s",
        ),
        ("http::get(\"https://a.example/\" + secrets::get(\"k\"))", "GET https://a.example/[secret k] within 5s"),
    ] {
        assert_eq!(asked(script), [question], "{script}");
    }
}

#[test]
fn several_are_asked_at_once() {
    let urls = asked("http::all([\"https://a.example/\", #{ delete: \"https://b.example/\" }])");
    assert_eq!(urls, ["GET https://a.example/ within 5s", "DELETE https://b.example/ within 5s"]);
    assert_eq!(shown("http::all([])"), "[]");
    let failing = "let said = (); try { http::all([\"https://a.example/down\"]) } catch (error) { said = error; } said";
    assert_eq!(shown(failing), "\"GET https://a.example: nobody listens there\"");
}

#[test]
fn what_only_reads_is_asked_once_and_what_does_more_each_time() {
    let twice = |call: &str| asked(&format!("http::all([{call}, {call}])")).len();
    assert_eq!(twice("#{ get: \"https://a.example/\" }"), 1);
    assert_eq!(twice("#{ post: \"https://a.example/\" }"), 2);
}

#[test]
fn a_failure_is_an_error_unless_it_is_optional() {
    let get = |options: &str| shown(&format!("http::get(\"https://a.example/down?who=ada\", #{{ {options} }}).error"));
    let Err(ScriptFault::Unfetched { message, .. }) = eval_answered("http::get(\"https://a.example/ada?who=ada\")")
    else {
        panic!("it did not fail")
    };
    assert_eq!(message, "GET https://a.example: it answered 404");
    assert_eq!(get("optional: true"), "\"it answered 404\"");
}

/// What comes of a script whose questions are answered.
fn eval_answered(script: &str) -> Result<Value, ScriptFault> {
    let mut first = run();
    assert_eq!(eval_within(script, &json!({}), &mut first), Err(ScriptFault::Unanswered));
    let answers = first.questions().into_iter().map(|question| {
        let answer = Arc::new(answer(&question));
        (question, answer)
    });
    let facts = Facts { answers: facts().answers.with(answers), ..facts() };
    eval_within(script, &json!({}), &mut Run::new(&facts, Arc::new(Unhurried)))
}

#[test]
fn what_is_asked_cannot_be_caught() {
    assert_eq!(asked("try { http::get(\"https://a.example/\") } catch { 1 }"), ["GET https://a.example/ within 5s"]);
}

#[test]
fn a_secret_stays_one() {
    for script in ["`x${secrets::get(\"crm\")}`", "secrets::get(\"crm\").to_string()"] {
        let outcome = format!("{:?}", eval(script, &json!({})));
        assert!(outcome.contains("Failed"), "{script}: {outcome}");
    }
    assert_eq!(message(eval("secrets::get(\"crm\")", &json!({}))), "a secret cannot leave a script");
    let said = message(eval("`Bearer ${secrets::get(\"crm\")}`", &json!({})));
    assert!(said.contains("join it with `+`"), "{said}");
}

#[test]
fn a_bad_question_is_refused() {
    for (call, why) in [
        (
            "let options = #{ header: #{} }; http::get(\"https://a.example/\", options)",
            "a request has no `header`; there are",
        ),
        ("http::get(\"https://a.example/\", #{ headers: #{ Host: \"b\" } })", "`Host` is set by the daemon"),
        ("http::get(\"https://a.example/\", #{ headers: #{ \"a b\": 1 } })", "no header can be called `a b`"),
        ("http::get(\"https://a.example/\", #{ optional: \"yes\" })", "`optional` is `true` or `false`"),
        ("http::get(\"https://a.example/\", #{ timeout: \"soon\" })", "`timeout` is a time such as"),
        ("http::get(\"https://a.example/\", #{ timeout: 0 })", "`timeout` is a time such as"),
        ("http::post(\"https://a.example/\", 1, #{ body: \"a\" })", "a request has one of"),
        ("http::get(\"https://a.example/\", #{ query: 1 })", "`query` is an object of names and texts"),
        ("http::all([1])", "each request is a URL, or an object"),
        ("http::all([#{ json: 1 }])", "a request says `get`, `post`"),
        ("let all = []; all.pad(40, \"https://a.example/\"); http::all(all)", "at most 32 can be asked at once"),
    ] {
        let said = message(eval(call, &json!({})));
        assert!(said.contains(why), "{call}: {said}");
    }
}

#[test]
fn one_decision_asks_a_bounded_number_of_questions() {
    let script = "for i in 0..40 { http::get(`https://a.example/7${i}`) }";
    assert!(shown(script).contains("one decision asks 32 questions at most"), "{}", shown(script));
}

#[test]
fn what_was_asked_at_earlier_tries_leaves_as_many_questions() {
    let script = r#"for i in 0..20 { http::get(`https://a.example/${state::get("n")}/7${i}`) } "done""#;
    let mut facts = facts();
    // The state changes between the tries, and so does what is asked.
    for n in 0..5 {
        facts.state = Arc::new(json!({ "n": n }).as_object().cloned().unwrap());
        assert_eq!(shown_with(script, &mut facts), r#""done""#);
    }
    assert_eq!(facts.answers.len(), 5 * 20);
}

#[test]
fn a_secret_that_there_is_not_is_found_before_it_is_asked_for() {
    let scripts =
        Scripts::compile(&[], &ScriptLimits::default(), Some(&["crm".to_owned()]), &guests(), &mut Vec::new());
    let mut found = Vec::new();
    assert!(scripts.block("secrets::get(\"cmr\")", &Names::default(), &locate, &mut found).is_none());
    let found: Vec<String> = found.iter().map(super::described).collect();
    assert_eq!(found, ["unknown-secret: the settings have no secret `cmr`; did you mean `crm`?"]);
    assert!(scripts.block("secrets::get(\"crm\")", &Names::default(), &locate, &mut Vec::new()).is_some());
}
