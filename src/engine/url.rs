//! What can be asked at all: the same is said of a URL when rules are loaded and when a request is sent.

use http::Uri;
use http::uri::{Authority, Scheme};

/// Why a URL cannot be asked, whomever it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It cannot be read.
    #[error("this is not an `http` or `https` URL with a host")]
    NotAUrl,
    /// It carries a user.
    #[error("a URL holds no user or password here; put credentials into a header")]
    User,
    /// Its path leads elsewhere than it seems to.
    #[error("a path with `.` or `..` in it leads elsewhere than it seems to")]
    Dots,
}

/// The URL that `written` stands for.
///
/// # Errors
/// Why it cannot be asked.
pub fn parse(written: &str) -> Result<Uri, UrlFault> {
    let url: Uri = written.trim().parse().map_err(|_| UrlFault::NotAUrl)?;
    let is_http = url.scheme() == Some(&Scheme::HTTPS) || url.scheme() == Some(&Scheme::HTTP);
    let has_host = url.host().is_some_and(|host| !host.is_empty());
    if !is_http || !has_host {
        return Err(UrlFault::NotAUrl);
    }
    if url.authority().map(Authority::as_str).is_some_and(|authority| authority.contains('@')) {
        return Err(UrlFault::User);
    }
    // What follows the last colon is a port, unless it belongs to an IPv6 address.
    let after = url.authority().and_then(|authority| authority.as_str().rsplit_once(':')).map(|(_, after)| after);
    if after.is_some_and(|after| !after.ends_with(']')) && url.port_u16().is_none() {
        return Err(UrlFault::NotAUrl);
    }
    if url.path().split('/').any(is_dots) {
        return Err(UrlFault::Dots);
    }
    Ok(url)
}

/// Whether a segment of a path leads elsewhere, however it is written (WHATWG URL, section 4.4).
fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}
