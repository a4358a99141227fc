//! Redirects: where a request that only reads is sent on to, and what it takes along.
//!
//! Whoever answers with a redirect says where the next request leads, so that each step is looked at as the first one was.
//! No error tells what a `Location` held, but for an address that is refused: it may repeat a secret that the request
//! brought. If where it began is a secret, that address is not told either.

use std::fmt::Write as _;

use bytes::Bytes;
use fluent_uri::{Uri as Absolute, UriRef};
use http_body_util::Full;
use hyper::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, PROXY_AUTHORIZATION, USER_AGENT,
};
use hyper::http::uri::Scheme;
use hyper::{Method, Request as HttpRequest, StatusCode, Uri};

use super::aim::{Aims, NO_HOST};
use super::{AGENT, ClientError, Request};

/// What is for one address alone, besides whatever holds a secret.
const FOR_ONE_ADDRESS: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

/// Why a redirect led to no answer.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` redirects {why}")]
pub struct RedirectError {
    /// Whom the request was for at first.
    pub host: String,
    /// What is wrong with where it leads.
    pub why: Astray,
}

impl RedirectError {
    /// The same without the host, and without the addresses of where it leads.
    pub(super) fn without_host(self) -> RedirectError {
        let why = match self.why {
            Astray::There(error) => Astray::There(Box::new(error.without_host())),
            other @ (Astray::TooOften { .. } | Astray::NotAUrl | Astray::Plain) => other,
        };
        RedirectError { host: NO_HOST.to_owned(), why }
    }
}

/// What is wrong with where a redirect leads.
#[derive(Debug, thiserror::Error)]
pub enum Astray {
    /// There is one after the other.
    #[error("more than {redirects_max} times")]
    TooOften {
        /// The limit.
        redirects_max: usize,
    },
    /// It cannot be read.
    #[error("to what is no URL")]
    NotAUrl,
    /// It gives up TLS.
    #[error("from https to http, where others could read along")]
    Plain,
    /// What was met there, with the name of the host left out.
    #[error("elsewhere: {0}")]
    There(#[source] Box<ClientError>),
}

/// A request on its way from one address to the next.
pub(super) struct Journey {
    request: Request,
    /// Where it is.
    url: Uri,
    /// Where it began.
    host: String,
    followed: usize,
}

impl Journey {
    /// One that begins at `url`.
    pub(super) fn new(mut request: Request, url: Uri) -> Journey {
        request.headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        Journey { request, host: url.host().unwrap_or_default().to_owned(), url, followed: 0 }
    }

    /// What is sent now.
    pub(super) fn request(&self) -> HttpRequest<Full<Bytes>> {
        let mut http = HttpRequest::new(Full::new(self.request.body.clone()));
        *http.method_mut() = self.request.method.clone();
        *http.uri_mut() = self.url.clone();
        *http.headers_mut() = self.request.headers.clone();
        http
    }

    /// Goes where the response leads, if it is a redirect that may be followed; `false` if it is the answer.
    pub(super) fn goes_on(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        aims: &Aims,
        redirects_max: usize,
    ) -> Result<bool, RedirectError> {
        let Some(location) = headers.get(LOCATION).filter(|_| self.may_follow(status) && redirects_max != 0) else {
            return Ok(false);
        };
        if redirects_max <= self.followed {
            return Err(self.astray(Astray::TooOften { redirects_max }));
        }
        let next = self.next(location, aims).map_err(|why| self.astray(why))?;
        if origin(&next) != origin(&self.url) {
            self.leave_behind();
        }
        self.url = next;
        self.followed += 1;
        Ok(true)
    }

    /// An error as it is told: where a redirect led is not.
    pub(super) fn met(&self, error: ClientError) -> ClientError {
        match error {
            late @ ClientError::Late { .. } => late,
            error if self.followed == 0 => error,
            error => self.astray(there(error)).into(),
        }
    }

    /// What changes something is never sent again, and never to somebody else.
    fn may_follow(&self, status: StatusCode) -> bool {
        self.request.method == Method::GET && matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
    }

    fn next(&self, location: &HeaderValue, aims: &Aims) -> Result<Uri, Astray> {
        let written = resolved(&self.url, location.as_bytes()).ok_or(Astray::NotAUrl)?;
        let next = aims.url(self.request.target, &written).map_err(|error| there(error.into()))?;
        let gives_up_tls = self.url.scheme() == Some(&Scheme::HTTPS) && next.scheme() != Some(&Scheme::HTTPS);
        if gives_up_tls { Err(Astray::Plain) } else { Ok(next) }
    }

