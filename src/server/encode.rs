//! Makes the HTTP response of a reply.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use crate::engine::reply::Reply;

/// The response that carries `reply`, with the header `more` if there is one. Vapi reads the body of a 200 only
/// (contract, section 4).
#[must_use]
pub fn reply(reply: &Reply, more: Option<&(HeaderName, HeaderValue)>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(reply.to_bytes()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type()));
    if let Some((name, value)) = more {
        response.headers_mut().insert(name, value.clone());
    }
    response
}
