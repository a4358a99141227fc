//! Holds a reply against the tables and gathers everything that certainly breaks them.

use super::audio;
use super::fault::{Fault, Step, listed, place};
use super::form::{Form, Object, Strays, Union};
use super::spoken::LANGUAGES;
use super::tree::{Shape, Tree};
use crate::engine::diagnostic::closest;

/// Everything in which `reply` certainly differs from `form`.
pub(super) fn check<T: Tree>(form: &Form, reply: &T) -> Vec<Fault> {
    let mut checker = Checker::default();
    checker.value(form, reply);
    checker.faults
}

/// With a suggestion at hand, longer lists of words than this only hide it.
const WORDS_LISTED_MAX: usize = 4;

/// A walk through a reply: where it stands, and what it has found.
#[derive(Default)]
struct Checker {
    path: Vec<Step>,
    faults: Vec<Fault>,
}

type Entries<'a, T> = [(&'a str, &'a T)];

impl Checker {
    fn value<T: Tree>(&mut self, form: &Form, value: &T) {
        match (form, value.shape()) {
            (Form::Any, _) | (_, Shape::Unknown) | (Form::Bool, Shape::Bool(_)) | (Form::Map, Shape::Map(_)) => {}
            (Form::Number { min, max }, Shape::Number(number)) => self.number(number, *min, *max),
            (form, Shape::UnknownText) if form.takes_text() => {}
            (form, Shape::Text(text)) if form.takes_text() => self.text(form, text),
            (Form::TextOr { other, .. }, Shape::Map(_)) => self.value(other, value),
            (Form::List(form), Shape::List(items)) => {
                for (at, item) in items.into_iter().enumerate() {
                    self.below(Step::Item(at), |checker| checker.value(form, item));
                }
            }
            (Form::MapOf(form), Shape::Map(entries)) => {
                for (key, value) in entries {
                    self.below(Step::Key(key.to_owned()), |checker| checker.value(form, value));
                }
            }
            (Form::Object(object), Shape::Map(entries)) => self.object(object, &entries),
            (Form::Tagged(union), Shape::Map(entries)) => self.union(union, &entries),
            (Form::Either(one, other), Shape::Map(_)) => {
                self.least([one, other], |checker, form| checker.value(form, value));
            }
            (form, shape) => self.wrong(form, &shape),
        }
    }

    fn below(&mut self, step: Step, look: impl FnOnce(&mut Checker)) {
        self.path.push(step);
        look(self);
        self.path.pop();
    }

    /// Looks at several possibilities and keeps the faults of the one that has fewest.
    fn least<F>(&mut self, possible: impl IntoIterator<Item = F>, look: impl Fn(&mut Checker, F)) {
        let found = possible.into_iter().map(|one| {
            let mut checker = Checker { path: self.path.clone(), faults: Vec::new() };
            look(&mut checker, one);
            checker.faults
        });
        self.faults.extend(found.min_by_key(Vec::len).unwrap_or_default());
    }

    fn fault(&mut self, message: impl FnOnce(&str) -> String, help: Option<String>) {
        let fault = Fault::new(&self.path, message(&place(&self.path)));
        self.faults.push(Fault { help, ..fault });
    }

    fn wrong<T>(&mut self, form: &Form, shape: &Shape<'_, T>) {
        let help = match (form, shape) {
            (_, Shape::Null) if !self.path.is_empty() => "leave it out where there is nothing to say",
            (Form::Bool, Shape::Text("true" | "false")) => "write it without quotes",
            (Form::Bool, Shape::Text("yes" | "on")) => "write `true`",
            (Form::Bool, Shape::Text("no" | "off")) => "write `false`",
            (Form::Number { .. }, Shape::Text(text)) if text.parse::<f64>().is_ok() => "write it without quotes",
            (form, Shape::Number(_) | Shape::Bool(_)) if form.takes_text() => "put it in quotes",
            (form, _) => form.help(),
        };
        self.fault(|place| format!("{place} is {}, but must be {}", shape.noun(), form.noun()), said(help));
    }

    fn number(&mut self, number: f64, min: f64, max: f64) {
        if (min..=max).contains(&number) {
            return;
        }
        let range = if max.is_finite() { format!("from {min} to {max}") } else { format!("at least {min}") };
        self.fault(|place| format!("{place} is {number}, but must be {range}"), None);
    }

