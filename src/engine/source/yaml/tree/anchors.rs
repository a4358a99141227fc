//! Values that were named with `&` and stand again where `*` says so.

use std::collections::HashMap;

use super::super::super::super::diagnostic::{Diagnostic, Span};
use super::super::{ALIASED_MAX, DEPTH_MAX, traps};
use super::Grown;

/// The named values of a document, and how much was copied of them.
#[derive(Default)]
pub(super) struct Anchors {
    known: HashMap<usize, Anchor>,
    copied: usize,
}

struct Anchor {
    /// Where it was named.
    span: Span,
    used: bool,
    /// What it stands for, once that is complete.
    value: Option<Grown>,
}

impl Anchors {
    /// Remembers a name whose value is still to come.
    pub(super) fn name(&mut self, id: usize, span: Span) {
        self.known.insert(id, Anchor { span, used: false, value: None });
    }

    /// Keeps a copy of a complete value if it has a name.
    pub(super) fn keep(&mut self, grown: &Grown) -> Result<(), Diagnostic> {
        let Some(anchor) = self.known.get_mut(&grown.anchor) else {
            return Ok(());
        };
        self.copied += grown.nodes;
        if self.copied > ALIASED_MAX {
            return Err(traps::too_many_aliased(anchor.span));
        }
        anchor.value = Some(Grown { anchor: 0, ..grown.clone() });
        Ok(())
    }

    /// What the alias at `span`, `depth` collections deep, stands for.
    pub(super) fn resolve(&mut self, id: usize, span: Span, depth: usize) -> Result<Grown, Diagnostic> {
        // The parser knows all names: one that is not here cannot come.
        let anchor = self.known.get_mut(&id).ok_or_else(|| traps::contains_itself(span, span))?;
        anchor.used = true;
        let grown = anchor.value.as_ref().ok_or_else(|| traps::contains_itself(span, anchor.span))?;
        self.copied += grown.nodes;
        if self.copied > ALIASED_MAX {
            return Err(traps::too_many_aliased(span));
        }
        if depth + grown.height > DEPTH_MAX {
            return Err(traps::too_deep(span));
        }
        Ok(grown.clone())
    }

    /// Where values were named whose names were never used.
    pub(super) fn unused(&self) -> Vec<Span> {
        let mut unused: Vec<Span> =
            self.known.values().filter(|anchor| !anchor.used).map(|anchor| anchor.span).collect();
        unused.sort();
        unused
    }
}
