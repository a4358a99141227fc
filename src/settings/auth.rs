//! Reads `auth`, the list of credentials that a server accepts, and `decrypt`.

use std::path::Path;
use std::sync::Arc;

use hyper::header::HeaderName;
use ipnet::IpNet;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::bounded::Lasting;
use super::source::{unknown_word, word_outline};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::schema::{Definitions, Outline, one_of};
use crate::engine::source::read::{Each, Field, Spanned, read_secret, written};
use crate::engine::source::yaml::{Node, Yaml};
use crate::load;
use crate::server::auth::{
    Algorithm, BearerSettings, Credential, Credentials, Encoding, HmacCheck, HmacSettings, InvalidCredential, Pass,
};
use crate::server::decrypt::ArgumentKey;

/// What `auth` came to.
pub(super) struct Auth {
    pub(super) credentials: Credentials,
    /// The headers that carry the credentials.
    pub(super) headers: Vec<HeaderName>,
    /// What a sender shows to be let in, for each of them.
    pub(super) passes: Vec<Pass>,
}

/// One credential, seen from both sides.
type Both = (Credential, Pass);

written! {
    #[derive(Debug)]
    struct CredentialSource {
        secret: Field<Option<Spanned<String>>> =
            "Vapi's secret, which travels in `x-vapi-secret`: `${env.VAPI_SECRET}`.",
        bearer: Field<Option<Spanned<BearerSource>>> = "A token in a header.",
        hmac: Field<Option<Spanned<HmacSource>>> = "A signature over the request.",
        addresses: Field<Option<Each<Spanned<String>>>> =
            "Networks from which alone it is accepted: `[167.150.224.0/23]`.",
    }
    with of_credential;
}

/// A credential is one of three.
fn of_credential(_: &mut Definitions) -> Value {
    one_of(["secret", "bearer", "hmac"])
}

written! {
    #[derive(Debug)]
    #[serde(rename = "a bearer credential")]
    struct BearerSource {
        token: Field<String> = "The token: `${env.VAPI_TOKEN}`.",
        header: Field<Option<String>> = "The header that carries it; `authorization` if nothing is said.",
        prefix: Field<Option<bool>> = "`false` for a bare token, without `Bearer ` before it.",
    }
}

written! {
    #[derive(Debug)]
    #[serde(rename = "an HMAC credential")]
    struct HmacSource {
        key: Field<String> = "The key that both sides know: `${env.VAPI_KEY}`.",
        key_is_base64: Field<Option<bool>> = "Whether the key is written in base64.",
        algorithm: Field<Option<Spanned<String>>> as AlgorithmOutline = "The hash function; `sha256` if nothing is said.",
        signature_header: Field<Option<String>> =
            "The header that carries the signature; `x-signature` if nothing is said.",
        prefix: Field<Option<String>> = "What stands before each signature: `sha256=`.",
        encoding: Field<Option<Spanned<String>>> as EncodingOutline =
            "How the signature is written; `hex` if nothing is said.",
        timestamp_header: Field<Option<String>> = "The header that carries the time; `x-timestamp` if nothing is said.",
        include_timestamp: Field<Option<bool>> = "`false`: the time is not signed, and not looked at.",
        message_id_header: Field<Option<String>> =
            "The header that carries the message's id, where the signature covers one.",
        payload: Field<Option<String>> = "What is signed; `{timestamp}.{body}` if nothing is said.",
        // Without a tolerance every clock is wrong, and one of days would let everything be sent again.
        tolerance: Field<Option<Lasting<1_000, 86_400_000>>> = "How far the time may be off; 5m if nothing is said.",
    }
}

/// What may stand behind `auth`.
pub(super) enum AuthOutline {}

impl Outline for AuthOutline {
    fn outline(defs: &mut Definitions) -> Value {
        let none = json!({ "const": "none", "description": "Everybody is accepted." });
        let all = json!({ "type": "array", "items": CredentialSource::outline(defs), "minItems": 1 });
        json!({ "anyOf": [all, none, { "type": "string", "pattern": r"\$\{" }] })
    }
}

enum AlgorithmOutline {}

impl Outline for AlgorithmOutline {
    fn outline(_: &mut Definitions) -> Value {
        word_outline(ALGORITHMS.iter().map(|(word, _)| *word))
    }
}

enum EncodingOutline {}

impl Outline for EncodingOutline {
    fn outline(_: &mut Definitions) -> Value {
        word_outline(ENCODINGS.iter().map(|(word, _)| *word))
    }
}

