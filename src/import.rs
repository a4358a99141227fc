//! A start from what there is: rules, declared tools and tests, made of what Vapi's REST API says of an organisation.
//!
//! Pure: what files hold goes in, files come out. Each tool gets a rule that answers it, and each number one that names who
//! picks up, so that everything that can come is answered from the beginning, and people fill in the rest.

mod arguments;
mod compare;
mod export;
mod yaml;

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

pub use self::compare::differences;
pub use self::export::{AnsweredBy, Export, Number, Tool};

/// How long after the deadline that Vapi keeps a rule may not answer any more, in seconds (contract, section 4).
const SPARE_SECS: f64 = 2.0;

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path in the project.
    pub path: &'static str,
    /// What it says.
    pub text: String,
}

/// The files of a project that answers for this organisation; none about what it does not have.
#[must_use]
pub fn project(export: &Export) -> Vec<File> {
    let mut files = Vec::new();
    if !export.numbers.is_empty() {
        let numbers = Numbers::of(export);
        files.push(File { path: "rules/numbers.yaml", text: numbers.rules() });
        files.push(File { path: "rules/numbers.test.yaml", text: numbers.tests() });
    }
    if !export.tools.is_empty() {
        files.push(File { path: "rules/tools.yaml", text: rules_of_tools(export) });
        files.push(File { path: "rules/tools.test.yaml", text: tests_of_tools(export) });
    }
    files
}

/// The numbers with the names of their rules, and the assistants with the names of their `vars`.
struct Numbers<'a> {
    numbers: Vec<(String, &'a str, &'a Number)>,
    assistants: Vec<(String, &'a str, &'a str)>,
}

impl<'a> Numbers<'a> {
    fn of(export: &'a Export) -> Numbers<'a> {
        let mut taken = HashSet::new();
        let numbers = export.numbers.iter().map(|(id, number)| {
            let name = number.name.as_deref().or(number.number.as_deref()).unwrap_or(id);
            (unique(&format!("number-{}", slug(name, '-')), '-', &mut taken), id.as_str(), number)
        });
        let numbers = numbers.collect();
        let mut taken = HashSet::new();
        let assistants = export.assistants.iter().map(|(id, name)| {
            let plain = slug(name, '_');
            let begun =
                if plain.starts_with(|c: char| c.is_ascii_alphabetic()) { plain } else { format!("assistant_{plain}") };
            (unique(&begun, '_', &mut taken), id.as_str(), name.as_str())
        });
        Numbers { numbers, assistants: assistants.collect() }
    }

    fn rules(&self) -> String {
        let mut text =
            "# Who picks up. Vapi asks for a number that has neither an assistant nor a squad of its own: take them\n\
                        # out there, and these rules decide.\n"
                .to_owned();
        if !self.assistants.is_empty() {
            text += "vars:\n";
            for (var, id, name) in &self.assistants {
                let _ = writeln!(text, "  {var}: {:<40} # {}", yaml::text(id), one_line(name));
            }
            text.push('\n');
        }
        text += "rules:\n";
        let rules = self.numbers.iter().map(|(name, id, number)| {
            let said = number.number.as_deref().or(number.name.as_deref()).unwrap_or("a number without a name");
            let (path, value) = told_by(id, number);
            let reply = self.reply(&number.answered_by);
            format!(
                "  - name: {name}\n    description: {}\n    on: assistant-request\n    when: {{ {path}: {} }}\n    respond: {reply}\n",
                yaml::text(&one_line(said)),
                yaml::text(value),
            )
        });
        text + &rules.collect::<Vec<_>>().join("\n")
    }

    fn reply(&self, answered_by: &AnsweredBy) -> String {
        match answered_by {
            AnsweredBy::Assistant(id) => match self.assistants.iter().find(|(_, known, _)| known == id) {
                Some((var, ..)) => format!("{{ assistantId: \"${{vars.{var}}}\" }}"),
                None => format!("{{ assistantId: {} }}", yaml::text(id)),
            },
            AnsweredBy::Squad(id) => format!("{{ squadId: {} }}", yaml::text(id)),
            AnsweredBy::Server => "{ error: This number is not answered yet. }".to_owned(),
        }
    }

    fn tests(&self) -> String {
        let tests = self.numbers.iter().map(|(name, id, number)| {
            let (path, value) = told_by(id, number);
            let reply = match &number.answered_by {
                AnsweredBy::Assistant(id) => format!(", respond: {{ assistantId: {} }}", yaml::text(id)),
                AnsweredBy::Squad(id) => format!(", respond: {{ squadId: {} }}", yaml::text(id)),
                AnsweredBy::Server => String::new(),
            };
            format!(
                "  - name: {name}\n    event: assistant-request\n    set: {{ {path}: {} }}\n    expect: {{ rule: {name}{reply} }}\n",
                yaml::text(value),
            )
        });
        format!("tests:\n{}", tests.collect::<Vec<_>>().join("\n"))
    }
}

/// The field by which an event tells that it is about this number, and its value.
fn told_by<'a>(id: &'a str, number: &'a Number) -> (&'static str, &'a str) {
    number.number.as_deref().map_or(("phoneNumber.id", id), |number| ("phoneNumber.number", number))
}

