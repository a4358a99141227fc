//! What went wrong in a script, in the words of this program: while it was read, or while it ran.

mod brackets;
mod foreign;
mod tokens;
pub(super) mod wording;

use std::collections::BTreeMap;

use rhai::{Dynamic, EvalAltResult, LexError, ParseError, ParseErrorType};

use super::host;
use super::limits::ScriptLimits;
use super::lines::{Lines, Origin};
use super::run::Stop;
use super::value::{self, Budget};
use crate::engine::diagnostic::{Diagnostic, Span};
use wording::lowered;

/// What is said of calls without end.
const TOO_DEEP: &str = "functions call each other too deeply";

/// What is said of a secret that was to become a text.
const SECRET_SAID: &str =
    "a secret cannot be put into a text like that; join it with `+`: `\"Bearer \" + secrets::get(\"crm\")`";

/// How a script ended that returned nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptFault {
    /// It said `throw`: the text, or another value as JSON.
    #[error("{0}")]
    Thrown(String),
    /// It failed, in the .rhai file or in the YAML around it.
    #[error("{message}")]
    Failed {
        /// What went wrong.
        message: String,
        /// Where.
        at: Span,
    },
    /// The time that the decision may take is over.
    #[error("the script ran out of time")]
    OutOfTime,
    /// Somebody else did not give the answer that is needed.
    #[error("{message}")]
    Unfetched {
        /// What went wrong.
        message: String,
        /// Where it is asked.
        at: Span,
        /// Whether it may pass: asked again, the same may be answered.
        is_passing: bool,
    },
    /// An answer is needed that is not there yet: no fault, the decision is made again with it.
    #[error("the script needs an answer that is not there yet")]
    Unanswered,
    /// The host's own limit of operations was reached: no fault, the decision is made again elsewhere.
    #[error("the script takes more operations than it may here")]
    Unfinished,
}

impl ScriptFault {
    /// Whether it may pass, since somebody else did not answer, or not in time.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            ScriptFault::Thrown(_) | ScriptFault::Failed { .. } => false,
            ScriptFault::Unfetched { is_passing, .. } => *is_passing,
            ScriptFault::OutOfTime | ScriptFault::Unanswered | ScriptFault::Unfinished => true,
        }
    }
}

/// Where scripts come from: the files by their paths, and the text that was evaluated.
pub(super) struct Origins<'a> {
    pub(super) files: &'a BTreeMap<String, Origin>,
    pub(super) text: &'a Origin,
}

/// Says how a script ended; `stop` is why it was told to, if it was.
pub(super) fn fault(
    error: EvalAltResult,
    stop: Option<Stop>,
    origins: &Origins<'_>,
    limits: &ScriptLimits,
) -> ScriptFault {
    let (error, file) = innermost(error);
    let position = error.position();
    // A position in a function that the text only calls would be one of another file.
    let origin = file.as_deref().and_then(|path| origins.files.get(path)).unwrap_or(origins.text);
    let at = origin.word(position);
    let failed = |message: String| ScriptFault::Failed { message, at };
    match stop {
        Some(Stop::OutOfTime) => ScriptFault::OutOfTime,
        Some(Stop::Unfinished) => ScriptFault::Unfinished,
        Some(Stop::Unanswered) => ScriptFault::Unanswered,
        Some(Stop::TooManyOperations) => {
            failed(format!("the script took more than {} operations", limits.operations_max))
        }
        Some(Stop::TooDeep) => failed(TOO_DEEP.into()),
        Some(Stop::SecretSaid) => failed(SECRET_SAID.into()),
        Some(Stop::TooLarge) => failed("the script's values became too large".into()),
        None => match error {
            EvalAltResult::ErrorRuntime(value, _) if !host::is_failure(&value) => ScriptFault::Thrown(thrown(&value)),
            EvalAltResult::ErrorTooManyOperations(_) => {
                failed(format!("the script took more than {} operations", limits.operations_max))
            }
            error => match host::unfetched_in(&error) {
                Some(is_passing) => ScriptFault::Unfetched { message: wording::message(error, limits), at, is_passing },
                None => failed(wording::message(error, limits)),
            },
        },
    }
}

fn thrown(value: &Dynamic) -> String {
    let budget = Budget { values: 1_000, bytes: 16 * 1024 };
    value::to_text(value, budget).unwrap_or_else(|why| format!("a thrown value cannot be shown: {why}"))
}

