//! Where the daemon listens, and what that asks for where other machines can reach it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::tls::{self, TlsSource};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::schema::{Definitions, Outline};
use crate::engine::source::read::{Field, Spanned, TextLike, read, read_secret, written};
use crate::engine::source::yaml::{Node, Yaml};
use crate::server::tls::Certificates;

/// An address as it is written: a port alone is a number to YAML.
pub(super) type Written = Field<Option<Spanned<TextLike>>>;

/// Loopback, until the settings say otherwise.
pub(super) const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Whether other machines can reach what listens on `address`.
pub(super) fn is_exposed(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// Reads an address of a command line, where Vapi is listened to.
///
/// # Errors
/// What to write instead.
pub fn listening(text: &str) -> Result<SocketAddr, String> {
    given(text, 8080)
}

/// Reads an address of a command line, where operators are listened to.
///
/// # Errors
/// What to write instead.
pub fn operators(text: &str) -> Result<SocketAddr, String> {
    given(text, 9090)
}

fn given(text: &str, port: u16) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("not an address with a port; {}", remedy(text, port)))
}

/// Reads the address that `written` holds, if there is one; `port` is for the remedy.
pub(super) fn address(written: &Written, port: u16, found: &mut Vec<Diagnostic>) -> Option<Spanned<SocketAddr>> {
    let Spanned { value: TextLike(text), span } = written.get().and_then(Option::as_ref)?;
    if let Ok(value) = text.parse() {
        return Some(Spanned { value, span: *span });
    }
    let message = format!("`{text}` is not an address with a port");
    found.push(Diagnostic::error("bad-address", *span, message).help(remedy(text, port)));
    None
}

fn remedy(text: &str, port: u16) -> String {
    let ours = |port: u16| {
        format!("write `127.0.0.1:{port}` for this machine alone, or `0.0.0.0:{port}` to be reached from others")
    };
    if let Ok(ip) = text.parse::<IpAddr>() {
        return format!("write it with a port: `{}`", SocketAddr::new(ip, port));
    }
    let (host, written) = text.rsplit_once(':').unwrap_or(("", text));
    match (host, written.parse()) {
        ("" | "*" | "localhost", Ok(port)) => ours(port),
        (_, Ok(port)) => format!("a host has no name here, but a number: {}", ours(port)),
        (_, Err(_)) => ours(port),
    }
}

/// Where operators are listened to, and what they must bring.
#[derive(Default)]
pub(super) struct Admin {
    pub(super) listen: Option<Spanned<SocketAddr>>,
    pub(super) token: Option<SecretString>,
    pub(super) tls: Option<Certificates>,
}

written! {
    #[derive(Debug, Default)]
    #[serde(rename = "the admin address")]
    struct AdminSource {
        listen: Written = "Where it listens for operators: `127.0.0.1:9090` if nothing is said.",
        token: Field<Option<Spanned<String>>> = "What operators must bring: `${env.ADMIN_TOKEN}`.",
        tls: Option<Node> as TlsSource = "The certificate and key of this address.",
    }
}

/// What may stand behind `admin`: an address, or more about it.
pub(super) enum AdminOutline {}

impl Outline for AdminOutline {
    fn outline(defs: &mut Definitions) -> Value {
        json!({ "anyOf": [TextLike::outline(defs), AdminSource::outline(defs)] })
    }
}

/// Reads `admin`: an address, or a mapping with `listen`, `token` and `tls`, whose files are meant from `folder`.
pub(super) fn admin(node: &Node, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Admin> {
    let source = match &node.value {
        Yaml::Text(_) | Yaml::Int(_) => {
            let listen = Field(Some(read(node, "the admin address", found)));
            AdminSource { listen, token: Field(Some(None)), tls: None }
        }
        _ => read_secret(node, "the admin address", found)?,
    };
    let listen = address(&source.listen, 9090, found);
    let token = match source.token.get()? {
        Some(token) => Some(sound_token(token, found)?),
        None => None,
    };
    if let (Some(listen), None) = (&listen, &token)
        && is_exposed(listen.value)
    {
        found.push(
            Diagnostic::error("open-admin", listen.span, "other machines can reach this address, so it needs a token")
                .help("write `admin: { listen: …, token: \"${env.ADMIN_TOKEN}\" }`")
                .help("or listen on `127.0.0.1` alone"),
        );
    }
    let tls = source.tls.as_ref().and_then(|node| tls::certificates(node, folder, found));
    Some(Admin { listen, token, tls })
}

fn sound_token(token: &Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<SecretString> {
    let message = match token.value.trim() {
        "" => "`token` is empty",
        text if text.len() < token.value.len() => "`token` begins or ends with white space",
        text => return Some(text.into()),
    };
    let help = "write `token: ${env.ADMIN_TOKEN}`, and set that variable to a long random text";
    found.push(Diagnostic::error("bad-credential", token.span, message).help(help));
    None
}

/// A server that accepts everybody, without its author having said so, where other machines can reach it.
pub(super) fn open_server(server: Span, path: &str, listen: &Spanned<SocketAddr>) -> Diagnostic {
    let who = if path == "*" { "there is".to_owned() } else { format!("the server `{path}` has") };
    let message = format!("{who} no `auth`, and other machines can reach {}", listen.value);
    Diagnostic::error("open-server", server, message)
        .note(listen.span, "the address is here")
        .help("write its credentials under `auth:`, or `auth: none` to accept everybody")
        .help(format!("or listen on `{}` alone", loopback(listen.value.port())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_fit_what_was_written() {
        for (text, expected) in [
            ("80", "write `127.0.0.1:80` for this machine"),
            (":80", "write `127.0.0.1:80` for this machine"),
            ("localhost:80", "write `127.0.0.1:80` for this machine"),
            ("desk.example:80", "a host has no name here"),
            ("10.0.0.1", "write it with a port: `10.0.0.1:8080`"),
            ("::1", "write it with a port: `[::1]:8080`"),
            ("99999", "write `127.0.0.1:8080` for this machine"),
            ("here", "write `127.0.0.1:8080` for this machine"),
        ] {
            assert!(remedy(text, 8080).starts_with(expected), "{text}: {}", remedy(text, 8080));
        }
    }
}
