//! What Vapi's REST API says of an organisation: the answers of `GET /assistant`, `/tool` and `/phone-number`, as saved.
//!
//! A file holds one object, a list of them, or lists below names of their own. What an object is shows in its fields, so
//! that it does not matter which file is which. Secrets and credentials are never read.

use indexmap::IndexMap;
use serde_json::{Map, Value};

/// How deep lists may lie within each other.
const DEPTH_MAX: usize = 8;

/// An organisation, as far as server URLs have to do with it.
#[derive(Debug, Default)]
pub struct Export {
    /// Names of assistants by their ids.
    pub assistants: IndexMap<String, String>,
    /// Tools that a server answers, by their names.
    pub tools: IndexMap<String, Tool>,
    /// Telephone numbers and SIP addresses, by their ids.
    pub numbers: IndexMap<String, Number>,
    /// What was left out, and why, for people.
    pub remarks: Vec<String>,
}

/// A tool that a server answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tool {
    /// What it is for, in words for the model.
    pub description: Option<String>,
    /// The JSON Schema of its arguments.
    pub parameters: Option<Value>,
    /// How many seconds Vapi waits for its answer, if that is said.
    pub timeout: Option<f64>,
}

/// A number that can be called.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// What it is called, if anything, or its SIP address.
    pub name: Option<String>,
    /// The number itself, if it has one.
    pub number: Option<String>,
    /// Who answers.
    pub answered_by: AnsweredBy,
}

/// Who answers a number.
#[derive(Debug, Clone, PartialEq)]
pub enum AnsweredBy {
    /// The assistant with this id.
    Assistant(String),
    /// The squad with this id.
    Squad(String),
    /// Whoever the server names: Vapi sends an `assistant-request`.
    Server,
}

impl Export {
    /// Adds what a file of this name says.
    pub fn add(&mut self, file: &str, value: &Value) {
        let before = (self.assistants.len(), self.tools.len(), self.numbers.len(), self.remarks.len());
        self.walk(file, value, DEPTH_MAX);
        if before == (self.assistants.len(), self.tools.len(), self.numbers.len(), self.remarks.len()) {
            self.remarks.push(format!("`{file}` holds no assistant, no tool and no phone number"));
        }
    }

