//! Syntax errors: from where the parser gave up to what the author most likely did.

use super::super::super::super::diagnostic::Diagnostic;
use super::super::tree::Source;
use super::{quoted, too_deep};

/// Explains why the parser stopped at the byte `at` with the words `info`.
pub(in super::super) fn explain(source: &Source<'_>, at: usize, info: &str) -> Diagnostic {
    let spot = Spot::new(source, at);
    if info.contains("recursion limit") {
        return too_deep(spot.source.span(spot.at, spot.at + 1));
    }
    for guess in [placeholder, tab, mark, quote, bracket, colon, dash, indentation] {
        if let Some(diagnostic) = guess(&spot, info) {
            return diagnostic;
        }
    }
    spot.error(spot.at, spot.at + 1, format!("this is not YAML: {}", info.replace('`', "'")))
        .help("look at this line and the one above: at quotes, brackets, colons and indentation")
}

/// Where the parser gave up.
struct Spot<'a> {
    source: &'a Source<'a>,
    at: usize,
    /// Where its line begins.
    line_start: usize,
    /// Its line.
    line: &'a str,
}

impl<'a> Spot<'a> {
    fn new(source: &'a Source<'a>, at: usize) -> Spot<'a> {
        let line_start = source.slice(0, at).rfind('\n').map_or(0, |at| at + 1);
        let line = source.from(line_start).lines().next().unwrap_or_default();
        Spot { source, at, line_start, line }
    }

    fn error(&self, start: usize, end: usize, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error("yaml-syntax", self.source.span(start, end), message)
    }

    /// What the line holds before the place.
    fn before(&self) -> &'a str {
        self.source.slice(self.line_start, self.at)
    }

    /// What the line holds from the place on.
    fn after(&self) -> &'a str {
        self.source.from(self.at).lines().next().unwrap_or_default()
    }

    /// The nearest line above that is neither empty nor a comment.
    fn above(&self) -> Option<Spot<'a>> {
        let mut end = self.line_start;
        while end > 0 {
            let start = self.source.slice(0, end - 1).rfind('\n').map_or(0, |at| at + 1);
            let line = self.source.slice(start, end).trim_end();
            if !line.trim_start().is_empty() && !line.trim_start().starts_with('#') {
                return Some(Spot { source: self.source, at: start, line_start: start, line });
            }
            end = start;
        }
        None
    }

    /// How many blanks the line begins with.
    fn indent(&self) -> usize {
        self.line.len() - self.line.trim_start().len()
    }
}

/// `${…}` without quotes inside `{ … }` or `[ … ]`, where `{` begins a mapping.
fn placeholder(spot: &Spot<'_>, _: &str) -> Option<Diagnostic> {
    let before = spot.before().strip_suffix('$').filter(|_| spot.after().starts_with('{'))?;
    let begin = before.rfind(['{', '[', ',', ':']).map_or(0, |at| at + 1);
    let written = spot.source.from(spot.line_start + begin).lines().next().unwrap_or_default();
    let value = written.trim_start();
    let start = spot.line_start + begin + written.len() - value.len();
    let len = placeholders_end(value);
    let value = value.get(..len).unwrap_or(value);
    Some(
        Diagnostic::error(
            "unquoted-placeholder",
            spot.source.span(start, start + len),
            "a value with `${…}` needs quotes inside `{ }` and `[ ]`",
        )
        .help(format!("write {}", quoted(value))),
    )
}

/// Where the value ends that `text` begins with: before the first `,`, `}` or `]` outside of `${…}`.
pub(super) fn placeholders_end(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ',' if depth == 0 => return text.get(..at).map_or(at, |value| value.trim_end().len()),
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    text.trim_end().len()
}

