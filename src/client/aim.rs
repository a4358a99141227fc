//! Where the URL of a request may lead, by whom it is for.

use hyper::Uri;
use hyper::http::uri::Scheme;

use super::guard::Host;
use crate::engine::request::{Target, VAPI};
use crate::engine::url::{UrlFault, parse};

/// Below what live calls are controlled (contract, section 6).
const VAPI_DOMAIN: &str = "vapi.ai";
/// What stands in the place of a host that is not told.
pub(super) const NO_HOST: &str = "[elsewhere]";

/// Where the requests of each target may lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aims {
    /// Who controls live calls; nothing for `https` hosts below `vapi.ai`.
    pub call_control: Option<Vec<Controller>>,
    /// Where Vapi's REST API is: scheme, host and perhaps port, and no slash behind them.
    pub vapi: String,
}

/// Who may be told what to do in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Whether it may be spoken to without TLS.
    pub is_plain: bool,
    /// The host.
    pub host: Host,
}

/// Why a URL is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misdirected {
    /// It cannot be asked at all.
    #[error("{0}")]
    Url(#[from] UrlFault),
    /// It should control a call and leads elsewhere.
    #[error("`{host}` does not control calls; if it does, name it under `outbound: {{ call_control: […] }}`")]
    NoController {
        /// The host.
        host: String,
    },
    /// It should lead to Vapi's REST API and leads elsewhere.
    #[error("`{host}` is not Vapi's REST API, which is at {vapi}")]
    NotVapi {
        /// The host.
        host: String,
        /// Where it is.
        vapi: String,
    },
}

impl Misdirected {
    /// The same without the host.
    pub(super) fn without_host(self) -> Misdirected {
        let host = NO_HOST.to_owned();
        match self {
            Misdirected::NoController { .. } => Misdirected::NoController { host },
            Misdirected::NotVapi { vapi, .. } => Misdirected::NotVapi { host, vapi },
            other @ Misdirected::Url(_) => other,
        }
    }
}

impl Default for Aims {
    fn default() -> Aims {
        Aims { call_control: None, vapi: VAPI.to_owned() }
    }
}

impl Aims {
    /// The URL that `written` stands for.
    ///
    /// # Errors
    /// Why it is not asked.
    pub fn url(&self, target: Target, written: &str) -> Result<Uri, Misdirected> {
        match target {
            Target::Anybody => Ok(parse(written)?),
            // Samples of Vapi print it between these.
            Target::CallControl => self.controller(parse(written.trim_start_matches('<').trim_end_matches('>'))?),
            Target::Vapi => self.vapi(written),
        }
    }

    fn controller(&self, url: Uri) -> Result<Uri, Misdirected> {
        let (host, is_tls) = (url.host().unwrap_or_default(), url.scheme() == Some(&Scheme::HTTPS));
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let controls = match &self.call_control {
            None => is_tls && port == 443 && is_below(host, VAPI_DOMAIN),
            Some(known) => known.iter().any(|it| it.host.is(host, port) && (is_tls || it.is_plain)),
        };
        if controls { Ok(url) } else { Err(Misdirected::NoController { host: host.to_owned() }) }
    }

