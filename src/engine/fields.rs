//! Which fields each kind of message has, for the checker: absence is normal at run time, so a mistyped
//! path must be found at load, by its name.
//!
//! The knowledge is the text `fields/vapi.txt`. Where Vapi publishes nothing, or where the names are the
//! user's own (`metadata`, `variableValues`, arguments), anything may lie: such paths are never refused.

mod mistakes;
mod table;

use std::collections::BTreeMap;

use super::kind::Kind;
use super::path::Segment;
use table::{TABLE, Type};

pub use mistakes::wrong_turns;

/// What is known of a path in messages of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Such messages have that field, though not each of them.
    Known,
    /// It lies where there may be anything.
    Open,
    /// No such message has it.
    Unknown {
        /// The first segment that leads nowhere.
        segment: usize,
        /// The names that would be possible in its place; none below a list or a plain value.
        known: Vec<&'a str>,
    },
}

/// What a field holds when it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are JSON's own words")]
pub enum FieldType {
    Text,
    Number,
    Bool,
    List,
    Map,
    /// Of more than one type, or nobody knows.
    Any,
}

/// What is known of `path`, which starts at the message itself (`call`, `id`).
#[must_use]
pub fn look_up(kind: Kind, path: &[Segment]) -> Verdict<'static> {
    match follow(kind, path) {
        Ok(Some(_)) => Verdict::Known,
        Ok(None) => Verdict::Open,
        Err(unknown) => unknown,
    }
}

/// What the field at `path` holds; `None` where nothing is known of it.
#[must_use]
pub fn type_of(kind: Kind, path: &[Segment]) -> Option<FieldType> {
    follow(kind, path).ok().flatten().map(|holds| holds.public())
}

/// The fields at the top of a message of that kind.
#[must_use]
pub fn roots(kind: Kind) -> Vec<&'static str> {
    names(kind.name())
}

/// The paths of one name or two that lie in messages of any kind, each with what it holds in the first that has it.
#[must_use]
pub fn paths() -> BTreeMap<String, FieldType> {
    let mut paths = BTreeMap::new();
    for (name, holds) in Kind::ALL.iter().flat_map(|kind| &TABLE.get(kind.name()).fields) {
        if let Type::Object(object) = holds {
            for (inner, holds) in &TABLE.get(object).fields {
                paths.entry(format!("{name}.{inner}")).or_insert_with(|| holds.public());
            }
        }
        paths.entry((*name).to_owned()).or_insert_with(|| holds.public());
    }
    paths
}

/// Walks `path`: to the type at its end, to `None` where there may be anything, or into the unknown.
fn follow(kind: Kind, path: &[Segment]) -> Result<Option<Type>, Verdict<'static>> {
    let mut here = Type::Object(kind.name());
    for (segment, step) in path.iter().enumerate() {
        let next = match (&here, step) {
            (Type::Any, _) | (Type::Map, Segment::Key(_)) => return Ok(None),
            (Type::List(item), Segment::Index(_)) => Some((**item).clone()),
            (Type::Object(name), Segment::Key(key)) => match TABLE.get(name).field(key) {
                None if TABLE.get(name).more => return Ok(None),
                found => found.cloned(),
            },
            _ => None,
        };
        let known = if let Type::Object(name) = here { names(name) } else { Vec::new() };
        here = next.ok_or(Verdict::Unknown { segment, known })?;
    }
    Ok(Some(here))
}