fn rules_of_tools(export: &Export) -> String {
    let mut text =
        "# What the model may call. Arguments that do not fit go back to it, with what to mend.\ntools:\n".to_owned();
    for (name, tool) in &export.tools {
        let fields =
            [("description", tool.description.clone().map(Value::from)), ("parameters", tool.parameters.clone())];
        let fields: Vec<String> =
            fields.into_iter().filter_map(|(key, value)| Some(yaml::entry(key, &value?, 4))).collect();
        let below = if fields.is_empty() { " {}".to_owned() } else { format!("\n{}", fields.join("\n")) };
        let _ = writeln!(text, "  {}:{below}", yaml::text(name));
    }
    text += "\n# One rule for each. Write what it is answered with, in place of the error: a text with `${args.…}`, or\n\
             # `run: module::function`.\nrules:\n";
    let rules = export.tools.iter().map(|(name, tool)| {
        let hurry = tool.timeout.map_or_else(String::new, |secs| {
            format!(
                "    # Vapi waits {secs} s for it, so that there are {} s to answer.\n",
                (secs - SPARE_SECS).max(0.0)
            )
        });
        let name = yaml::text(name);
        format!("  - name: {name}\n    tool: {name}\n{hurry}    respond: {{ error: {} }}\n", yaml::text(NOT_YET))
    });
    text + &rules.collect::<Vec<_>>().join("\n")
}

/// What a model is told of a tool that nobody has written yet.
const NOT_YET: &str = "This cannot be done yet. Apologize, and offer to take a message.";

fn tests_of_tools(export: &Export) -> String {
    let tests = export.tools.iter().map(|(raw, tool)| {
        let name = yaml::text(raw);
        let called = yaml::text(&format!("{raw} is answered"));
        let arguments = tool.parameters.as_ref().map_or(Some(json!({})), arguments::for_schema);
        match arguments {
            Some(arguments) => {
                let set = json!({ "tool": raw, "args": arguments });
                format!(
                    "  - name: {called}\n    event: tool-calls\n{}\n    expect: {{ rule: {name} }}\n",
                    yaml::entry("set", &set, 4)
                )
            }
            None => format!(
                "  # Which arguments `{}` takes could not be guessed: give it some that fit, and remove the `#`.\n  \
                 # - name: {called}\n  #   event: tool-calls\n  #   set: {{ tool: {name}, args: {{}} }}\n  \
                 #   expect: {{ rule: {name} }}\n",
                one_line(raw)
            ),
        }
    });
    let tests: Vec<String> = tests.collect();
    let none = if tests.iter().all(|test| test.starts_with("  #")) { " []" } else { "" };
    format!("tests:{none}\n{}", tests.join("\n"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name made of what is written: letters and digits in lower case, and `joint` for all between them.
fn slug(text: &str, joint: char) -> String {
    let lower = text.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&joint.to_string())
}

/// The name, with a number behind it if it is taken.
fn unique(name: &str, joint: char, taken: &mut HashSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 2;
    while !taken.insert(free.clone()) {
        free = format!("{name}{joint}{number}");
        number += 1;
    }
    free
}