/// The error at the bottom, and the file of the function that it happened in.
fn innermost(mut error: EvalAltResult) -> (EvalAltResult, Option<String>) {
    let mut file = None;
    loop {
        match error {
            EvalAltResult::ErrorInFunctionCall(_, source, inner, _) => {
                file = Some(source).filter(|source| !source.is_empty()).or(file);
                error = *inner;
            }
            EvalAltResult::ErrorInModule(_, inner, _) => error = *inner,
            error => return (error, file),
        }
    }
}

/// A text that is not Rhai; `locate` says where its bytes stand.
pub(super) fn syntax(error: &ParseError, lines: &Lines, locate: &dyn Fn((usize, usize)) -> Span) -> Diagnostic {
    let ParseError(kind, position) = error;
    let told = |at, message: String, help: String| Diagnostic::error("script-syntax", locate(at), message).help(help);
    let tokens = tokens::tokens(lines.text());
    if let Some((at, message, help)) = foreign::explain(kind, &tokens, lines.offset(*position)) {
        return told(at, message, help);
    }
    if let Some(found) = brackets::unbalanced(lines.text(), &tokens).filter(|_| !is_of_its_own(kind)) {
        let diagnostic = told(found.at, found.message, found.help);
        return found.note.into_iter().fold(diagnostic, |one, (at, text)| one.note(locate(at), text));
    }
    let (message, help) = syntax_message(kind);
    // Rhai notices at the next statement, often lines below.
    let is_semicolon = matches!(&**kind, ParseErrorType::MissingToken(token, _) if token == ";");
    let place = if is_semicolon { lines.before(*position) } else { lines.word(*position) };
    let diagnostic = Diagnostic::error("script-syntax", locate(place), message);
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// Whether brackets that do not match have nothing to do with it, or follow from it.
fn is_of_its_own(kind: &ParseErrorType) -> bool {
    match kind {
        // Nobody knows what is inside of a text that does not end.
        ParseErrorType::BadInput(error) => !matches!(error, LexError::UnexpectedInput(_)),
        ParseErrorType::MissingToken(token, _) => token == "{",
        ParseErrorType::FnMissingBody(_) => true,
        _ => false,
    }
}

fn syntax_message(kind: &ParseErrorType) -> (String, Option<&'static str>) {
    match kind {
        ParseErrorType::UnexpectedEOF => ("the script ends too early".into(), None),
        ParseErrorType::MissingToken(token, _) if token == ";" => {
            ("`;` is missing behind this".into(), Some("each statement but the last ends in `;`"))
        }
        ParseErrorType::MissingToken(token, _) if token == "{" => (
            "`{` is missing before this".into(),
            Some("what belongs to `if`, `else`, `for` and the like stands between `{` and `}`"),
        ),
        ParseErrorType::MissingToken(token, why) => (format!("`{token}` is missing {why}").replace('\'', "`"), None),
        ParseErrorType::BadInput(LexError::UnterminatedString) => {
            ("a text is not closed".into(), Some("texts over several lines stand between backticks"))
        }
        ParseErrorType::BadInput(LexError::UnexpectedInput(what)) if what.is_empty() || what == "{EOF}" => {
            ("the expression ends too early".into(), None)
        }
        ParseErrorType::BadInput(LexError::UnexpectedInput(what)) => (format!("`{what}` cannot stand here"), None),
        ParseErrorType::BadInput(LexError::MalformedChar(_)) => {
            ("single quotes hold one character".into(), Some("texts stand between double quotes or backticks"))
        }
        ParseErrorType::Reserved(word) => {
            (format!("`{word}` is a word of the language and cannot be a name here"), None)
        }
        ParseErrorType::FnMissingBody(name) if !name.is_empty() => {
            (format!("what `{name}` does is missing"), Some("it stands between `{` and `}`, and there is no `:`"))
        }
        ParseErrorType::VariableExpected => (
            "a name is missing here".into(),
            Some("write `let name = …`, `for name in list { … }`, `for n in 0..3 { … }`"),
        ),
        ParseErrorType::FnMissingName => ("this cannot be the name of a function".into(), None),
        ParseErrorType::PropertyExpected => {
            ("the name of a field is missing".into(), Some("a name with other signs is written `[\"x-name\"]`"))
        }
        ParseErrorType::ExprTooDeep => ("this is nested too deeply".into(), Some("give parts of it names with `let`")),
        kind => (lowered(&kind.to_string()), None),
    }
}
