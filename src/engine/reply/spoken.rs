//! Words to be spoken inside a reply: custom messages and the messages of tools.

use super::form::{Field, Form, Object, TEXT, Union, number, text};

/// What is spoken goes up to here (contract, section 4, "tool-calls").
pub(super) const CONTENT_CHARS_MAX: usize = 1000;

/// The language codes of ISO 639-1 and Cantonese, as Vapi's `contents` take them.
#[rustfmt::skip]
pub(super) const LANGUAGES: &[&str] = &[
    "aa", "ab", "ae", "af", "ak", "am", "an", "ar", "as", "av", "ay", "az", "ba", "be", "bg", "bh", "bi", "bm",
    "bn", "bo", "br", "bs", "ca", "ce", "ch", "co", "cr", "cs", "cu", "cv", "cy", "da", "de", "dv", "dz", "ee",
    "el", "en", "eo", "es", "et", "eu", "fa", "ff", "fi", "fj", "fo", "fr", "fy", "ga", "gd", "gl", "gn", "gu",
    "gv", "ha", "he", "hi", "ho", "hr", "ht", "hu", "hy", "hz", "ia", "id", "ie", "ig", "ii", "ik", "io", "is",
    "it", "iu", "ja", "jv", "ka", "kg", "ki", "kj", "kk", "kl", "km", "kn", "ko", "kr", "ks", "ku", "kv", "kw",
    "ky", "la", "lb", "lg", "li", "ln", "lo", "lt", "lu", "lv", "mg", "mh", "mi", "mk", "ml", "mn", "mr", "ms",
    "mt", "my", "na", "nb", "nd", "ne", "ng", "nl", "nn", "no", "nr", "nv", "ny", "oc", "oj", "om", "or", "os",
    "pa", "pi", "pl", "ps", "pt", "qu", "rm", "rn", "ro", "ru", "rw", "sa", "sc", "sd", "se", "sg", "si", "sk",
    "sl", "sm", "sn", "so", "sq", "sr", "ss", "st", "su", "sv", "sw", "ta", "te", "tg", "th", "ti", "tk", "tl",
    "tn", "to", "tr", "ts", "tt", "tw", "ty", "ug", "uk", "ur", "uz", "ve", "vi", "vo", "wa", "wo", "xh", "yi",
    "yo", "yue", "za", "zh", "zu",
];

const CONTENT: Field = ("content", text(0, CONTENT_CHARS_MAX));
const CONTENTS: Field = ("contents", Form::List(&Form::Tagged(&TEXT_CONTENT)));
const CONDITIONS: Field = ("conditions", Form::List(&Form::Object(&CONDITION)));
const ROLE: Field = ("role", Form::Words(&["assistant", "system"]));
const END_CALL: Field = ("endCallAfterSpokenEnabled", Form::Bool);

static TEXT_CONTENT: Union = Union {
    variants: &[&Object { tag: "text", required: &[("text", TEXT), ("language", Form::Language)], ..Object::OPEN }],
    untyped: None,
    help: "write `{ type: text, text: …, language: en }`",
};

static CONDITION: Object = Object {
    required: &[
        ("operator", Form::Words(&["eq", "neq", "gt", "gte", "lt", "lte"])),
        ("param", text(0, 1000)),
        ("value", text(0, 1000)),
    ],
    ..Object::OPEN
};

/// What is said as a call is passed on: a sentence (an empty one is silence), or one in several languages.
pub(super) const SENTENCE: Form = Form::TextOr { max: usize::MAX, other: &Form::Tagged(&CUSTOM_MESSAGE) };

/// A message of type `custom-message`.
pub(super) static CUSTOM_MESSAGE: Union = Union {
    variants: &[&Object { tag: "custom-message", optional: &[CONTENT, CONTENTS], ..Object::OPEN }],
    untyped: None,
    help: "write `{ type: custom-message, content: … }`",
};

static START: Object = Object {
    tag: "request-start",
    optional: &[CONTENT, CONTENTS, CONDITIONS, ("blocking", Form::Bool)],
    ..Object::OPEN
};
static COMPLETE: Object = Object { tag: "request-complete", optional: AFTERWARDS, ..Object::OPEN };
static FAILED: Object = Object { tag: "request-failed", optional: AFTERWARDS, ..Object::OPEN };
const AFTERWARDS: &[Field] = &[CONTENT, CONTENTS, CONDITIONS, ROLE, END_CALL];
static DELAYED: Object = Object {
    tag: "request-response-delayed",
    optional: &[CONTENT, CONTENTS, CONDITIONS, ("timingMilliseconds", number(100.0, 120_000.0))],
    ..Object::OPEN
};

const RESULT_MESSAGE_HELP: &str = "write the sentence alone, or `{ type: request-complete, content: … }`";

/// Any message of a tool, as the reply to a transfer request may hold one.
pub(super) static TOOL_MESSAGE: Union = Union {
    variants: &[&START, &COMPLETE, &FAILED, &DELAYED],
    untyped: None,
    help: "write `{ type: request-start, content: … }`",
};

/// What is said with a tool's result, as Vapi takes it.
pub(super) static RESULT_MESSAGE: Union =
    Union { variants: &[&COMPLETE, &FAILED], untyped: None, help: RESULT_MESSAGE_HELP };

/// What is said with a tool's result, as authors may write it: the type follows from the outcome.
pub(super) const WRITTEN_RESULT_MESSAGE: Form = Form::TextOr {
    max: CONTENT_CHARS_MAX,
    other: &Form::Tagged(&Union {
        variants: &[&COMPLETE, &FAILED],
        untyped: Some(&COMPLETE),
        help: RESULT_MESSAGE_HELP,
    }),
};
