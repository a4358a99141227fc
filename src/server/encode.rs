//! Makes the HTTP response of a reply.
//!
//! What is kept for a tool call that may come again is what was sent: one piece of memory, whatever the reply was
//! made of, and nothing to be encoded twice.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response};

use crate::engine::reply::Reply;

/// Enough for the result of most tool calls, so that its buffer need not grow piece by piece.
const LIST_BYTES_USUAL: usize = 512;

/// A reply as it goes out. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    content_type: &'static str,
    text: Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Text {
    /// The whole body.
    Body(Bytes),
    /// Results of tool calls, with commas between them.
    Results(Arc<[u8]>),
}

impl Encoded {
    /// Encodes `reply`.
    #[must_use]
    pub fn of(reply: &Reply) -> Encoded {
        let text = match reply {
            Reply::Tools(results) => Text::Results(list(results, |result, list| {
                // A vector takes whatever is written to it, and every key of a result is text.
                let _ = serde_json::to_writer(list, result);
            })),
            Reply::Nothing => Text::Body(Bytes::from_static(b"{}")),
            reply => Text::Body(reply.to_bytes().into()),
        };
        Encoded { content_type: reply.content_type(), text }
    }

    /// The reply that holds the results of all these. Replies that hold none are left out, unless there is no other.
    #[must_use]
    pub fn join(replies: &[Encoded]) -> Encoded {
        let results = replies.iter().filter_map(|reply| match &reply.text {
            Text::Results(results) => Some(results),
            Text::Body(_) => None,
        });
        if results.clone().next().is_none()
            && let Some(first) = replies.first()
        {
            return first.clone();
        }
        let text = Text::Results(list(results, |results, list| list.extend_from_slice(results)));
        Encoded { text, ..Encoded::of(&Reply::Tools(Vec::new())) }
    }

    /// How many bytes it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.text {
            Text::Body(body) => body.len(),
            Text::Results(results) => results.len(),
        }
    }

    fn to_bytes(&self) -> Bytes {
        match &self.text {
            Text::Body(body) => body.clone(),
            Text::Results(results) => [&b"{\"results\":["[..], results, b"]}"].concat().into(),
        }
    }
}

/// What `add` appends for each of `items`, with commas between.
fn list<T>(items: impl IntoIterator<Item = T>, add: impl Fn(T, &mut Vec<u8>)) -> Arc<[u8]> {
    let mut list = Vec::with_capacity(LIST_BYTES_USUAL);
    for item in items {
        if !list.is_empty() {
            list.push(b',');
        }
        add(item, &mut list);
    }
    list.into()
}

/// The response that carries `reply`, with the header `more` if there is one. Vapi reads the body of a 200 only
/// (contract, section 4).
///
/// `spent` are the headers of the request, which nobody needs any more: their memory serves those of the response, and
/// after them, since hyper keeps it, those of the next request.
#[must_use]
pub fn reply(reply: &Encoded, more: Option<&(HeaderName, HeaderValue)>, spent: HeaderMap) -> Response<Full<Bytes>> {
    let mut headers = spent;
    headers.clear();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if let Some((name, value)) = more {
        headers.insert(name, value.clone());
    }
    let mut response = Response::new(Full::from(reply.to_bytes()));
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::reply::{Outcome, ToolResult};

    fn result(id: &str, outcome: Outcome) -> ToolResult {
        ToolResult { id: id.into(), name: "book".into(), answer: outcome.into() }
    }

    #[test]
    fn a_reply_goes_out_as_it_says() {
        let results = vec![result("a", Outcome::error("no \"room\"")), result("b", Outcome::result(json!(7)))];
        for reply in [
            Reply::Nothing,
            Reply::Json(json!({ "a": [1, "ü"] })),
            Reply::Audio(vec![1, 2]),
            Reply::Function(Outcome::error("x")),
            Reply::Tools(Vec::new()),
            Reply::Tools(results),
        ] {
            let encoded = Encoded::of(&reply);
            assert_eq!(encoded.to_bytes(), reply.to_bytes());
            assert_eq!(encoded.content_type, reply.content_type());
        }
    }

    #[test]
    fn results_of_several_calls_go_out_together() {
        let (a, b) = (result("a", Outcome::error("x")), result("b", Outcome::error("y")));
        let one = |result: &ToolResult| Encoded::of(&Reply::Tools(vec![result.clone()]));
        let nothing = Encoded::of(&Reply::Nothing);
        let all = Encoded::join(&[one(&a), nothing.clone(), one(&b)]);
        assert_eq!(all, Encoded::of(&Reply::Tools(vec![a, b])));
        assert_eq!(Encoded::join(std::slice::from_ref(&nothing)), nothing);
        assert_eq!(Encoded::join(&[]), Encoded::of(&Reply::Tools(Vec::new())));
    }
}
