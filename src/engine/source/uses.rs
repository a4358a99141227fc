//! Which of a rule's own names its parts look at, by their numbers.

use crate::engine::act::{Act, Does, Errand};
use crate::engine::binding::Binding;
use crate::engine::matcher::{Ask, Condition};
use crate::engine::outgoing::{Content, Outgoing};
use crate::engine::rule::Answer;
use crate::engine::template::{Part, Template};
use crate::engine::term::{Evaluation, Lookup, Term};

/// What was found.
#[derive(Default)]
pub(super) struct Uses {
    /// The numbers of names, in no order, some perhaps twice.
    pub(super) names: Vec<usize>,
    /// Whether scripts among it may ask others something.
    pub(super) scripts_ask: bool,
}

impl Uses {
    pub(super) fn of(look: impl FnOnce(&mut Uses)) -> Uses {
        let mut uses = Uses::default();
        look(&mut uses);
        uses
    }

    /// These and what they look at themselves, each once, in order.
    pub(super) fn followed(self, bindings: &[Binding]) -> Vec<usize> {
        let mut seen = vec![false; bindings.len()];
        let mut open = self.names;
        while let Some(next) = open.pop() {
            let new = seen.get_mut(next).is_some_and(|seen| !std::mem::replace(seen, true));
            if let (true, Some(binding)) = (new, bindings.get(next)) {
                open.extend(Uses::of(|uses| uses.binding(binding)).names);
            }
        }
        (0..bindings.len()).filter(|index| seen.get(*index) == Some(&true)).collect()
    }

    pub(super) fn binding(&mut self, binding: &Binding) {
        match binding {
            Binding::Value(template) => self.template(template),
            Binding::Fetch(fetch) => self.outgoing(&fetch.request),
        }
    }

    pub(super) fn answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Respond(template) => self.template(template),
            Answer::Run(handler) => self.lookups(&handler.inputs),
            Answer::Script(evaluation) => self.evaluation(evaluation),
            Answer::Rows(rows) => rows.rows().iter().for_each(|row| self.template(&row.reply)),
        }
    }

    pub(super) fn act(&mut self, act: &Act) {
        self.conditions(&act.when);
        match &act.does {
            Does::Request(errand) => self.errand(errand),
            Does::Set(values) => values.iter().for_each(|(_, value)| self.template(value)),
            Does::Log(text) => self.template(text),
        }
    }

    pub(super) fn conditions<'c>(&mut self, conditions: impl IntoIterator<Item = &'c Condition>) {
        for condition in conditions {
            match &condition.ask {
                Ask::Value(lookup, _) | Ask::Share { of: lookup, .. } => self.lookup(lookup),
                Ask::If(evaluation) => self.evaluation(evaluation),
                Ask::All(inner) | Ask::Any(inner) | Ask::Not(inner) => self.conditions(inner),
                Ask::Row(rows) => rows.lookups().for_each(|lookup| self.lookup(lookup)),
                Ask::KindName(_) | Ask::Within(..) => {}
            }
        }
    }

    fn errand(&mut self, errand: &Errand) {
        self.outgoing(&errand.request);
        errand.sign.iter().for_each(|key| self.template(key));
    }

    fn outgoing(&mut self, request: &Outgoing) {
        self.template(&request.url);
        request.headers.iter().for_each(|(_, value)| self.template(value));
        match &request.body {
            None => {}
            Some(Content::Json(template) | Content::Text(template)) => self.template(template),
            Some(Content::Form(fields)) => fields.iter().for_each(|(_, value)| self.template(value)),
        }
    }

    pub(super) fn template(&mut self, template: &Template) {
        match template {
            Template::Constant(_) => {}
            Template::Hole(term) => self.term(term),
            Template::Text(parts) => {
                for part in parts {
                    if let Part::Hole(term) = part {
                        self.term(term);
                    }
                }
            }
            Template::List(items) => items.iter().for_each(|item| self.template(item)),
            Template::Map(entries) => entries.iter().for_each(|(_, entry)| self.template(entry)),
        }
    }

    fn term(&mut self, term: &Term) {
        match term {
            Term::Lookup(lookup) => self.lookup(lookup),
            Term::Evaluation(evaluation) => self.evaluation(evaluation),
        }
    }

    fn evaluation(&mut self, evaluation: &Evaluation) {
        self.scripts_ask |= evaluation.expression.reach().asks;
        self.lookups(&evaluation.inputs);
    }

    fn lookups(&mut self, lookups: &[Lookup]) {
        for lookup in lookups {
            self.lookup(lookup);
        }
    }

    pub(super) fn lookup(&mut self, lookup: &Lookup) {
        if let Lookup::Let(index, _) = lookup {
            self.names.push(*index);
        }
    }
}