    /// A path stands for itself below Vapi's address, and so does a URL of Vapi's own.
    fn vapi(&self, written: &str) -> Result<Uri, Misdirected> {
        let path = [VAPI, &self.vapi].into_iter().find_map(|base| written.strip_prefix(base)).unwrap_or(written);
        if path.starts_with('/') && !path.starts_with("//") {
            return Ok(parse(&format!("{}{path}", self.vapi))?);
        }
        let host = parse(written)?.host().unwrap_or_default().to_owned();
        Err(Misdirected::NotVapi { host, vapi: self.vapi.clone() })
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(aims: &Aims, target: Target, written: &str) -> Result<String, Misdirected> {
        aims.url(target, written).map(|url| url.to_string())
    }

    #[test]
    fn a_url_has_a_scheme_and_a_host_and_no_user() {
        let anybody = |written| url(&Aims::default(), Target::Anybody, written);
        for good in ["https://a.example/b?c=d", "http://[::1]:80/", "http://127.0.0.1:9/"] {
            assert_eq!(anybody(good).as_deref(), Ok(good));
        }
        for bad in ["https://a.example/b/../c", "https://a.example/.", "https://a.example/%2E%2e/c?d=.."] {
            assert_eq!(anybody(bad), Err(Misdirected::Url(UrlFault::Dots)), "{bad}");
        }
        assert!(anybody("https://a.example/..b/c.?d=../e").is_ok());
        for bad in ["https://a.example:99999/", "https://a.example:x/", "http://[::1]:99999/"] {
            assert_eq!(anybody(bad), Err(Misdirected::Url(UrlFault::NotAUrl)), "{bad}");
        }
        for bad in
            ["", "a.example", "/b", "ftp://a.example/", "file:///etc/passwd", "http://", "http:///b", "https://a b/"]
        {
            assert_eq!(anybody(bad), Err(Misdirected::Url(UrlFault::NotAUrl)), "{bad}");
        }
        assert_eq!(anybody("https://vapi.ai@a.example/"), Err(Misdirected::Url(UrlFault::User)));
    }

    #[test]
    fn calls_are_controlled_below_vapi() {
        let control = |written| url(&Aims::default(), Target::CallControl, written);
        for good in
            ["https://phone-call-websocket.aws-us-west-2-backend-production2.vapi.ai/1/control", "https://VAPI.ai./x"]
        {
            assert!(control(good).is_ok(), "{good}");
        }
        assert_eq!(control("<https://a.vapi.ai/control>").as_deref(), Ok("https://a.vapi.ai/control"));
        for bad in [
            "http://a.vapi.ai/control",
            "https://a.vapi.ai:8443/control",
            "https://evilvapi.ai/",
            "https://vapi.ai.evil.example/",
            "https://127.0.0.1/vapi.ai",
        ] {
            assert!(matches!(control(bad), Err(Misdirected::NoController { .. })), "{bad}");
        }
        let host = Host { name: "127.0.0.1".to_owned(), port: Some(9000) };
        let own = Aims { call_control: Some(vec![Controller { is_plain: true, host }]), ..Aims::default() };
        assert!(url(&own, Target::CallControl, "http://127.0.0.1:9000/c").is_ok());
        assert!(url(&own, Target::CallControl, "http://127.0.0.1:9001/c").is_err());
        let host = Host { name: "[::1]".to_owned(), port: None };
        let own = Aims { call_control: Some(vec![Controller { is_plain: true, host }]), ..Aims::default() };
        assert!(url(&own, Target::CallControl, "http://[::1]:9000/c").is_ok());
        assert!(url(&own, Target::CallControl, "https://a.vapi.ai/c").is_err(), "what is named is all there is");
    }

    #[test]
    fn the_api_is_where_the_settings_say() {
        let own = Aims { vapi: "http://127.0.0.1:9000".to_owned(), ..Aims::default() };
        for written in ["/call?limit=1", "https://api.vapi.ai/call?limit=1", "http://127.0.0.1:9000/call?limit=1"] {
            assert_eq!(url(&own, Target::Vapi, written).as_deref(), Ok("http://127.0.0.1:9000/call?limit=1"));
        }
        let vapi = |written| url(&Aims::default(), Target::Vapi, written);
        assert_eq!(vapi("/call").as_deref(), Ok("https://api.vapi.ai/call"));
        for bad in ["//evil.example/call", "https://api.vapi.ai.evil.example/", "https://evil.example/call", "call"] {
            assert!(vapi(bad).is_err(), "{bad}");
        }
        assert_eq!(vapi("https://api.vapi.ai@evil.example/"), Err(Misdirected::Url(UrlFault::User)));
    }
}