/// The hash functions by their names.
const ALGORITHMS: &[(&str, Algorithm)] =
    &[("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512), ("sha1", Algorithm::Sha1)];
/// The ways to write a signature by their names.
const ENCODINGS: &[(&str, Encoding)] = &[("hex", Encoding::Hex), ("base64", Encoding::Base64)];

/// What whoever left `auth` empty may have meant.
const NONE: &str = "write `auth: none` to accept everybody";

/// Whether it was found that nothing stands under some `auth`.
pub(super) fn is_empty(found: &[Diagnostic]) -> bool {
    found.iter().any(is_empty_auth)
}

/// Says where nothing stands under `auth` what else may be meant.
pub(super) fn explain_empty(found: &mut [Diagnostic]) {
    for one in found.iter_mut().filter(|one| is_empty_auth(one)) {
        one.help.insert(0, NONE.to_owned());
    }
}

fn is_empty_auth(one: &Diagnostic) -> bool {
    one.slug == "empty-field" && one.message.starts_with("`auth` ")
}

/// Reads the credentials of a server; without `auth`, and with `auth: none`, everybody is accepted.
pub(super) fn credentials(node: Option<&Node>, found: &mut Vec<Diagnostic>) -> Auth {
    let open = Auth { credentials: Credentials::open(), headers: Vec::new(), passes: Vec::new() };
    let Some(node) = node else { return open };
    if node.as_str() == Some("none") {
        return open;
    }
    let Yaml::List(items) = &node.value else {
        found.push(
            Diagnostic::error("wrong-type", node.span, format!("`auth` is a list of credentials, not {}", node.kind()))
                .help(
                    "begin each with a dash: `- secret: ${env.VAPI_SECRET}`, or write `auth: none` to accept everybody",
                ),
        );
        return open;
    };
    if items.is_empty() {
        found.push(
            Diagnostic::error("bad-credential", node.span, "`auth` lists no credential, so nobody would be let in")
                .help(NONE)
                .help("or write a credential: `- secret: ${env.VAPI_SECRET}`"),
        );
    }
    let (mut accepted, mut passes, mut headers) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        let Some(source) = read_secret::<CredentialSource>(item, "a credential", found) else { continue };
        let Some((credential, pass)) = credential(&source, item, &mut headers, found) else { continue };
        accepted.push(credential);
        // Nobody shows the name of a variable in place of what it should hold.
        passes.extend(is_filled_in(item, found).then_some(pass));
    }
    // A list in which nothing is right admits nobody.
    Auth { credentials: Credentials::any_of(accepted), headers, passes }
}

/// Whether all variables in `item` are set.
fn is_filled_in(item: &Node, found: &[Diagnostic]) -> bool {
    let inside = |one: &Diagnostic| item.span.start <= one.span.start && one.span.end <= item.span.end;
    !found.iter().any(|one| one.slug == "unset-variable" && inside(one))
}

fn credential(
    source: &CredentialSource,
    item: &Node,
    headers: &mut Vec<HeaderName>,
    found: &mut Vec<Diagnostic>,
) -> Option<Both> {
    let (secret, bearer, hmac) = (source.secret.get(), source.bearer.get(), source.hmac.get());
    let (secret, bearer, hmac) = (secret?.as_ref(), bearer?.as_ref(), hmac?.as_ref());
    let made = match (secret, bearer, hmac) {
        (Some(secret), None, None) => {
            headers.push(HeaderName::from_static("x-vapi-secret"));
            let secret = secret.value.as_str().into();
            Credential::secret(&secret).and_then(|credential| Ok((credential, Pass::secret(&secret)?)))
        }
        (None, Some(bearer), None) => {
            let settings = bearer_settings(&bearer.value)?;
            headers.extend(settings.header.parse::<HeaderName>());
            Credential::bearer(&settings).and_then(|credential| Ok((credential, Pass::bearer(&settings)?)))
        }
        (None, None, Some(hmac)) => {
            let settings = hmac_settings(&hmac.value, found)?;
            headers.extend(settings.signature_header.parse::<HeaderName>());
            HmacCheck::new(&settings).map(|check| (Credential::hmac(check.clone()), Pass::hmac(check)))
        }
        // What is left empty is told of already.
        (None, None, None) if item.entries().iter().any(|(_, node)| node.value == Yaml::Null) => return None,
        _ => {
            let given = [secret.is_some(), bearer.is_some(), hmac.is_some()].into_iter().filter(|given| *given).count();
            let message = match given {
                0 => "this credential has none of `secret`, `bearer` and `hmac`",
                _ => "a credential is only one of `secret`, `bearer` and `hmac`",
            };
            let help = match given {
                0 => "write `- secret: ${env.VAPI_SECRET}`; `addresses` only narrows another credential",
                _ => "give each a dash of its own; any of them is accepted then",
            };
            found.push(Diagnostic::error("bad-credential", item.span, message).help(help));
            return None;
        }
    };
    let (credential, pass) = match made {
        Ok(both) => both,
        Err(invalid) => {
            found.push(bad_credential(&invalid, item));
            return None;
        }
    };
    let credential = narrowed(credential, source.addresses.get()?.as_ref(), item, found)?;
    Some((credential, pass))
}

/// Only from these addresses.
fn narrowed(
    credential: Credential,
    addresses: Option<&Each<Spanned<String>>>,
    item: &Node,
    found: &mut Vec<Diagnostic>,
) -> Option<Credential> {
    let Some(Each(addresses)) = addresses else { return Some(credential) };
    let mut networks: Vec<IpNet> = Vec::with_capacity(addresses.len());
    for address in addresses {
        match address.value.parse().or_else(|_| address.value.parse::<std::net::IpAddr>().map(IpNet::from)) {
            Ok(network) => networks.push(network),
            Err(_) => found.push(
                Diagnostic::error("bad-network", address.span, format!("`{}` is not a network", address.value))
                    .help("write `167.150.224.0/23`, which Vapi's static addresses are in, or one address"),
            ),
        }
    }
    if networks.len() < addresses.len() {
        return None;
    }
    match credential.only_from(networks) {
        Ok(credential) => Some(credential),
        Err(invalid) => {
            found.push(bad_credential(&invalid, item));
            None
        }
    }
}

/// What is wrong with a credential, at the setting that is to be mended.
fn bad_credential(invalid: &InvalidCredential, item: &Node) -> Diagnostic {
    let inside = item.entries().iter().find_map(|(_, inner)| inner.get(invalid.field));
    let span = item.get(invalid.field).or(inside).map_or(item.span, |at| at.span);
    Diagnostic::error("bad-credential", span, invalid.message.as_str()).help(&*invalid.help)
}

fn bearer_settings(source: &BearerSource) -> Option<BearerSettings> {
    let mut settings = BearerSettings::new(SecretString::from(source.token.get()?.as_str()));
    set(&mut settings.header, &source.header);
    set(&mut settings.prefix, &source.prefix);
    Some(settings)
}

fn hmac_settings(source: &HmacSource, found: &mut Vec<Diagnostic>) -> Option<HmacSettings> {
    let mut settings = HmacSettings::new(SecretString::from(source.key.get()?.as_str()));
    set(&mut settings.key_is_base64, &source.key_is_base64);
    set(&mut settings.signature_header, &source.signature_header);
    set(&mut settings.prefix, &source.prefix);
    set(&mut settings.timestamp_header, &source.timestamp_header);
    set(&mut settings.include_timestamp, &source.include_timestamp);
    if let Some(Some(Lasting(tolerance))) = source.tolerance.get() {
        settings.tolerance = *tolerance;
    }
    settings.message_id_header = source.message_id_header.get().cloned().flatten();
    settings.payload = source.payload.get().cloned().flatten();
    choose(&mut settings.algorithm, &source.algorithm, "an algorithm", ALGORITHMS, found);
    choose(&mut settings.encoding, &source.encoding, "an encoding", ENCODINGS, found);
    Some(settings)
}

fn set<T: Clone>(setting: &mut T, field: &Field<Option<T>>) {
    if let Some(Some(value)) = field.get() {
        setting.clone_from(value);
    }
}

fn choose<T: Copy>(
    setting: &mut T,
    field: &Field<Option<Spanned<String>>>,
    what: &str,
    words: &[(&str, T)],
    found: &mut Vec<Diagnostic>,
) {
    let Some(Some(written)) = field.get() else { return };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == written.value) {
        *setting = *value;
    } else {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        found.push(unknown_word(&written.value, written.span, what, &known));
    }
}

