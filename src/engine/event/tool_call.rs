//! The tool calls of a message, in whichever shape Vapi words them (contract, section 4).
//!
//! | shape | where |
//! | --- | --- |
//! | `{id, function: {name, arguments}}`, the arguments an object or JSON text | recordings, `OpenAPI` |
//! | `{id, function: {name, parameters}}`, `{id, name, arguments}`, `{id, name, parameters}` | documentation |
//! | `{name, toolCall: …}`, the call inside in any of these shapes | `toolWithToolCallList` |
//! | `{name, parameters}` without an id | `functionCall`, the legacy kind |
//!
//! No call is dropped: one without an id or a name has an empty one, and one whose arguments cannot be
//! read carries a sentence for the model instead of them.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};
use smallvec::SmallVec;

use super::EventError;
use crate::engine::json::{FieldIndex, Json, JsonError, JsonType};
use crate::engine::path::Segment;

/// How many tool calls one message may hold.
pub const TOOL_CALLS_MAX: usize = 128;

/// The id of every call that an assistant hook makes.
const HOOK_ID: &str = "hook-function-call";

/// The calls of one message: nearly always it is one.
pub(super) type ToolCalls = SmallVec<[ToolCall; 1]>;

/// One call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Its id, to be repeated in the answer; empty for a legacy `function-call`, and if Vapi left it out.
    pub id: Arc<str>,
    /// The tool's name; empty if Vapi left it out.
    pub name: Arc<str>,
    /// Where it stands among the calls of the message, from 0.
    pub index: usize,
    arguments: Result<Box<str>, Box<str>>,
    /// Made when somebody first asks for one of the arguments: most rules ask for several.
    fields: OnceLock<FieldIndex>,
}

impl ToolCall {
    /// The arguments, an object.
    ///
    /// # Errors
    /// A sentence for the model if they are none: it may well call again.
    pub fn arguments(&self) -> Result<Json<'_>, &str> {
        match &self.arguments {
            Ok(text) => Ok(Json::of_checked(text)),
            Err(why) => Err(why),
        }
    }

    /// The value at `path` of the arguments.
    #[must_use]
    pub fn argument(&self, path: &[Segment]) -> Option<Json<'_>> {
        let arguments = self.arguments().ok()?;
        let [Segment::Key(key), rest @ ..] = path else { return arguments.walk(path) };
        self.fields.get_or_init(|| FieldIndex::of(arguments)).get(arguments, key)?.walk(rest)
    }

    /// Whether an assistant hook makes the call. All such calls share one id, so none repeats another.
    #[must_use]
    pub fn is_hook(&self) -> bool {
        &*self.id == HOOK_ID
    }

    /// Puts other arguments in place of those that came.
    pub(super) fn replace_arguments(&mut self, text: &str) {
        self.arguments = object_in(text);
        self.fields = OnceLock::new();
    }
}

/// The list to be read: the first of `lists` that is one with anything in it.
pub(super) fn best<'a>(lists: impl IntoIterator<Item = Option<Json<'a>>>) -> Option<Json<'a>> {
    lists.into_iter().flatten().find(|list| list.has_items())
}

/// Reads the [best](best) of `lists`, else the legacy `function_call`.
pub(super) fn read<'a>(
    lists: impl IntoIterator<Item = Option<Json<'a>>>,
    function_call: Option<Json<'a>>,
) -> Result<ToolCalls, EventError> {
    let list = best(lists);
    let calls = list.into_iter().flat_map(Json::items);
    let legacy = function_call.filter(|call| list.is_none() && !call.is_null());
    let calls: ToolCalls = calls
        .chain(legacy)
        .filter(|call| !call.is_null())
        .take(TOOL_CALLS_MAX + 1)
        .enumerate()
        .map(|(index, call)| read_one(index, call))
        .collect();
    if calls.len() > TOOL_CALLS_MAX {
        return Err(EventError::TooManyToolCalls { calls_max: TOOL_CALLS_MAX });
    }
    Ok(calls)
}

