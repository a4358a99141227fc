//! What authors trip over in YAML, in words for somebody who has never programmed.
//!
//! The parser says what it did not expect, often a line too late. [`explain`] looks at the text around
//! that place and says what most likely happened and how to mend it; the other functions word the
//! findings of the [tree](super::tree).

use saphyr_parser::Tag;

use super::super::super::diagnostic::{Diagnostic, Span};
use super::tree::Source;
use super::{ALIASED_MAX, DEPTH_MAX, NODES_MAX, Node, shortened};

mod syntax;

pub(super) use syntax::explain;

/// Finds a `#` that ends a value in the middle, behind the plain `text` that stands at `span`, perhaps inside brackets.
pub(super) fn comment(source: &Source<'_>, text: &str, span: Span, in_brackets: bool) -> Option<Diagnostic> {
    let end = source.byte(span.end);
    let rest = source.from(end);
    let rest = if text.is_empty() { rest.strip_prefix(':')? } else { rest };
    let line = rest.lines().next().unwrap_or_default();
    let comment = line.trim_start().strip_prefix('#')?;
    let at = end + rest.len() - rest.trim_start().len() + usize::from(text.is_empty());
    let hash = source.span(at, at + 1);
    let value_end = if in_brackets { syntax::placeholders_end(line) } else { line.trim_end().len() };
    let whole = quoted(&format!("{text}{}", line.get(..value_end).unwrap_or(line)));
    if text.contains("${") && !text.contains('}') {
        return Some(
            Diagnostic::error("yaml-comment", hash, "the value ends here, because ` #` begins a comment")
                .note(span, "this is all that is left of it")
                .help(format!("the whole value needs quotes: {whole}")),
        );
    }
    // People put a blank behind the `#` of a comment, or draw a line of signs.
    let is_swallowed = comment.starts_with(|c: char| c.is_alphanumeric() || "${\"'(".contains(c));
    let space = "if it is meant as a comment, put a space behind the `#`";
    is_swallowed.then(|| match text {
        "" => Diagnostic::warning("yaml-comment", hash, "`#` begins a comment, so there is no value here")
            .help(format!(
                "if it is meant as the value, put it in quotes: {}",
                quoted(&format!("#{}", comment.trim_end()))
            ))
            .help(space),
        _ => Diagnostic::warning("yaml-comment", hash, "the text ends here, because ` #` begins a comment")
            .note(span, "this is all that is left of it")
            .help(format!("if it goes on, the whole text needs quotes: {whole}"))
            .help(space),
    })
}

pub(super) fn number_too_large(text: &str, span: Span) -> Diagnostic {
    Diagnostic::error("yaml-number", span, format!("the number `{}` is too large to be kept exactly", shortened(text)))
        .help(format!("if it is a name or an id, put it in quotes: {}", quoted(text)))
}

/// A tag that the value does not fit.
pub(super) fn misfit_tag(tag: &Tag, text: &str, span: Span) -> Diagnostic {
    Diagnostic::error("yaml-tag", span, format!("`{}` is not what the tag `!!{}` says", shortened(text), tag.suffix))
        .help("take the tag away, or mend the value")
}

/// A tag that means nothing here, before `text`.
pub(super) fn no_tag(tag: &Tag, text: &str, span: Span) -> Diagnostic {
    let name = match (tag.is_yaml_core_schema(), tag.handle.as_str()) {
        (true, _) => format!("!!{}", tag.suffix),
        (_, "") => "!".to_owned(),
        _ => tag.to_string(),
    };
    let whole = if text.is_empty() { name.clone() } else { format!("{name} {text}") };
    Diagnostic::error("yaml-tag", span, format!("there is no tag `{name}`"))
        .help(format!("a text that begins with `!` needs quotes: {}", quoted(&whole)))
}

pub(super) fn unused_anchor(written: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("yaml-alias", span, format!("`{written}` names a value that is never used again"))
        .help("a text that begins with `&` needs quotes; to use the value elsewhere, write its name behind a `*`")
}

pub(super) fn contains_itself(span: Span, anchor: Span) -> Diagnostic {
    Diagnostic::error("yaml-alias", span, "this value would contain itself")
        .note(anchor, "it begins here")
        .help("write out what is meant instead of the name behind the `*`")
}

pub(super) fn too_many_aliased(span: Span) -> Diagnostic {
    Diagnostic::error("yaml-alias", span, format!("the names in this file stand for more than {ALIASED_MAX} values"))
        .help("use `&` and `*` for small values, and not inside of one another")
}

pub(super) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("yaml-depth", span, format!("lists and mappings nest more than {DEPTH_MAX} deep"))
        .help("look for a `[` or `{` without its counterpart, or for lines that are indented too far")
}

pub(super) fn too_large(span: Span) -> Diagnostic {
    Diagnostic::error("yaml-size", span, format!("the file holds more than {NODES_MAX} values"))
        .help("divide it into several files, or keep the data in a table")
}

pub(super) fn no_key(span: Span) -> Diagnostic {
    Diagnostic::error("yaml-key", span, "there is no name before the `:`").help("write `name: value`")
}

/// A list or a mapping stands where a name is expected.
pub(super) fn collection_as_key(written: &str, span: Span, node: &Node) -> Diagnostic {
    let found = Diagnostic::error("yaml-key", span, format!("{} cannot be the name before a `:`", node.kind()));
    if written.starts_with('{') {
        let text = format!("{{{written}}}");
        return found.help(format!("text with `{{{{…}}}}` needs quotes: {}", quoted(&text)));
    }
    found.help("put quotes around it if it is meant as text")
}

/// `text` as it stands between quotes in a file, in backticks; cut if it is long.
fn quoted(text: &str) -> String {
    let short = shortened(text);
    if short.contains('"') { format!("`'{}'`", short.replace('\'', "''")) } else { format!("`\"{short}\"`") }
}
