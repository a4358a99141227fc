//! What Rhai says of a failure, in the words of JSON: an author knows numbers, texts and lists, and has never heard of
//! an `i64` or an `ImmutableString`.

use rhai::{EvalAltResult, INT};

use crate::engine::script::limits::ScriptLimits;

/// What went wrong while a script ran.
pub(super) fn message(mut error: EvalAltResult, limits: &ScriptLimits) -> String {
    match &error {
        EvalAltResult::ErrorRuntime(why, _) => why.to_string(),
        EvalAltResult::ErrorFunctionNotFound(call, _) => no_function(call),
        EvalAltResult::ErrorVariableNotFound(name, _) => format!("nothing is called `{name}` here"),
        EvalAltResult::ErrorMismatchDataType(expected, found, _)
        | EvalAltResult::ErrorMismatchOutputType(expected, found, _) => mismatch(expected, found),
        EvalAltResult::ErrorDotExpr(why, _) => no_field(why),
        EvalAltResult::ErrorIndexingType(place, _) => {
            let indexed = place.split(" [").next().unwrap_or(place);
            format!("{} has no fields or items", what(indexed))
        }
        EvalAltResult::ErrorFor(_) => {
            "`for` goes through lists and ranges; an object has its `keys()` and `values()`".into()
        }
        EvalAltResult::ErrorDataRace(..) => "a closure uses a value that is being worked on: a list that is gone \
             through needs a name of its own, and in a function of an object the object is `this`"
            .into(),
        EvalAltResult::ErrorStringBounds(length, index, _) => out_of("text", "characters", *length, *index),
        EvalAltResult::ErrorArrayBounds(length, index, _) => out_of("list", "items", *length, *index),
        EvalAltResult::ErrorArithmetic(why, _) => arithmetic(why),
        EvalAltResult::ErrorDataTooLarge(which, _) => too_large(which, limits),
        EvalAltResult::ErrorAssignmentToConstant(..) => "this cannot be assigned to".into(),
        EvalAltResult::ErrorStackOverflow(_) => super::TOO_DEEP.into(),
        EvalAltResult::ErrorTooManyVariables(_) => "too many variables at one time".into(),
        _ => {
            let _ = error.take_position();
            lowered(&error.to_string())
        }
    }
}

fn mismatch(expected: &str, found: &str) -> String {
    match (expected, found) {
        ("i64", "f64") => "expected a whole number, found one with a fraction".into(),
        _ => format!("expected {}, found {}", what(expected), what(found)),
    }
}

/// A value of the type that Rhai calls so.
pub(in crate::engine::script) fn what(type_name: &str) -> &str {
    match type_name {
        "()" => "nothing",
        "bool" => "true or false",
        "i64" | "f64" => "a number",
        "array" => "a list",
        "map" => "an object",
        "Fn" => "a function",
        "blob" => "bytes",
        name if name == "string" || name == "char" || name.contains("String") || name.contains("str") => "text",
        name if name.contains("range") || name.contains("Range") => "a range",
        name if name == "secret" || name.ends_with("SecretText") => "a secret",
        name if name == "answer" || name.ends_with("Answer") => "an answer, which has `json`, `text` and `status`,",
        _ => "a value of another kind",
    }
}

/// `signature` is a name and the types of the arguments, or else a sentence about sorting.
fn no_function(signature: &str) -> String {
    let taken_apart = signature.strip_suffix(')').and_then(|call| call.split_once(" ("));
    let Some((name, types)) = taken_apart else {
        let items = signature.strip_prefix("elements of ").and_then(|rest| rest.strip_suffix(" cannot be sorted"));
        return match items {
            Some("different types") => "items of different kinds cannot be sorted".into(),
            Some(items) => format!("items cannot be sorted where each is {}", what(items)),
            None => lowered(signature),
        };
    };
    let name = if name.contains('$') { "the closure".into() } else { format!("`{name}`") };
    let arguments: Vec<&str> = types.split(", ").filter(|name| !name.is_empty()).map(what).collect();
    match arguments.split_last() {
        None => format!("{name} cannot be called without an argument"),
        Some((only, [])) => format!("{name} does not work on {only}"),
        Some((last, others)) => format!("{name} does not work on {} and {last}", others.join(", ")),
    }
}

/// Of a property that cannot be read or written; Rhai names the property and the type of the value in front of it.
fn no_field(why: &str) -> String {
    let mut quoted = why.split('\'').skip(1).step_by(2);
    match (quoted.next(), quoted.next()) {
        (Some(field), Some("()")) => format!("`{field}` cannot be set on what is absent"),
        (Some(field), Some(of)) => format!("{} has no field `{field}`", what(of)),
        _ => lowered(why),
    }
}

fn out_of(place: &str, parts: &str, length: usize, index: INT) -> String {
    format!("{index} is no place in a {place} of {length} {parts}")
}

/// Of texts that are no numbers, of numbers that are too large, and of division by zero. Texts are not shown: they may
/// be what a caller has said.
fn arithmetic(why: &str) -> String {
    if why.starts_with("Error parsing integer number") && why.ends_with("to fit in target type") {
        "this text is too large a number".into()
    } else if why.starts_with("Error parsing integer number") {
        "this text is not a whole number".into()
    } else if why.starts_with("Error parsing floating-point number") {
        "this text is not a number".into()
    } else {
        lowered(why)
    }
}

fn too_large(which: &str, limits: &ScriptLimits) -> String {
    if which.contains("string") {
        format!("a text became longer than {} bytes", limits.string_bytes_max)
    } else if which.contains("array") {
        format!("a list became longer than {} items", limits.list_items_max)
    } else {
        format!("an object became larger than {} entries", limits.map_entries_max)
    }
}

/// Rhai's sentence as ours begin.
pub(super) fn lowered(text: &str) -> String {
    let text = text.lines().next().unwrap_or(text);
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(characters).collect::<String>().replace('\'', "`")
}
