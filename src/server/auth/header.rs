//! Headers that carry credentials: exactly one, and not empty.

use hyper::HeaderMap;
use hyper::header::HeaderName;

use super::{InvalidCredential, Reason};

/// The header called `name`, which the settings give under `field`.
pub(super) fn parse(field: &'static str, name: &str) -> Result<HeaderName, InvalidCredential> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| InvalidCredential::header_name(field, name))
}

/// The value of the header called `name`.
///
/// A repeated one is refused: with two values, what is checked here may not be what somebody else believes.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a [u8], Reason> {
    let header = || name.to_string();
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| Reason::Missing { header: header() })?;
    if values.next().is_some() {
        return Err(Reason::Repeated { header: header() });
    }
    match value.as_bytes().trim_ascii() {
        [] => Err(Reason::Empty { header: header() }),
        _ => Ok(value.as_bytes()),
    }
}