    /// Takes along nothing that another one must not see.
    fn leave_behind(&mut self) {
        let headers = std::mem::take(&mut self.request.headers);
        let body = !self.request.body.is_empty();
        let stays = |name: &HeaderName, value: &HeaderValue| {
            value.is_sensitive() || FOR_ONE_ADDRESS.contains(name) || (body && *name == CONTENT_TYPE)
        };
        let along = headers.iter().filter(|(name, value)| !stays(name, value));
        self.request.headers = along.map(|(name, value)| (name.clone(), value.clone())).collect();
        // Nobody knows any more whether there is a secret in it.
        self.request.body = Bytes::new();
    }

    fn astray(&self, why: Astray) -> RedirectError {
        RedirectError { host: self.host.clone(), why }
    }
}

fn there(error: ClientError) -> Astray {
    Astray::There(Box::new(error.elsewhere()))
}

/// What must be the same for two URLs to be of the same owner.
fn origin(url: &Uri) -> (Option<&Scheme>, String, u16) {
    let port = url.port_u16().unwrap_or(if url.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 });
    (url.scheme(), url.host().unwrap_or_default().to_ascii_lowercase(), port)
}

/// Where a `Location` leads from `base` (RFC 3986, section 5); what stands behind a `#` is for readers.
fn resolved(base: &Uri, location: &[u8]) -> Option<String> {
    let base = Absolute::parse(spelt(base.to_string().as_bytes())).ok()?;
    let location = location.split(|byte| *byte == b'#').next()?;
    let reference = UriRef::parse(spelt(location.trim_ascii())).ok()?;
    Some(reference.resolve_against(&base).ok()?.into_string())
}

/// A reference as RFC 3986 spells it. What servers write into it besides is put in percent signs, as browsers do it.
fn spelt(reference: &[u8]) -> String {
    let mut spelt = String::with_capacity(reference.len());
    for byte in reference {
        if byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(byte) {
            spelt.push(char::from(*byte));
        } else {
            // A text has room for everything.
            _ = write!(spelt, "%{byte:02X}");
        }
    }
    // Brackets belong to the addresses of hosts alone.
    let (host, rest) = spelt.split_at_checked(host_end(&spelt)).unwrap_or((&spelt, ""));
    format!("{host}{}", rest.replace('[', "%5B").replace(']', "%5D"))
}

/// Where the host of a reference ends, if it has one.
fn host_end(reference: &str) -> usize {
    match reference.split_once("//") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
            scheme.len() + "//".len() + rest.find(['/', '?']).unwrap_or(rest.len())
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_meant_from_where_it_came() {
        let base = Uri::from_static("https://a.example:8443/b/c/d?q[]=1|2");
        for (location, leads) in [
            ("https://b.example/", "https://b.example/"),
            ("//b.example/x", "https://b.example/x"),
            ("//[::1]:80/x?a[]=1", "https://[::1]:80/x?a%5B%5D=1"),
            ("/x", "https://a.example:8443/x"),
            ("x", "https://a.example:8443/b/c/x"),
            ("x/../../y", "https://a.example:8443/b/y"),
            ("../../../../x", "https://a.example:8443/x"),
            ("%2e%2E/x", "https://a.example:8443/b/x"),
            ("?x=//y", "https://a.example:8443/b/c/d?x=//y"),
            ("", "https://a.example:8443/b/c/d?q%5B%5D=1%7C2"),
            ("#x", "https://a.example:8443/b/c/d?q%5B%5D=1%7C2"),
            (" /x y#z ", "https://a.example:8443/x%20y"),
            ("/grüße", "https://a.example:8443/gr%C3%BC%C3%9Fe"),
            ("/\\b.example", "https://a.example:8443/%5Cb.example"),
            ("javascript:alert(1)", "javascript:alert(1)"),
        ] {
            assert_eq!(resolved(&base, location.as_bytes()).as_deref(), Some(leads), "{location}");
        }
        for location in ["http://[::1", "https://a.example/100%", "http://a.example:b/", "1:2"] {
            assert_eq!(resolved(&base, location.as_bytes()), None, "{location}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |a, b| origin(&Uri::from_static(a)) == origin(&Uri::from_static(b));
        assert!(same("https://a.example/b", "https://A.EXAMPLE:443/c"));
        for other in ["http://a.example/b", "https://a.example:8443/b", "https://b.example/b"] {
            assert!(!same("https://a.example/b", other), "{other}");
        }
    }
}
