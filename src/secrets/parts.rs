//! The parts of a secret that is a URL, by which it is known as well: who answers names the path that was asked for, hardly
//! ever the whole.

/// Bytes of what is too short to be told from what only looks the same.
pub(super) const SHORT: usize = 8;

/// A URL without its scheme and what is for readers alone.
struct Url<'a> {
    host: &'a str,
    /// Path and query.
    behind: &'a str,
}

/// The host of a value that is a URL.
pub(super) fn host(value: &str) -> Option<&str> {
    parse(value).map(|url| url.host).filter(is_long)
}

/// What stands behind the host of a value that is a URL: path and query together, and each of them.
pub(super) fn behind_host(value: &str) -> impl Iterator<Item = &str> {
    let behind = parse(value).map(|url| url.behind).unwrap_or_default();
    let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
    // Many take a path with a slash at its end for the same, and leave it out.
    [behind, path.trim_end_matches('/'), query].into_iter().filter(is_long)
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

fn is_long(part: &&str) -> bool {
    SHORT <= part.len()
}