fn tab(spot: &Spot<'_>, info: &str) -> Option<Diagnostic> {
    if !info.contains("tab") {
        return None;
    }
    let mut start = spot.line_start;
    for line in spot.source.from(start).split_inclusive('\n').take(100) {
        let blanks = line.get(..line.len() - line.trim_start().len()).unwrap_or_default();
        if let Some(tab) = blanks.find('\t').filter(|_| !line.trim().is_empty()) {
            return Some(
                spot.error(start + tab, start + tab + 1, "this line is indented with a tab")
                    .help("YAML is indented with spaces only: put two spaces instead of each tab"),
            );
        }
        start += line.len();
    }
    Some(spot.error(spot.at, spot.at + 1, "there is a tab where YAML wants spaces").help("replace the tab by spaces"))
}

/// A value that begins with a character that means something to YAML.
fn mark(spot: &Spot<'_>, info: &str) -> Option<Diagnostic> {
    const INFOS: [&str; 6] = [
        "unexpected character",
        "unknown anchor",
        "an anchor or alias",
        "a tag",
        "handle wasn't declared",
        "did not find expected node content",
    ];
    let sign = spot.after().chars().next().filter(|c| "@`%*&!,|>".contains(*c))?;
    if let '|' | '>' = sign {
        let message = format!("the text behind `{sign}` begins on the next line");
        let help = format!(
            "write the text on lines of its own below, indented, or put it in quotes: {}",
            quoted(spot.after().trim_end())
        );
        return info.contains("block scalar").then(|| spot.error(spot.at, spot.at + 1, message).help(help));
    }
    if !INFOS.iter().any(|known| info.contains(known)) {
        return None;
    }
    let value = spot.after().trim_end();
    let message = format!("a text that begins with `{sign}` needs quotes");
    let found = spot.error(spot.at, spot.at + value.len(), message).help(format!("write {}", quoted(value)));
    Some(match sign {
        '*' if info.contains("unknown") => {
            found.help("`*name` stands for a value that was marked with `&name` above, and there is none")
        }
        _ => found,
    })
}

fn quote(spot: &Spot<'_>, info: &str) -> Option<Diagnostic> {
    if info.contains("unknown escape") {
        return Some(
            spot.error(spot.at, spot.at + 1, "a `\\` in this text is followed by a letter that means nothing there")
                .help("inside `\"…\"` a backslash is written twice: `\\\\`; inside `'…'` it is written once"),
        );
    }
    if info.contains("trailing content") {
        let apostrophe = spot.before().ends_with('\'');
        let found = spot.error(spot.at, spot.at + 1, "the quotes are closed, but the line goes on");
        return Some(if apostrophe {
            found.help("an apostrophe inside `'…'` is written twice, `'it''s'`; or use `\"it's\"`")
        } else {
            found.help("put the quotes around the whole value; inside `\"…\"` a quote is written `\\\"`")
        });
    }
    if !info.contains("quoted scalar") {
        return None;
    }
    let sign = spot.after().chars().next().unwrap_or('"');
    Some(
        spot.error(spot.at, spot.at + 1, format!("this `{sign}` is never closed"))
            .help(format!("put a `{sign}` at the end of the text")),
    )
}

fn bracket(spot: &Spot<'_>, info: &str) -> Option<Diagnostic> {
    if info.contains("misplaced bracket") {
        let help = "take it away, or put quotes around the text that it belongs to";
        return Some(spot.error(spot.at, spot.at + 1, "this bracket closes nothing").help(help));
    }
    let (sign, close) = match info {
        _ if info.contains("flow sequence") => ('[', ']'),
        _ if info.contains("flow mapping") => ('{', '}'),
        _ if info.contains("illegal placement of ':'") || info.contains("in flow") => ('[', ']'),
        _ => return None,
    };
    if spot.before().trim_end().ends_with([sign, ',', '}', ']'])
        || spot.before().trim().is_empty()
        || spot.after().starts_with(':')
    {
        return Some(
            spot.error(
                spot.at,
                spot.at + 1,
                format!("a `{sign}` above is not closed, or a `,` is missing before this"),
            )
            .help(format!(
                "look for the `{close}` that is missing; a text that holds brackets, commas or colons needs quotes"
            )),
        );
    }
    Some(
        spot.error(spot.at, spot.at + 1, format!("a `,` or `{close}` is missing before this"))
            .help("a text that holds brackets, commas or colons needs quotes"),
    )
}

