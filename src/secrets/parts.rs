//! The parts of a secret that is a URL, by which it is known as well: who answers names the path that was asked for, or
//! one value of the query, hardly ever the whole.

use zeroize::{Zeroize as _, Zeroizing};

use super::spelling::percent_byte;

/// Bytes of what is too short to be told from what only looks the same.
pub(super) const SHORT: usize = 8;
/// Bytes from which on nothing is taken for a word or a number.
const LONG: usize = 20;

/// A URL without its scheme and what is for readers alone.
struct Url<'a> {
    host: &'a str,
    /// Path and query.
    behind: &'a str,
}

/// The host of a value that is a URL.
pub(super) fn host(value: &str) -> Option<Zeroizing<String>> {
    parse(value).map(|url| Zeroizing::new(url.host.to_owned())).filter(is_long)
}

/// What stands behind the host of a value that is a URL: path and query together, each of them, and what in them gives
/// it away by itself. Each as it is written there, and decoded, as programs see it.
pub(super) fn behind_host(value: &str) -> impl Iterator<Item = Zeroizing<String>> {
    let behind = parse(value).map(|url| url.behind).unwrap_or_default();
    let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
    // Many take a path with a slash at its end for the same, and leave it out.
    let wholes = [behind, path.trim_end_matches('/'), query].into_iter().flat_map(written).filter(is_long);
    let values = query.split('&').map(|field| field.split_once('=').map_or(field, |(_, value)| value));
    wholes.chain(path.split('/').chain(values).flat_map(written).filter(is_telling))
}

fn parse(value: &str) -> Option<Url<'_>> {
    let (scheme, rest) = value.trim().split_once("://")?;
    let rest = rest.split('#').next()?;
    let (authority, behind) = rest.split_at_checked(rest.find(['/', '?']).unwrap_or(rest.len()))?;
    let is_http = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    is_http.then(|| Url { host: without_port(authority), behind })
}

fn without_port(authority: &str) -> &str {
    let port = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    port.map_or(authority, |(host, _)| host)
}

/// A part as it stands in the URL, and what is meant by it.
fn written(part: &str) -> impl Iterator<Item = Zeroizing<String>> {
    [Some(Zeroizing::new(part.to_owned())), decoded(part)].into_iter().flatten()
}

/// What is meant by a part, if that is another text.
fn decoded(part: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, behind @ ..] = rest {
        let percent = percent_byte(rest);
        // A space is found where a plus stands, and not the other way round.
        bytes.push(percent.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if percent.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    let text = String::from_utf8(bytes).map_err(|error| error.into_bytes().zeroize()).ok().map(Zeroizing::new)?;
    (*text != part).then_some(text)
}

fn is_long(part: &Zeroizing<String>) -> bool {
    SHORT <= part.len()
}

/// Whether a part gives the URL away by itself. A word (`services`) or a number (a year, a telephone number) stands in
/// answers that have nothing to do with it, and others go on with these.
fn is_telling(part: &Zeroizing<String>) -> bool {
    let has = |is_so: fn(&u8) -> bool| part.bytes().any(|byte| is_so(&byte));
    let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    is_long(part) && (LONG <= part.len() || is_mixed || has(u8::is_ascii_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(value: &str) -> Vec<String> {
        let mut parts: Vec<String> = behind_host(value).map(|part| part.to_string()).collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    }

    #[test]
    fn words_and_numbers_are_no_parts_by_themselves() {
        let both = "/services/2016-10-01/T0KENTOKEN/?phone=14155550100&api-version=2&sig=lower-case-but-long-enough";
        let (path, query) = both.split_once("/?").unwrap();
        let mut all = [both, path, query, "T0KENTOKEN", "lower-case-but-long-enough"];
        all.sort_unstable();
        assert_eq!(parts(&format!("https://hooks.example{both}")), all);
    }

    #[test]
    fn a_part_counts_decoded_too() {
        let whole = "/a%2Fb?sig=x1+y2%2Bz3%3D";
        let query = "sig=x1+y2%2Bz3%3D";
        let mut all = [whole, "/a/b?sig=x1 y2+z3=", query, "sig=x1 y2+z3=", "x1+y2%2Bz3%3D", "x1 y2+z3="];
        all.sort_unstable();
        assert_eq!(parts(&format!("http://h{whole}")), all);
        assert_eq!(parts("http://h/%FFtoken-t0ken"), ["%FFtoken-t0ken", "/%FFtoken-t0ken"], "this is no text");
    }
}
