//! Where a service sends those who ask it elsewhere.

use super::*;

const FIND: &str = r#"
rules:
  - name: find
    tool: find
    fetch: { person: { get: CRM/people, headers: { x-key: "${secrets.crm}" } } }
    respond: "${person.json.name}"
    fallback: "${person.error}"
"#;

fn send_on(arrival: Arrival, location: &str) {
    arrival.answer_with(302, &format!("location: {location}\n"), "");
}

#[test]
fn what_is_asked_is_asked_there_without_secrets() {
    let (service, other) = (Destination::open(), Destination::open());
    let daemon = start(FIND, "", "", &service);
    let asked = asking(&daemon, tool_call("t1", &json!({})));
    send_on(service.next(), "/persons");
    let again = service.next();
    assert_eq!((again.path(), again.header("x-key")), ("/persons", Some(TOKEN)));
    send_on(again, &other.url("/ada"));
    let elsewhere = other.next();
    assert_eq!((elsewhere.path(), elsewhere.header("x-key")), ("/ada", None));
    answer_json(elsewhere, &json!({ "name": "Ada" }));
    assert_eq!(result(&asked.join().unwrap()), "Ada");
}

#[test]
fn a_redirect_that_leads_astray_is_explained_without_what_it_holds() {
    let service = Destination::open();
    let daemon = start(FIND, "", "", &service);
    for (number, (location, why)) in [
        ("http://169.254.169.254/correct-horse-battery", "leads to 169.254.169.254, which is refused"),
        ("http://correct-horse-battery@127.0.0.1/", "a URL holds no user or password here"),
        ("/people?key=correct-horse-battery", "`127.0.0.1` redirects more than 5 times"),
    ]
    .into_iter()
    .enumerate()
    {
        let asked = asking(&daemon, tool_call(&format!("t{number}"), &json!({})));
        send_on(service.next(), location);
        while !asked.is_finished() {
            service.ready().map_or_else(thread::yield_now, |arrival| send_on(arrival, location));
        }
        let answer = result(&asked.join().unwrap()).to_string();
        assert!(answer.contains(why), "{location}: {answer}");
    }
    let log = Value::from(daemon.stop()).to_string();
    assert!(!log.contains(TOKEN), "{log}");
}