written! {
    #[derive(Debug)]
    pub(super) struct DecryptSource {
        key: Field<Option<String>> = "The private key itself, as PEM: `${env.VAPI_KEY}`.",
        file: Field<Option<Spanned<String>>> = "The file that holds it.",
        paths: Field<Option<Vec<String>>> = "The arguments that are encrypted, where not all of them are.",
    }
    with of_decrypt;
}

/// The key stands in one place.
fn of_decrypt(_: &mut Definitions) -> Value {
    one_of(["key", "file"])
}

/// Reads the private key for encrypted tool arguments: `decrypt: { file: … }` or `{ key: "${env.…}" }`.
pub(super) fn argument_key(node: &Node, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Arc<ArgumentKey>> {
    let source: DecryptSource = read_secret(node, "`decrypt`", found)?;
    let bad = |span, message: String| Diagnostic::error("bad-key", span, message);
    let pem = match (source.key.get()?, source.file.get()?) {
        (Some(key), None) => key.clone(),
        (None, Some(file)) => match load::read(&folder.join(&file.value)) {
            Ok(pem) => pem,
            Err(error) => {
                let message = match error {
                    load::LoadError::Missing(_) => format!("there is no file `{}`", file.value),
                    error => error.to_string(),
                };
                found.push(bad(file.span, message).help("the path is meant from the settings file's folder"));
                return None;
            }
        },
        _ => {
            found.push(
                bad(node.span, "`decrypt` needs the private key".to_owned())
                    .help("write `decrypt: { file: vapi-key.pem }` or `decrypt: { key: \"${env.VAPI_KEY}\" }`"),
            );
            return None;
        }
    };
    match ArgumentKey::from_pem(&pem) {
        Ok(key) => Some(Arc::new(match source.paths.get()? {
            Some(paths) => key.only_at(paths.clone()),
            None => key,
        })),
        Err(error) => {
            found.push(bad(node.span, error.to_string()));
            None
        }
    }
}