    fn walk(&mut self, file: &str, value: &Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(file, item, depth)),
            Value::Object(fields) => self.object(file, fields, depth),
            _ => {}
        }
    }

    fn object(&mut self, file: &str, fields: &Map<String, Value>, depth: usize) {
        let has = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
        if has("function") || has("type") {
            self.tool(fields);
        } else if has("model") || has("voice") || has("transcriber") {
            self.assistant(file, fields, depth);
        } else if has("provider") && (has("number") || has("sipUri") || has("id")) {
            self.number(fields);
        } else {
            // Lists below names of their own.
            fields.values().filter(|value| value.is_array()).for_each(|value| self.walk(file, value, depth));
        }
    }

    fn assistant(&mut self, file: &str, fields: &Map<String, Value>, depth: usize) {
        if let Some(id) = text(fields, "id") {
            let name = text(fields, "name").unwrap_or_else(|| "assistant".to_owned());
            self.assistants.insert(id, name);
        }
        let model = fields.get("model").and_then(Value::as_object);
        if let Some(tools) = model.and_then(|model| model.get("tools")) {
            self.walk(file, tools, depth);
        }
        // The form before tools.
        let functions = model.and_then(|model| model.get("functions")).and_then(Value::as_array);
        functions.into_iter().flatten().filter_map(Value::as_object).for_each(|function| self.function(function, None));
    }

    fn tool(&mut self, fields: &Map<String, Value>) {
        let kind = text(fields, "type").unwrap_or_else(|| "function".to_owned());
        let function = fields.get("function").and_then(Value::as_object);
        match function.filter(|_| kind == "function") {
            Some(function) => {
                let timeout = fields.get("server").and_then(|server| server.get("timeoutSeconds"));
                self.function(function, timeout.and_then(Value::as_f64));
            }
            None => self.not_ours(fields, &kind),
        }
    }

    /// A tool that Vapi carries out itself.
    fn not_ours(&mut self, fields: &Map<String, Value>, kind: &str) {
        let name = text(fields, "name").or_else(|| text(fields.get("function")?.as_object()?, "name"));
        let name = name.map(|name| format!(" `{name}`")).unwrap_or_default();
        let asks =
            kind == "transferCall" && fields.get("destinations").is_none_or(|to| to == &Value::Array(Vec::new()));
        let remark = if asks {
            format!("the tool{name} asks for its destination: write a rule for `transfer-destination-request`")
        } else {
            format!("a tool{name} of type `{kind}` was left out: Vapi carries it out itself")
        };
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn function(&mut self, function: &Map<String, Value>, timeout: Option<f64>) {
        let Some(name) = text(function, "name") else {
            return self.remarks.push("a tool without a name was left out".to_owned());
        };
        let parameters = function.get("parameters").filter(|it| it.is_object()).cloned();
        let tool = Tool { description: text(function, "description"), parameters, timeout };
        match self.tools.get(&name) {
            Some(known) if known.parameters != tool.parameters => self.remarks.push(format!(
                "there are several tools called `{name}` that take different arguments; the first one was taken"
            )),
            Some(_) => {}
            None => drop(self.tools.insert(name, tool)),
        }
    }

    fn number(&mut self, fields: &Map<String, Value>) {
        let Some(id) = text(fields, "id") else {
            return self.remarks.push("a phone number without an `id` was left out".to_owned());
        };
        let answered_by = match (text(fields, "assistantId"), text(fields, "squadId")) {
            (Some(assistant), _) => AnsweredBy::Assistant(assistant),
            (None, Some(squad)) => AnsweredBy::Squad(squad),
            (None, None) => AnsweredBy::Server,
        };
        let name = text(fields, "name").or_else(|| text(fields, "sipUri"));
        let number = Number { name, number: text(fields, "number"), answered_by };
        self.numbers.insert(id, number);
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Export {
        let mut export = Export::default();
        export.add("export.json", value);
        export
    }

    #[test]
    fn what_an_object_is_shows_in_its_fields() {
        let book = json!({ "id": "t1", "type": "function", "function": { "name": "book" }, "server": { "timeoutSeconds": 5 } });
        let desk = json!({ "id": "a1", "name": "Desk", "voice": {}, "model": { "tools": [{ "type": "function", "function": { "name": "find" } }] } });
        let line = json!({ "id": "n1", "provider": "twilio", "number": "+15550100", "assistantId": "a1" });
        let mixed = json!({ "assistants": [desk], "rest": { "results": [] }, "tools": [book], "phoneNumbers": [line] });
        let export = read(&mixed);
        assert_eq!(export.tools.keys().collect::<Vec<_>>(), ["find", "book"]);
        assert_eq!(export.tools.get("book").unwrap().timeout, Some(5.0));
        assert_eq!(export.assistants.get("a1").map(String::as_str), Some("Desk"));
        assert_eq!(export.numbers.get("n1").unwrap().answered_by, AnsweredBy::Assistant("a1".to_owned()));
        assert!(export.remarks.is_empty(), "{:?}", export.remarks);
    }

    #[test]
    fn what_is_left_out_is_said() {
        let export = read(&json!([
            { "type": "endCall" },
            { "type": "transferCall", "destinations": [] },
            { "type": "function", "function": {} },
            { "type": "function", "function": { "name": "a", "parameters": { "type": "object" } } },
            { "type": "function", "function": { "name": "a" } },
            { "provider": "vapi", "sipUri": "sip:a@sip.vapi.ai" },
        ]));
        assert_eq!(export.tools.len(), 1);
        assert_eq!(export.remarks.len(), 5, "{:#?}", export.remarks);
        assert_eq!(read(&json!("x")).remarks, ["`export.json` holds no assistant, no tool and no phone number"]);
    }
}
