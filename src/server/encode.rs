//! Makes the HTTP response of a reply.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use crate::engine::reply::Reply;

/// The response that carries `reply`. Vapi reads the body of a 200 only (contract, section 4).
#[must_use]
pub fn reply(reply: &Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(reply.to_bytes()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type()));
    response
}
