//! JSON text in which values are found when asked for.

use std::borrow::Cow;

use serde_json::Value;

use super::path::Segment;

/// A value of a JSON document, as its text: nothing is made of it before somebody asks.
///
/// The text is one whole, valid JSON value without white space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

/// A value as a rule sees it: found in the body, or made by the rule set.
///
/// JSON's `null` is [`Val::Absent`] too: half of Vapi's fields come as nulls.
#[derive(Debug, Clone)]
pub enum Val<'a> {
    /// There is nothing there.
    Absent,
    /// Text of the body.
    Json(Json<'a>),
    /// A value made by the rule set, a script or the settings.
    Value(Cow<'a, Value>),
}
