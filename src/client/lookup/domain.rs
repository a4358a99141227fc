//! Which names have a server in common that may not answer: mostly those that end in the same two labels.
//!
//! The list of all suffixes below which names are sold is long and never done. Where one is missing below, neighbours
//! share a bound. What is hosted below one name of its owner (`app.herokuapp.com`) is meant to: one server answers for
//! it all.

/// Below these of a country, names are sold to everybody, as below `co.uk`.
const SOLD_BELOW: [&str; 17] =
    ["ac", "co", "com", "edu", "go", "gob", "gov", "ltd", "me", "mil", "ne", "net", "nom", "or", "org", "plc", "sch"];

/// The end of a name that belongs to one owner: its last two labels, or three where the last two are a country's.
pub(super) fn domain(name: &str) -> &str {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut labels = name.rsplit('.');
    let (top, second) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let dots = if top.len() == 2 && SOLD_BELOW.contains(&second) { 2 } else { 1 };
    let before = name.rmatch_indices('.').nth(dots);
    before.and_then(|(dot, _)| name.get(dot + 1..)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_the_end_of_a_name() {
        for (name, end) in [
            ("localhost", "localhost"),
            ("localhost.", "localhost"),
            ("shop.example", "shop.example"),
            ("a.b.shop.example", "shop.example"),
            ("b.shop.example.", "shop.example"),
            ("co.uk", "co.uk"),
            ("shop.co.uk", "shop.co.uk"),
            ("a.b.shop.co.uk.", "shop.co.uk"),
            ("a.shop.com.au", "shop.com.au"),
            ("a.shop.uk.com", "uk.com"),
            ("a.b.co.example", "co.example"),
            ("a.shop.io", "shop.io"),
            ("127.1", "127.1"),
            ("", ""),
            ("..", "."),
        ] {
            assert_eq!(domain(name), end, "{name}");
        }
    }
}
