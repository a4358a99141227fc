//! One server message of every kind, and one of every shape in which Vapi words a tool call.
//!
//! `events/<kind>.json` is the usual message of a kind, `events/<kind>.<variant>.json` another one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use switchhook::engine::event::{Event, Slot, Wanted, WantedBuilder};
use switchhook::engine::kind::{EventKind, Kind, KindSet};
use switchhook::engine::path::Segment;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The JSON files of a folder: names without `.json`, and contents.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())).collect()
}

fn samples() -> Vec<(String, Vec<u8>)> {
    files(&here("src/samples/events"))
}

/// Recorded and composed bodies, where they are at hand.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = here("../shared/vapi/fixtures");
    if folder.is_dir() {
        return files(&folder);
    }
    println!("skipped: there is no {}", folder.display());
    Vec::new()
}

fn scan(body: &[u8], wanted: &Wanted) -> Event {
    Event::scan(body.to_vec(), wanted).unwrap()
}

fn nothing() -> Wanted {
    WantedBuilder::new().build()
}

#[test]
fn there_is_a_sample_of_every_kind_and_of_nothing_else() {
    let samples = samples();
    for kind in Kind::ALL {
        assert!(samples.iter().any(|(name, _)| name == kind.name()), "there is no events/{kind:?}.json");
    }
    for (name, body) in &samples {
        let event = scan(body, &nothing());
        let is_of_its_kind = name == event.kind().name() || name.starts_with(&format!("{}.", event.kind()));
        assert!(
            is_of_its_kind && matches!(event.kind(), EventKind::Known(_)),
            "events/{name}.json is {}",
            event.kind()
        );
    }
}

#[test]
fn every_shape_of_a_tool_call_is_understood() {
    let book = json!({"day": "2026-10-01", "work": "rear brake", "name": "Imogen Vale", "electric": false});
    let id = "call_Vx4mQ81LtRbzKc0eWyUoS2dN";
    let of_hook = json!({"callId": "019a3f52-8c1e-7d40-b6a9-2f5e81c7d093", "reason": "customer.speech.timeout"});
    let shapes =
        samples().into_iter().filter(|(name, _)| name.starts_with("tool-calls.") || name.starts_with("function-call."));
    for (name, body) in shapes {
        let event = scan(&body, &nothing());
        let first = event.tool_calls().first().unwrap();
        let arguments = first.arguments().map(switchhook::engine::json::Json::to_value);
        match name.as_str() {
            "tool-calls.hook" => assert_eq!((first.is_hook(), arguments), (true, Ok(of_hook.clone()))),
            "tool-calls.without-arguments" => assert_eq!((&*first.name, arguments), ("openingHours", Ok(json!({})))),
            "tool-calls.cut-arguments" => {
                assert_eq!((&*first.id, arguments.is_err()), (id, true));
                assert!(event.tool_calls()[1].arguments().is_ok());
            }
            "function-call.parameters-text" => assert_eq!((&*first.id, arguments), ("", Ok(book.clone()))),
            _ => assert_eq!((&*first.id, &*first.name, arguments), (id, "bookRepair", Ok(book.clone())), "{name}"),
        }
    }
}

#[test]
fn a_final_transcript_is_final_though_its_body_does_not_say_so() {
    let mut wanted = WantedBuilder::new();
    let slot = wanted.want(KindSet::ALL, &[Segment::Key("transcriptType".into())]);
    let body = fs::read(here("src/samples/events/transcript.final-unsaid.json")).unwrap();
    assert_eq!(scan(&body, &wanted.build()).get(&slot).as_str().as_deref(), Some("final"));
}

#[test]
fn what_is_found_is_what_a_tree_holds() {
    for (name, body) in samples().into_iter().chain(fixtures()) {
        let tree: Value = serde_json::from_slice(&body).unwrap();
        let message = tree.get("message").filter(|message| message.is_object()).unwrap_or(&tree);
        let mut places = Vec::new();
        collect(message, &mut Vec::new(), &mut places);
        // Every place of a small message, and a spread of those of a large one.
        let step = places.len() / 100 + 1;
        let mut builder = WantedBuilder::new();
        let slots: Vec<(Slot, &Value)> =
            places.iter().step_by(step).map(|(path, value)| (builder.want(KindSet::ALL, path), *value)).collect();
        let event = scan(&body, &builder.build());
        for (slot, value) in slots {
            assert!(event.get(&slot).equals(value), "{name}: {slot:?}");
            assert_eq!(event.get(&slot).is_absent(), value.is_null(), "{name}: {slot:?}");
        }
        assert_eq!(event.whole().to_value(), *message, "{name}");
        let call_id = message.pointer("/call/id").and_then(Value::as_str);
        assert_eq!(event.call_id(), call_id, "{name}");
    }
}

/// Every path below `value`, items of lists counted from both ends.
fn collect<'a>(value: &'a Value, path: &mut Vec<Segment>, places: &mut Vec<(Vec<Segment>, &'a Value)>) {
    let mut visit = |segment: Segment, child: &'a Value| {
        path.push(segment);
        places.push((path.clone(), child));
        collect(child, path, places);
        path.pop();
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, child)| visit(Segment::Key(key.as_str().into()), child)),
        Value::Array(items) => {
            for (at, child) in (0_i64..).zip(items) {
                let from_end = at - i64::try_from(items.len()).unwrap();
                visit(Segment::Index(if at % 2 == 0 { at } else { from_end }), child);
            }
        }
        _ => {}
    }
}

#[test]
fn a_body_cut_anywhere_is_refused_and_never_ends_the_program() {
    for (name, body) in samples() {
        let end = body.trim_ascii_end().len();
        for cut in (0..end).step_by(end / 20 + 1) {
            assert!(Event::scan(body[..cut].to_vec(), &nothing()).is_err(), "{name} cut at {cut}");
        }
    }
}

/// The kinds of the published schema; Vapi sends more.
#[test]
fn samples_honour_the_published_schema() {
    let path = here("../shared/vapi/server-messages.schema.json");
    let Ok(schema) = fs::read(&path) else {
        println!("skipped: there is no {}", path.display());
        return;
    };
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let known = schema.pointer("/properties/message/properties/type/enum").unwrap().as_array().unwrap().clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for kind in Kind::ALL.iter().filter(|kind| known.contains(&json!(kind.name()))) {
        let body = fs::read(here(&format!("src/samples/events/{}.json", kind.name()))).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(&serde_json::from_slice(&body).unwrap())
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert_eq!(faults, Vec::<String>::new(), "{kind:?}");
    }
}
