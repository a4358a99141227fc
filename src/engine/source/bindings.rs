//! Reads a rule's `let`: names for values, computed when first needed.

use super::Workshop;
use super::names::Names;
use super::yaml::{Node, Yaml};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::path::{Path, Segment};
use crate::engine::template::{Part, Template};
use crate::engine::term::{Lookup, Term};

/// Names that mean something else already.
const TAKEN: &[&str] = &["event", "vars", "headers", "now", "state", "args", "tool", "secrets", "this"];

impl Workshop<'_> {
    /// The names that the field `what` gives, `let` or `with`, in order.
    pub(super) fn binding_names(&mut self, what: &str, node: Option<&Node>) -> Vec<String> {
        let Some(node) = node else { return Vec::new() };
        let Yaml::Map(entries) = &node.value else {
            self.found.push(
                Diagnostic::error(
                    "wrong-type",
                    node.span,
                    format!("`{what}` is a mapping of names to values, not {}", node.describe()),
                )
                .help("write each on a line of its own: `caller: ${customer.number}`"),
            );
            return Vec::new();
        };
        let mut names = Vec::with_capacity(entries.len());
        for (key, _) in entries {
            let plain =
                Path::parse(&key.text).is_some_and(|path| path.segments() == [Segment::Key(key.text.as_str().into())]);
            if TAKEN.contains(&key.text.as_str()) {
                self.found.push(
                    Diagnostic::error("taken-name", key.span, format!("`{}` means something else already", key.text))
                        .help("choose another name"),
                );
            } else if !plain {
                self.found.push(
                    Diagnostic::error("bad-name", key.span, format!("`{}` cannot be a name", key.text))
                        .help("a name is made of letters, digits and `_`, and does not begin with a digit"),
                );
            }
            names.push(key.text.clone());
        }
        names
    }

    /// The values of `let`, in the order of their names.
    pub(super) fn bindings(&mut self, node: Option<&Node>, names: &Names) -> Vec<Template> {
        let entries = node.map(Node::entries).unwrap_or_default();
        let lets: Vec<Template> = entries.iter().map(|(_, node)| self.template(node, names)).collect();
        let uses = |from: usize, target: usize| reaches(&lets, from, target, &mut vec![false; lets.len()]);
        for (index, (key, _)) in entries.iter().enumerate().filter(|(index, _)| uses(*index, *index)) {
            // A circle is reported once, at the first of its names.
            if (0..index).any(|earlier| uses(earlier, index) && uses(index, earlier)) {
                continue;
            }
            let circle = entries
                .iter()
                .enumerate()
                .skip(index + 1)
                .filter(|(other, _)| uses(*other, index) && uses(index, *other));
            let through: Vec<String> = circle.map(|(_, (key, _))| format!("`{}`", key.text)).collect();
            let through =
                if through.is_empty() { String::new() } else { format!(", through {}", through.join(" and ")) };
            self.found.push(
                Diagnostic::error("circular-let", key.span, format!("`{}` is computed from itself{through}", key.text))
                    .help("a name in `let` may use others, but not in a circle: write one of them in another way"),
            );
        }
        lets
    }
}

/// Whether binding `from` looks, directly or through others, at binding `target`.
fn reaches(lets: &[Template], from: usize, target: usize, seen: &mut [bool]) -> bool {
    let mut direct = Vec::new();
    if let Some(template) = lets.get(from) {
        collect(template, &mut direct);
    }
    direct.into_iter().any(|next| {
        let new = seen.get_mut(next).is_some_and(|seen| !std::mem::replace(seen, true));
        next == target || (new && reaches(lets, next, target, seen))
    })
}

fn collect(template: &Template, into: &mut Vec<usize>) {
    match template {
        Template::Constant(_) => {}
        Template::Hole(term) => collect_term(term, into),
        Template::Text(parts) => {
            for part in parts {
                if let Part::Hole(term) = part {
                    collect_term(term, into);
                }
            }
        }
        Template::List(items) => items.iter().for_each(|item| collect(item, into)),
        Template::Map(entries) => entries.iter().for_each(|(_, entry)| collect(entry, into)),
    }
}

fn collect_term(term: &Term, into: &mut Vec<usize>) {
    let inputs = match term {
        Term::Lookup(lookup) => std::slice::from_ref(lookup),
        Term::Evaluation(evaluation) => &evaluation.inputs,
    };
    into.extend(
        inputs.iter().filter_map(|lookup| if let Lookup::Let(index, _) = lookup { Some(*index) } else { None }),
    );
}
