//! Reads `outbound`: where requests to others may lead.

use std::net::IpAddr;
use std::path::Path;

use hyper::Uri;
use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::client::Outbound;
use crate::client::aim::{Aims, Controller};
use crate::client::guard::{Guard, Host};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::source::read::{Each, Field, Spanned, written};
use crate::load;

written! {
    #[derive(Debug, Clone, Default)]
    #[serde(rename = "the setting `outbound`", default)]
    pub(super) struct OutboundSource {
        allow: Field<Option<Each<Spanned<String>>>> =
            "Networks, addresses and hosts inside to which requests may lead: `[10.0.0.0/8, localhost:9000]`.",
        ca: Field<Option<Spanned<String>>> =
            "A file of authorities that are trusted besides those that browsers trust, as PEM.",
        call_control: Field<Option<Each<Spanned<String>>>> = "Where calls are controlled, if not below `vapi.ai`.",
        vapi: Field<Option<Spanned<String>>> = "Where Vapi's REST API is.",
    }
}

impl OutboundSource {
    /// What it says; the file of authorities is meant from `folder`.
    pub(super) fn outbound(&self, folder: &Path, found: &mut Vec<Diagnostic>) -> Outbound {
        let default = Aims::default();
        let control = self.call_control.get().and_then(Option::as_ref);
        let vapi = self.vapi.get().and_then(Option::as_ref).and_then(|vapi| base(vapi, found));
        let ca = self.ca.get().and_then(Option::as_ref);
        Outbound {
            guard: self.guard(found),
            aims: Aims {
                call_control: control
                    .map(|Each(hosts)| hosts.iter().filter_map(|host| controller(host, found)).collect()),
                vapi: vapi.unwrap_or(default.vapi),
            },
            authorities: ca.map(|file| authorities(file, folder, found)).unwrap_or_default(),
        }
    }

    /// What may be reached inside, as it is written.
    pub(super) fn allowed(&self) -> Vec<String> {
        self.allow_written().iter().map(|written| written.value.clone()).collect()
    }

    fn allow_written(&self) -> &[Spanned<String>] {
        self.allow.get().and_then(Option::as_ref).map(|Each(all)| all.as_slice()).unwrap_or_default()
    }

    fn guard(&self, found: &mut Vec<Diagnostic>) -> Guard {
        let mut guard = Guard::default();
        for written in self.allow_written() {
            if let Ok(network) = written.value.parse::<IpNet>() {
                guard.networks.push(network.trunc());
            } else if let Ok(address) = written.value.parse::<IpAddr>() {
                guard.networks.push(address.into());
            } else if let Some(host) = host(&written.value) {
                guard.hosts.push(host);
            } else {
                found.push(unreadable(
                    written,
                    "a network, an address or a host",
                    "10.0.0.0/8`, `crm.internal` or `localhost:9000",
                ));
            }
        }
        guard
    }
}

/// A host, perhaps with a port.
fn host(written: &str) -> Option<Host> {
    let authority = written.parse::<hyper::http::uri::Authority>().ok().filter(|it| !it.as_str().contains('@'))?;
    let port = match written.strip_prefix(authority.host())?.strip_prefix(':') {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    // What ends in a number is meant to be an address.
    let is_number = name.split('.').next_back().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let sound = !name.is_empty() && (!is_number || name.parse::<IpAddr>().is_ok());
    sound.then(|| Host { name: name.to_ascii_lowercase(), port })
}

fn controller(written: &Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<Controller> {
    let (is_plain, name) = match written.value.split_once("://") {
        Some(("http", name)) => (true, name),
        Some(("https", name)) => (false, name),
        _ => (false, written.value.as_str()),
    };
    let host = host(name.strip_suffix('/').unwrap_or(name));
    if host.is_none() {
        found.push(unreadable(written, "a host", "control.example.com` or `http://localhost:9000"));
    }
    Some(Controller { is_plain, host: host? })
}

/// Scheme, host and perhaps port, without a path.
fn base(written: &Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<String> {
    let base = written.value.strip_suffix('/').unwrap_or(&written.value);
    let sound = base.parse::<Uri>().ok().filter(|url| {
        let is_http = matches!(url.scheme_str(), Some("http" | "https"));
        is_http
            && url.path() == "/"
            && url.query().is_none()
            && url.authority().is_some_and(|it| host(it.as_str()).is_some())
    });
    if sound.is_none() {
        found.push(unreadable(written, "the address of an API", "https://api.vapi.ai"));
    }
    sound.map(|_| base.to_owned())
}

fn unreadable(written: &Spanned<String>, what: &str, example: &str) -> Diagnostic {
    Diagnostic::error("bad-destination", written.span, format!("`{}` is not {what}", written.value))
        .help(format!("write for example `{example}`"))
}

fn authorities(file: &Spanned<String>, folder: &Path, found: &mut Vec<Diagnostic>) -> Vec<CertificateDer<'static>> {
    let mut wrong = |message: String| {
        found
            .push(Diagnostic::error("bad-certificate", file.span, message).help(
                "it is PEM, one certificate or several, each of which begins with `-----BEGIN CERTIFICATE-----`",
            ));
        Vec::new()
    };
    let text = match load::bytes(&folder.join(&file.value)) {
        Ok(text) => text,
        Err(error) => return wrong(format!("the authorities `{}` cannot be read: {error}", file.value)),
    };
    let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let Some(certificates) = certificates.ok().filter(|all| !all.is_empty()) else {
        return wrong(format!("the authorities `{}` are not PEM", file.value));
    };
    let mut roots = RootCertStore::empty();
    if let Some(error) = certificates.iter().find_map(|certificate| roots.add(certificate.clone()).err()) {
        return wrong(format!("the authorities `{}` cannot be used: {error}", file.value));
    }
    certificates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_perhaps_with_a_port() {
        for (written, name, port) in [
            ("crm.internal", "crm.internal", None),
            ("CRM.internal:80", "crm.internal", Some(80)),
            ("localhost:9000", "localhost", Some(9000)),
            ("127.0.0.1:9000", "127.0.0.1", Some(9000)),
            ("[::1]:9000", "::1", Some(9000)),
        ] {
            assert_eq!(host(written), Some(Host { name: name.to_owned(), port }), "{written}");
        }
        for written in
            ["", ":80", "a b", "10.0.0.0/8", "10.0.0", "10.0.0.0/33", "a:b", "a:", "a:99999", "user@a", "http://a"]
        {
            assert_eq!(host(written), None, "{written}");
        }
    }
}
