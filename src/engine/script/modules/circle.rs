//! Files that import each other in a circle, so that none of them can be loaded first.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Import, Parsed};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::script::Core;

/// One finding for each circle among the files that wait to be loaded. Those that only wait for a circle, or for a file
/// that could not be read, say nothing more.
pub(super) fn circles(waiting: &[&Parsed<'_>], core: &Core) -> Vec<Diagnostic> {
    let mut told: HashSet<&str> = HashSet::new();
    let mut found = Vec::new();
    for one in waiting {
        if told.contains(one.file.module) {
            continue;
        }
        if let Some(circle) = way_back(one, waiting) {
            told.extend(circle.iter().map(|link| link.from.file.module));
            found.extend(finding(&circle, core));
        }
    }
    found
}

/// One file, and its import of the next.
#[derive(Clone, Copy)]
struct Link<'a> {
    from: &'a Parsed<'a>,
    import: &'a Import,
}

/// The shortest way from `one` along imports back to itself.
fn way_back<'a>(one: &'a Parsed<'a>, all: &[&'a Parsed<'a>]) -> Option<Vec<Link<'a>>> {
    let find = |module: &str| all.iter().copied().find(|other| other.file.module == module);
    let mut reached: HashMap<&str, Link<'a>> = HashMap::new();
    let mut next = VecDeque::from([one]);
    while let Some(from) = next.pop_front() {
        for import in from.found.iter().flat_map(|found| &found.imports) {
            let Some(to) = import.path.as_deref().and_then(find) else { continue };
            let link = Link { from, import };
            if to.file.module == one.file.module {
                return Some(back_to(one, link, &reached));
            }
            if !reached.contains_key(to.file.module) {
                reached.insert(to.file.module, link);
                next.push_back(to);
            }
        }
    }
    None
}

/// The links from `one` to `last`.
fn back_to<'a>(one: &Parsed<'_>, last: Link<'a>, reached: &HashMap<&str, Link<'a>>) -> Vec<Link<'a>> {
    let before = |link: &Link<'a>| {
        (link.from.file.module != one.file.module).then(|| reached.get(link.from.file.module).copied()).flatten()
    };
    let mut links: Vec<_> = std::iter::successors(Some(last), before).collect();
    links.reverse();
    links
}

fn finding(circle: &[Link<'_>], core: &Core) -> Option<Diagnostic> {
    let span = |link: &Link<'_>| Some(core.files.get(link.from.file.path)?.word(link.import.position));
    let names: Vec<String> = circle.iter().map(|link| format!("`{}`", link.from.file.module)).collect();
    let (first, others) = circle.split_first()?;
    let finding = |at: Span, message| Diagnostic::error("import-cycle", at, message);
    if others.is_empty() {
        let message = format!("{} imports itself", names.concat());
        return Some(finding(span(first)?, message).help("a script sees its own functions without an import"));
    }
    let (last, before) = names.split_last()?;
    let message = format!("{} and {last} import each other in a circle", before.join(", "));
    let found = finding(span(first)?, message).help("move what they share to another script");
    let notes = others
        .iter()
        .filter_map(|link| Some((span(link)?, format!("`{}` is imported here", link.import.path.as_deref()?))));
    Some(notes.fold(found, |found, (at, text)| found.note(at, text)))
}