fn read_one(index: usize, item: Json<'_>) -> ToolCall {
    let outer = Parts::of(item);
    let call = outer.tool_call.map_or(outer, Parts::of);
    let function = call.function.map_or(call, Parts::of);
    // A wrapper describes the tool, and so its `parameters` are a schema.
    let described = outer.tool_call.map(|_| outer.function.map_or(outer, Parts::of));
    let name = [Some(function), Some(call), described].into_iter().flatten().find_map(|parts| parts.name?.as_str());
    let id: Arc<str> = call.id.and_then(Json::as_str).unwrap_or_default().into();
    let arguments = function.arguments.or(call.arguments).or(function.parameters).or(call.parameters);
    let arguments = match arguments {
        _ if item.kind() != JsonType::Object => Err("This tool call is not an object.".into()),
        None => Ok("{}".into()),
        Some(arguments) if &*id == HOOK_ID => read_arguments(arguments).map(hook_arguments),
        Some(arguments) => read_arguments(arguments),
    };
    ToolCall { id, name: name.unwrap_or_default().into(), index, arguments, fields: OnceLock::new() }
}

/// The fields of an object that can be part of a tool call; what is null is missing.
#[derive(Clone, Copy, Default)]
struct Parts<'a> {
    id: Option<Json<'a>>,
    name: Option<Json<'a>>,
    arguments: Option<Json<'a>>,
    parameters: Option<Json<'a>>,
    function: Option<Json<'a>>,
    tool_call: Option<Json<'a>>,
}

