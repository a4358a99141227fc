//! Requests that lead into this machine or its network, as far as their URLs say so themselves.
//!
//! What is refused is decided where a request is made, by the address that a name has led to. Here only what cannot
//! be meant otherwise is told beforehand: `localhost`, and addresses that are written out.

use super::Workshop;
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::template::{Part, Template};
use crate::engine::url;

impl Workshop<'_> {
    /// Warns of a URL that the settings do not allow, if there are settings.
    pub(super) fn check_inside(&mut self, template: &Template, span: Span) {
        let Some(allowed) = &self.options.outbound_allow else { return };
        let Some(url) = begun(template).and_then(|url| url::parse(&url).ok()) else { return };
        let (host, port) = (url.host().unwrap_or_default(), url.port_u16());
        let is_https = url.scheme_str() == Some("https");
        let port = port.unwrap_or(if is_https { 443 } else { 80 });
        if !is_inside(host) || allowed.iter().any(|written| may_allow(written, host, port)) {
            return;
        }
        let written = url.authority().map_or(host, http::uri::Authority::as_str);
        let message = format!("`{host}` lies inside, where no request may lead unless the settings allow it");
        let help = format!("write into `switchhook.yaml`: `outbound: {{ allow: [\"{written}\"] }}`");
        self.found.push(Diagnostic::warning("refused-destination", span, message).help(help));
    }
}

/// The URL as far as its path, if that is known.
fn begun(template: &Template) -> Option<String> {
    let (written, is_whole) = match template {
        Template::Constant(value) => (value.as_str()?, true),
        Template::Text(parts) => match parts.first()? {
            Part::Text(text) => (text.as_str(), false),
            Part::Hole(_) => return None,
        },
        _ => return None,
    };
    let (scheme, rest) = written.split_once("://")?;
    let end = rest.find(['/', '?', '#']);
    // What is filled in may go on with the host.
    let authority = rest.get(..end.or_else(|| is_whole.then_some(rest.len()))?)?;
    Some(format!("{scheme}://{authority}/"))
}

fn is_inside(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let parts: Vec<u8> = name.split('.').filter_map(|part| part.parse().ok()).collect();
    let is_address = parts.len() == name.split('.').count();
    let is_private = match parts.as_slice() {
        [127 | 10, _, _, _] | [192, 168, _, _] | [169, 254, _, _] => true,
        [172, second, _, _] => (16..32).contains(second),
        _ => false,
    };
    name == "localhost" || name.ends_with(".localhost") || name == "[::1]" || (is_address && is_private)
}

/// Whether what is allowed may be meant for this host. Of networks and addresses that is not looked at any closer.
fn may_allow(written: &str, host: &str, port: u16) -> bool {
    if written.starts_with(|c: char| c.is_ascii_digit() || c == '[') || written.matches(':').count() > 1 {
        return true;
    }
    let (name, own) = match written.split_once(':') {
        Some((name, own)) => (name, own.parse().ok()),
        None => (written, None),
    };
    name.trim_end_matches('.').eq_ignore_ascii_case(host.trim_end_matches('.'))
        && own.is_none_or(|own: u16| own == port)
}

#[cfg(test)]
mod tests {
    use crate::engine::diagnostic::Sources;
    use crate::engine::source::{Options, compile};

    /// Whether a request to `url` is told, where this much is allowed.
    fn is_told(url: &str, allowed: Option<&[&str]>) -> bool {
        let mut sources = Sources::default();
        sources.add("a.yaml", format!("rules:\n  - {{ name: a, on: hang, do: [{{ post: \"{url}\" }}] }}\n"));
        let outbound_allow = allowed.map(|all| all.iter().map(ToString::to_string).collect());
        let compiled = compile(&sources, &Options { outbound_allow, ..Options::default() }).unwrap();
        compiled.found.iter().any(|one| one.slug == "refused-destination")
    }

    #[test]
    fn what_lies_inside_is_told_unless_it_may_be_allowed() {
        for url in [
            "http://localhost:3000/calls",
            "http://LOCALHOST.",
            "http://127.0.0.1:3000",
            "http://[::1]:3000/${call.id}",
            "https://10.0.0.7/a?b=${call.id}",
            "https://172.16.1.1/",
            "http://crm.localhost/",
        ] {
            assert!(is_told(url, Some(&[])), "{url}");
            assert!(is_told(url, Some(&["crm.internal", "localhost:1"])), "{url}");
            assert!(!is_told(url, None), "{url}");
            assert!(!is_told(url, Some(&["127.0.0.0/8"])), "{url}: perhaps");
        }
        for url in [
            "https://crm.example.com/",
            "https://172.32.1.1/",
            "http://localhost${call.id}/",
            "https://10.example.com/",
        ] {
            assert!(!is_told(url, Some(&[])), "{url}");
        }
        assert!(!is_told("http://localhost:3000/", Some(&["localhost:3000"])));
        assert!(!is_told("http://localhost:3000/", Some(&["Localhost"])));
        assert!(!is_told("http://localhost/", Some(&["localhost:80"])));
    }
}