    fn text(&mut self, form: &Form, text: &str) {
        match form {
            Form::Text { min, max } => self.length(text, *min, *max),
            Form::TextOr { max, .. } => self.length(text, 0, *max),
            Form::Words(words) => self.word(text, words, ""),
            Form::Name { max } => self.name(text, *max),
            Form::Language if !LANGUAGES.contains(&text) => {
                let help = "Vapi takes languages, not regions: `en`, not `en-US`".to_owned();
                self.fault(|place| format!("{place} is `{}`, which is no language code", shortened(text)), Some(help));
            }
            Form::Audio => {
                if let Err(why) = audio::decode(text) {
                    self.fault(|place| format!("{place} {}", why.message()), Some(why.help().to_owned()));
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, text: &str, max: usize) {
        let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_name {
            return self.length(text, 1, max);
        }
        let rule = "must be a letter followed by letters, digits and `_`";
        self.fault(|place| format!("{place} is `{}`, but {rule}", shortened(text)), None);
    }

    fn length(&mut self, text: &str, min: usize, max: usize) {
        let count = text.chars().count();
        if (min..=max).contains(&count) {
            return;
        }
        if count == 0 {
            self.fault(|place| format!("{place} is empty"), Some("give it a value or leave it out".to_owned()));
            return;
        }
        let range = if min > 1 { format!("{min} to {max}") } else { format!("at most {max}") };
        self.fault(|place| format!("{place} has {count} characters, but must have {range}"), None);
    }

    fn word(&mut self, text: &str, words: &[&str], otherwise: &str) {
        if words.contains(&text) {
            return;
        }
        let near = closest(text, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let rule = match &near {
            Some(_) if words.len() > WORDS_LISTED_MAX => "which Vapi does not know".to_owned(),
            _ => format!("but must be {}", listed(words.iter().copied())),
        };
        let help = near.or_else(|| said(otherwise));
        self.fault(|place| format!("{place} is `{}`, {rule}", shortened(text)), help);
    }

    fn union<T: Tree>(&mut self, union: &Union, entries: &Entries<'_, T>) {
        let tags = || union.variants.iter().map(|variant| variant.tag);
        match (get(entries, "type").map(Tree::shape), union.untyped) {
            (Some(Shape::Text(tag)), _) => match union.variant(tag) {
                Some(object) => self.object(object, entries),
                None => self.below(Step::Key("type".to_owned()), |checker| {
                    checker.word(tag, &tags().collect::<Vec<_>>(), union.help);
                }),
            },
            (Some(Shape::Unknown | Shape::UnknownText), _) => {
                self.least(union.variants, |checker, object| checker.object(object, entries));
            }
            (Some(shape), _) => {
                self.below(Step::Key("type".to_owned()), |checker| checker.wrong(&Form::Words(&[]), &shape));
            }
            (None, Some(object)) => self.object(object, entries),
            (None, None) => {
                let message = |place: &str| format!("{place} lacks `type`, which must be {}", listed(tags()));
                self.fault(message, said(union.help));
            }
        }
    }

    fn object<T: Tree>(&mut self, object: &Object, entries: &Entries<'_, T>) {
        let mut strayed = Strayed::default();
        for (key, value) in entries {
            self.below(Step::Key((*key).to_owned()), |checker| match object.field(key) {
                Some(form) => checker.value(form, *value),
                None => checker.stray(object, key, entries, &mut strayed),
            });
        }
        for (key, _) in object.required {
            if get(entries, key).is_none() && !strayed.meant.contains(key) && !strayed.advised {
                self.fault(|place| format!("{place} lacks `{key}`"), None);
            }
        }
        self.alternatives(object, entries, &strayed);
    }

    /// Looks at an entry that the object does not list.
    fn stray<T>(&mut self, object: &Object, key: &str, entries: &Entries<'_, T>, strayed: &mut Strayed) {
        let free = object.fields().map(|(name, _)| *name).filter(|name| get(entries, name).is_none());
        let near = if object.strays == Strays::Tolerated { None } else { closest(key, free) };
        let advice = object.advice.iter().find(|(tried, _)| *tried == key).map(|(_, advice)| (*advice).to_owned());
        if object.strays != Strays::Refused && near.is_none() && advice.is_none() {
            return;
        }
        strayed.advised |= advice.is_some();
        strayed.meant.extend(near);
        let suggestion = || near.map(|near| format!("did you mean `{near}`?"));
        let known = || format!("known there: {}", listed(object.fields().map(|(name, _)| *name)).replace(" or ", ", "));
        let help = advice.or_else(suggestion).unwrap_or_else(known);
        let fault = Fault::new(&self.path, format!("{} is unknown to Vapi", place(&self.path)));
        self.faults.push(fault.help(help).at_key());
    }

    /// Looks at the entries of which one must be there, unless a stray one was meant to be it, and at those of
    /// which only one may be.
    fn alternatives<T: Tree>(&mut self, object: &Object, entries: &Entries<'_, T>, strayed: &Strayed) {
        let is_there = |key: &&str| get(entries, key).is_some();
        let meant = strayed.advised || object.needs.iter().any(|key| strayed.meant.contains(key));
        if !object.needs.is_empty() && !object.needs.iter().any(is_there) && !meant {
            let needs = listed(object.needs.iter().copied());
            self.fault(|place| format!("{place} must hold {needs}"), said(object.help));
        }
        let is_certain = |key: &&str| get(entries, key).is_some_and(|value| value.shape().is_certainly_there());
        let certain: Vec<&str> = object.exclusive.iter().copied().filter(is_certain).collect();
        if certain.len() > 1 {
            self.fault(|place| format!("{place} must hold only one: {}", listed(certain)), None);
        }
    }
}

/// What the entries were meant for that an object does not list.
#[derive(Default)]
struct Strayed {
    /// Entries that are listed, and were misspelt.
    meant: Vec<&'static str>,
    /// Whether one of them was told where it belongs.
    advised: bool,
}

/// A help that a table may leave empty.
fn said(help: &str) -> Option<String> {
    (!help.is_empty()).then(|| help.to_owned())
}

fn get<'a, T>(entries: &Entries<'a, T>, key: &str) -> Option<&'a T> {
    entries.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
}

/// The beginning of a text, so that a message stays a line.
fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(60).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}