impl<'a> Parts<'a> {
    fn of(object: Json<'a>) -> Parts<'a> {
        let mut parts = Parts::default();
        for (key, value) in object.entries_as_written() {
            let part = match &*key {
                "id" => &mut parts.id,
                "name" => &mut parts.name,
                "arguments" => &mut parts.arguments,
                "parameters" => &mut parts.parameters,
                "function" => &mut parts.function,
                "toolCall" => &mut parts.tool_call,
                _ => continue,
            };
            // Of repeated fields the last one counts, a null too.
            *part = Some(value).filter(|value| !value.is_null());
        }
        parts
    }
}

fn read_arguments(arguments: Json<'_>) -> Result<Box<str>, Box<str>> {
    match arguments.as_str() {
        Some(text) => object_in(&text),
        None => object_of(arguments),
    }
}

/// The object that `text` spells; no text at all is how some models spell an empty one.
fn object_in(text: &str) -> Result<Box<str>, Box<str>> {
    if text.trim_ascii().is_empty() {
        return Ok("{}".into());
    }
    match Json::parse(text) {
        Ok(json) => object_of(json),
        Err(JsonError::TooDeep) => Err("The arguments of this tool call are nested too deep.".into()),
        Err(JsonError::Invalid { why, .. }) => Err(format!(
            "The arguments of this tool call are not complete, valid JSON ({why}). Call the tool again with all of its arguments."
        )
        .into()),
    }
}

fn object_of(arguments: Json<'_>) -> Result<Box<str>, Box<str>> {
    match arguments.kind() {
        JsonType::Object => Ok(arguments.raw().into()),
        JsonType::Null => Ok("{}".into()),
        _ => Err("The arguments of this tool call are not a JSON object. Call the tool again with an object.".into()),
    }
}

/// What a hook's arguments mean. They come as a schema, `{"properties": {"x": {"value": 1}}}`, and mean `{"x": 1}`.
fn hook_arguments(text: Box<str>) -> Box<str> {
    let Some(properties) = Json::of_checked(&text).get("properties").filter(|it| it.kind() == JsonType::Object) else {
        return text;
    };
    let values =
        properties.entries().map(|(key, property)| Some((key.into_owned(), property.get("value")?.to_value())));
    match values.collect::<Option<Map<_, _>>>() {
        Some(values) => Value::Object(values).to_string().into(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_list(list: &str) -> ToolCalls {
        read([Some(Json::parse(list).unwrap())], None).unwrap()
    }

    /// Reads one call and shows it as `id name arguments`.
    fn one(call: &str) -> String {
        let calls = read_list(&format!("[{call}]"));
        let [call] = calls.as_slice() else { panic!("one call") };
        let arguments = call.arguments().map_or_else(|why| format!("! {why}"), |json| json.raw().to_owned());
        format!("{} {} {arguments}", call.id, call.name)
    }

    #[test]
    fn every_shape_says_the_same() {
        for call in [
            r#"{"id":"c1","function":{"name":"book","arguments":{"n":2}}}"#,
            r#"{"id":"c1","function":{"name":"book","arguments":"{\"n\":2}"}}"#,
            r#"{"id":"c1","function":{"name":"book","parameters":{"n":2}}}"#,
            r#"{"id":"c1","function":{"name":"book","parameters":"{\"n\":2}","arguments":null}}"#,
            r#"{"id":"c1","name":"book","arguments":{"n":2}}"#,
            r#"{"id":"c1","name":"book","parameters":{"n":2}}"#,
            r#"{"id":"c1","name":"book","arguments":"{\"n\":2}","function":null}"#,
            r#"{"function":{"name":"book"},"toolCall":{"id":"c1","function":{"name":"book","parameters":{"n":2}}}}"#,
            r#"{"name":"book","parameters":{"type":"object"},"toolCall":{"id":"c1","parameters":{"n":2}}}"#,
            r#"{"function":{"name":"book","parameters":{"type":"object"}},"toolCall":{"id":"c1","arguments":{"n":2}}}"#,
        ] {
            assert_eq!(one(call), r#"c1 book {"n":2}"#, "{call}");
        }
    }

    #[test]
    fn missing_arguments_are_an_empty_object() {
        for arguments in
            ["", r#","arguments":null"#, r#","arguments":"""#, r#","arguments":"null""#, r#","arguments":{}"#]
        {
            assert_eq!(one(&format!(r#"{{"id":"c1","name":"hours"{arguments}}}"#)), "c1 hours {}", "{arguments}");
        }
        let wrapped = r#"{"name":"hours","parameters":{"type":"object"},"toolCall":{"id":"c1"}}"#;
        assert_eq!(one(wrapped), "c1 hours {}");
    }

    #[test]
    fn arguments_that_are_no_object_are_told_to_the_model() {
        let cut = one(r#"{"id":"c1","name":"book","arguments":"{\"day\": \"fri"}"#);
        assert_eq!(
            cut,
            "c1 book ! The arguments of this tool call are not complete, valid JSON (EOF while parsing a string). \
             Call the tool again with all of its arguments."
        );
        assert!(one(r#"{"id":"c1","name":"book","arguments":[1]}"#).contains("! The arguments"));
        assert!(one(r#"{"id":"c1","name":"book","arguments":"[1]"}"#).contains("not a JSON object"));
        let deep = "[".repeat(200);
        assert!(one(&format!(r#"{{"id":"c1","arguments":"{deep}{deep}"}}"#)).contains("nested too deep"));
    }

    #[test]
    fn one_bad_call_leaves_the_others_alone_and_none_is_dropped() {
        let calls = read_list(r#"[{"id":"a","name":"x","arguments":"{"},null,5,{"id":7},{"id":"b","name":"y"}]"#);
        let seen: Vec<_> = calls.iter().map(|call| (&*call.id, &*call.name, call.arguments().is_ok())).collect();
        assert_eq!(seen, [("a", "x", false), ("", "", false), ("", "", true), ("b", "y", true)]);
        assert_eq!(calls.iter().map(|call| call.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_hook_passes_values_in_the_shape_of_a_schema() {
        let call = r#"{"id":"hook-function-call","function":{"name":"report","arguments":
            {"type":"object","properties":{"why":{"value":"silence","type":"string"},"n":{"value":3}}}}}"#;
        assert_eq!(one(call), r#"hook-function-call report {"why":"silence","n":3}"#);
        let plain = r#"{"id":"hook-function-call","name":"report","arguments":{"properties":{"why":"silence"}}}"#;
        assert_eq!(one(plain), r#"hook-function-call report {"properties":{"why":"silence"}}"#);
    }

    #[test]
    fn the_best_list_is_read_and_the_legacy_call_only_without_any() {
        let list = |id: &str| format!(r#"[{{"id":"{id}"}}]"#);
        let (a, b, none) = (list("a"), list("b"), "[]".to_owned());
        let legacy = Json::parse(r#"{"name":"old","parameters":"{\"n\":1}"}"#).unwrap();
        let ids = |lists: [&str; 3]| {
            let calls = read(lists.map(|list| Some(Json::parse(list).unwrap())), Some(legacy)).unwrap();
            calls.iter().flat_map(|call| [&*call.id, &*call.name]).collect::<String>()
        };
        assert_eq!(ids([&a, &b, &b]), "a");
        assert_eq!(ids([&none, "null", &b]), "b");
        assert_eq!(ids([&none, "5", "{}"]), "old");
    }

    #[test]
    fn the_number_of_calls_is_bounded() {
        let list = |calls: usize| format!("[{}]", vec!["{}"; calls].join(","));
        assert_eq!(read_list(&list(TOOL_CALLS_MAX)).len(), TOOL_CALLS_MAX);
        let (list, none) = (list(TOOL_CALLS_MAX + 1), None);
        let refused = read([Some(Json::parse(&list).unwrap())], none);
        assert_eq!(refused, Err(EventError::TooManyToolCalls { calls_max: 128 }));
    }
}