/// `: ` inside of a value, or `name:value` without a space.
fn colon(spot: &Spot<'_>, info: &str) -> Option<Diagnostic> {
    if info.contains("simple key expect") {
        let line =
            if spot.line.trim().is_empty() || spot.before().trim().is_empty() { spot.above()? } else { spot.here() };
        return Some(line.lone());
    }
    if !info.contains("mapping values are not allowed") {
        return None;
    }
    if let Some((_, value)) = spot.before().split_once(": ") {
        let value = value.trim_start();
        let start = spot.at - value.len();
        let whole = spot.source.from(start).lines().next().unwrap_or_default().trim_end();
        return Some(
            spot.error(spot.at, spot.at + 1, "a text that holds `: ` needs quotes")
                .help(format!("write {}", quoted(whole))),
        );
    }
    spot.above().filter(|above| above.squeezed().is_some()).map(|above| above.lone())
}

impl<'a> Spot<'a> {
    fn here(&self) -> Spot<'a> {
        Spot { source: self.source, at: self.at, line_start: self.line_start, line: self.line }
    }

    /// The two halves of `name:value`, if that is all the line holds.
    fn squeezed(&self) -> Option<(&'a str, &'a str)> {
        let (name, value) = self.line.trim_start().trim_start_matches("- ").split_once(':')?;
        let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        (plain && value.starts_with(|c: char| !c.is_whitespace() && c != ':')).then_some((name, value.trim_end()))
    }

    /// What stands behind the dash of `-item`.
    fn squeezed_item(&self) -> Option<&'a str> {
        self.line.trim().strip_prefix('-').filter(|item| item.starts_with(|c: char| c.is_alphanumeric()))
    }

    /// Says what is wrong with a line that should be `name: value` and is not.
    fn lone(&self) -> Diagnostic {
        let start = self.line_start + self.indent();
        let end = self.line_start + self.line.trim_end().len();
        if let Some((name, value)) = self.squeezed() {
            return self.error(start, end, "there is no space behind the `:`").help(format!("write `{name}: {value}`"));
        }
        if let Some(item) = self.squeezed_item() {
            return self.error(start, end, "there is no space behind the `-`").help(format!("write `- {item}`"));
        }
        self.error(start, end, "this line is neither `name: value` nor `- item`")
            .help("if it goes on with the text above, indent it further; if it is a name, put a `:` behind it")
    }
}

fn dash(spot: &Spot<'_>, info: &str) -> Option<Diagnostic> {
    if info.contains("block sequence entries are not allowed") {
        return Some(
            spot.error(spot.at, spot.at + 1, "a list item needs a line of its own")
                .help("put each `- item` on its own line below, or write the list as `[one, two]`")
                .help("if it is meant as text, put it in quotes"),
        );
    }
    info.contains("must be followed by").then(|| {
        spot.error(spot.at, spot.at + 1, "a space is missing behind this").help("write `- item` and `name: value`")
    })
}

fn indentation(spot: &Spot<'_>, info: &str) -> Option<Diagnostic> {
    let known = [
        "did not find expected key",
        "expected '-'",
        "mapping values are not allowed",
        "invalid indentation",
        "wrongly indented",
    ];
    if !known.iter().any(|known| info.contains(known)) {
        return None;
    }
    // The parser takes the dash for a part of the name, and stumbles over the line below.
    if let Some(above) = spot.above().filter(|above| above.squeezed_item().is_some()) {
        return Some(above.lone());
    }
    let start = spot.line_start + spot.indent();
    let end = spot.line_start + spot.line.trim_end().len();
    if spot.line.trim_start().starts_with(['-']) && spot.above().is_some_and(|above| above.line.contains(": ")) {
        return Some(spot.error(start, end, "a list item does not fit here").help(
            "indent it like the other items of its list; a name that holds a list has no value on its own line",
        ));
    }
    Some(
        spot.error(start, end, "this line is indented unlike the lines it belongs to")
            .help("begin it in the same column as its neighbours; what belongs to a name stands two spaces further in"),
    )
}