/// The names of an object's fields.
fn names(object: &str) -> Vec<&'static str> {
    TABLE.get(object).fields.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::engine::path::Path;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    fn verdict(kind: Kind, text: &str) -> Verdict<'static> {
        look_up(kind, path(text).segments())
    }

    #[test]
    fn fields_of_recorded_messages_are_known() {
        for (kind, known) in [
            (Kind::AssistantRequest, "call.transport.forwardedFrom"),
            (Kind::StatusUpdate, "status"),
            (Kind::StatusUpdate, "inboundPhoneCallDebuggingArtifacts.assistantRequestError"),
            (Kind::EndOfCallReport, "analysis.summary"),
            (Kind::EndOfCallReport, "durationSeconds"),
            (Kind::EndOfCallReport, "artifact.messages[-1].role"),
            (Kind::EndOfCallReport, "costs[0].cost"),
            (Kind::ToolCalls, "toolCallList[0].function.name"),
            (Kind::Transcript, "transcript"),
            (Kind::ChatCreated, "chat.id"),
            (Kind::SessionUpdated, "session.customer.number"),
            (Kind::Hang, "assistant.metadata"),
            (Kind::CampaignEnded, "call.id"),
        ] {
            assert_eq!(verdict(kind, known), Verdict::Known, "{known}");
        }
    }

    #[test]
    fn where_names_are_the_users_own_anything_may_lie() {
        for (kind, open) in [
            (Kind::Hang, "call.metadata.tenant"),
            (Kind::Hang, "call.assistantOverrides.variableValues.name[0].x"),
            (Kind::Hang, "assistant.model.tools[0].function.name"),
            (Kind::HandoffDestinationRequest, "parameters.area"),
            (Kind::EndOfCallReport, "analysis.structuredData.booked"),
            (Kind::ToolCalls, "toolCallList[0].function.arguments.date"),
            (Kind::CampaignEnded, "contact.number"),
            (Kind::ApiRequest, "date.from"),
        ] {
            assert_eq!(verdict(kind, open), Verdict::Open, "{open}");
        }
    }

    #[test]
    fn unknown_paths_say_where_they_leave_the_known() {
        let unknown = |kind, text| match verdict(kind, text) {
            Verdict::Unknown { segment, known } => (segment, known.len()),
            other => panic!("{text} is {other:?}"),
        };
        assert_eq!(unknown(Kind::Hang, "status").0, 0);
        assert_eq!(
            verdict(Kind::Hang, "call.monitor.url"),
            Verdict::Unknown { segment: 2, known: vec!["listenUrl", "controlUrl", "monitors"] }
        );
        assert_eq!(unknown(Kind::Hang, "customer.number.country"), (2, 0));
        assert_eq!(unknown(Kind::Hang, "artifact.messages.role"), (2, 0));
        assert_eq!(unknown(Kind::Hang, "artifact[0]"), (1, names("Artifact").len()));
        assert_eq!(unknown(Kind::Hang, "call.metadata[0]"), (2, 0));
        assert_eq!(unknown(Kind::CampaignEnded, "call.idd").0, 1);
    }

    #[test]
    fn types_are_told_where_they_are_certain() {
        let holds = |kind, text| type_of(kind, path(text).segments());
        assert_eq!(holds(Kind::EndOfCallReport, "durationSeconds"), Some(FieldType::Number));
        assert_eq!(holds(Kind::EndOfCallReport, "analysis.successEvaluation"), Some(FieldType::Text));
        assert_eq!(holds(Kind::EndOfCallReport, "artifact.messages"), Some(FieldType::List));
        assert_eq!(holds(Kind::EndOfCallReport, "artifact.messages[0]"), Some(FieldType::Map));
        assert_eq!(holds(Kind::Transcript, "isFiltered"), Some(FieldType::Bool));
        assert_eq!(holds(Kind::Transcript, "timestamp"), Some(FieldType::Any));
        assert_eq!(holds(Kind::Transcript, "call.metadata.tenant"), None);
        assert_eq!(holds(Kind::Transcript, "nothing"), None);
    }

    #[test]
    fn a_kind_lists_its_own_fields_and_those_that_all_have() {
        assert!(["call", "customer", "status"].iter().all(|name| roots(Kind::StatusUpdate).contains(name)));
        assert!(!roots(Kind::Hang).contains(&"status"));
        assert!(!roots(Kind::SimulationRunEnded).contains(&"call"));
    }

    /// Every path of `value` down to `depth` segments; of a list, that of its items.
    fn paths_of(value: &Value, depth: usize, here: &[Segment], found: &mut Vec<Vec<Segment>>) {
        if !here.is_empty() {
            found.push(here.to_vec());
        }
        let children: Vec<(Segment, &Value)> = match value {
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| (Segment::Key(key.as_str().into()), value)).collect()
            }
            Value::Array(items) => items.iter().map(|item| (Segment::Index(0), item)).collect(),
            _ => Vec::new(),
        };
        for (segment, child) in children.iter().filter(|_| depth > 0) {
            paths_of(child, depth - 1, &[here, std::slice::from_ref(segment)].concat(), found);
        }
    }

    /// The value's type, unless it is null, which any field may be.
    fn type_of_value(value: &Value) -> Option<FieldType> {
        match value {
            Value::Null => None,
            Value::Bool(_) => Some(FieldType::Bool),
            Value::Number(_) => Some(FieldType::Number),
            Value::String(_) => Some(FieldType::Text),
            Value::Array(_) => Some(FieldType::List),
            Value::Object(_) => Some(FieldType::Map),
        }
    }

    fn at<'a>(value: &'a Value, path: &[Segment]) -> Option<&'a Value> {
        path.iter().try_fold(value, |value, segment| match segment {
            Segment::Key(key) => value.get(&**key),
            Segment::Index(_) => value.get(0),
        })
    }

    #[test]
    fn every_field_of_the_sample_messages_is_known_or_open() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vapi/fixtures");
        let Ok(files) = std::fs::read_dir(folder) else {
            println!("skipped: {folder} is not there");
            return;
        };
        let mut messages = 0;
        for file in files.map(|file| file.unwrap().path()).filter(|file| file.is_file()) {
            let Ok(body) = serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap()) else { continue };
            let message = body.get("message").unwrap_or(&body);
            let Some(kind) = message.get("type").and_then(Value::as_str).and_then(Kind::from_name) else { continue };
            messages += 1;
            let mut paths = Vec::new();
            paths_of(message, 4, &[], &mut paths);
            paths.sort_unstable();
            paths.dedup();
            for path in paths {
                let name = format!("{}: {path:?}", file.display());
                assert!(!matches!(look_up(kind, &path), Verdict::Unknown { .. }), "{name}");
                let told = type_of(kind, &path).filter(|told| *told != FieldType::Any);
                if let Some((told, found)) = told.zip(at(message, &path).and_then(type_of_value)) {
                    assert_eq!(told, found, "{name}");
                }
            }
        }
        assert!(messages > 60, "only {messages} messages");
    }

    /// The part of Vapi's schema to which `#/$defs/Name` leads.
    fn referred<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
        name.map_or(schema, |pointer| root.pointer(pointer).unwrap())
    }

    /// Asserts that all properties of `schema` down to `depth` segments below `here` are known or open.
    fn check_schema(root: &Value, schema: &Value, kind: Kind, here: &[Segment], depth: usize) {
        let schema = referred(root, schema);
        for variant in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
            check_schema(root, variant, kind, here, depth);
        }
        assert!(!matches!(look_up(kind, here), Verdict::Unknown { .. }), "{kind:?}: {here:?}");
        if depth == 0 {
            return;
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            check_schema(root, property, kind, &[here, &[Segment::Key(name.as_str().into())]].concat(), depth - 1);
        }
        if let Some(item) = schema.get("items") {
            check_schema(root, item, kind, &[here, &[Segment::Index(0)]].concat(), depth - 1);
        }
    }

    #[test]
    fn every_published_field_is_known_or_open() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vapi/server-messages.schema.json");
        let Ok(text) = std::fs::read(file) else {
            println!("skipped: {file} is not there");
            return;
        };
        let root: Value = serde_json::from_slice(&text).unwrap();
        let kinds = root.pointer("/properties/message/allOf").and_then(Value::as_array).unwrap();
        assert!(kinds.len() > 25);
        for branch in kinds {
            let name = branch.pointer("/if/properties/type").unwrap();
            let names =
                name.get("const").into_iter().chain(name.get("enum").and_then(Value::as_array).into_iter().flatten());
            for name in names.filter_map(Value::as_str) {
                let kind = Kind::from_name(name).unwrap_or_else(|| panic!("{name} is no kind"));
                check_schema(&root, branch.get("then").unwrap(), kind, &[], 4);
            }
        }
    }
}
