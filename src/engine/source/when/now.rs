//! Makes time windows of `now`.

use serde_json::Value;

use super::super::Workshop;
use super::super::names::Names;
use super::super::yaml::{Node, Yaml};
use super::outline::WINDOW;
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::matcher::Ask;
use crate::engine::path::{Path, Segment};
use crate::engine::schema;
use crate::engine::window::{Holidays, Window};

const HOW_TO_WRITE: &str = "write days, hours and a time zone: `mon-fri 09:00-17:30 America/New_York`";

impl<'w> Workshop<'w> {
    /// `now: "mon-fri 09:00-17:00 Europe/Berlin"`, a list of such, or `{ is: …, except: holidays }`.
    pub(in crate::engine::source) fn windows(&mut self, node: &Node, names: &Names) -> Option<Ask> {
        let Yaml::Map(entries) = &node.value else {
            return Some(Ask::Within(self.window_list(node, names)?, None));
        };
        let before = self.found.len();
        for (key, _) in entries.iter().filter(|(key, _)| !schema::names(WINDOW).any(|name| name == key.text)) {
            self.found.push(
                Diagnostic::error("unknown-field", key.span, format!("a time window has no field `{}`", key.text))
                    .help("write `now: { is: \"mon-fri 09:00-17:00 Europe/Berlin\", except: holidays }`"),
            );
        }
        let Some(is) = node.get("is") else {
            // Who called it something else has been told.
            if self.found.len() == before {
                self.found.push(
                    Diagnostic::error("missing-field", node.span, "a time window needs `is`")
                        .help("write `now: { is: \"mon-fri 09:00-17:00 Europe/Berlin\", except: holidays }`"),
                );
            }
            return None;
        };
        let windows = self.window_list(is, names);
        let except = match node.get("except") {
            Some(except) => Some(self.holidays(except)?),
            None => None,
        };
        Some(Ask::Within(windows?, except))
    }

    fn window_list(&mut self, node: &Node, names: &Names) -> Option<Vec<Window>> {
        let Some(shared) = self.variable(node) else { return self.windows_of(node, names) };
        let before = self.found.len();
        let windows = self.windows_of(shared, names);
        for one in self.found.iter_mut().skip(before) {
            one.notes.push((node.span, "it is used here".into()));
        }
        windows
    }

    /// The variable that `node` stands for, if it is a placeholder and nothing else: what is wrong with it is wrong
    /// there, whoever uses it.
    fn variable(&self, node: &Node) -> Option<&'w Node> {
        let inside = node.as_str()?.strip_prefix("${")?.strip_suffix('}')?;
        let path = Path::parse(inside.trim()).filter(|path| path.root() == "vars")?;
        let mut keys = path.rest().iter().map(|segment| if let Segment::Key(key) = segment { Some(key) } else { None });
        let variable = self.vars.written(keys.next()??)?;
        // A text that holds a placeholder itself has been refused.
        let found = keys.try_fold(variable, |node, key| node.get(key?))?;
        (!found.as_str().is_some_and(|text| text.contains("${"))).then_some(found)
    }

    fn windows_of(&mut self, node: &Node, names: &Names) -> Option<Vec<Window>> {
        if let Yaml::List(items) = &node.value {
            if items.is_empty() {
                let found = Diagnostic::error("empty-condition", node.span, "`now` names no time window");
                self.found.push(found.help(HOW_TO_WRITE));
            }
            let windows: Vec<Option<Vec<Window>>> = items.iter().map(|item| self.window_list(item, names)).collect();
            return windows.into_iter().collect::<Option<Vec<_>>>().map(|windows| windows.concat());
        }
        match self.constant(node, names)? {
            Value::String(text) => Some(vec![self.window(&text, node)?]),
            // A list within one in `vars`.
            Value::Array(texts) if texts.iter().all(Value::is_string) => {
                texts.iter().filter_map(Value::as_str).map(|text| self.window(text, node)).collect()
            }
            _ => {
                let message = match node.as_str() {
                    Some(written) => format!("`{written}` stands for no time window"),
                    None => format!("a time window is a text, not {}", node.describe()),
                };
                self.found.push(Diagnostic::error("bad-window", node.span, message).help(HOW_TO_WRITE));
                None
            }
        }
    }

    fn window(&mut self, text: &str, node: &Node) -> Option<Window> {
        match Window::parse(text) {
            Ok(window) if window.names_holidays() => {
                Some(window.with_holidays(self.named_holidays("holidays", node.span)?))
            }
            Ok(window) => Some(window),
            Err(error) => {
                let span = match node.as_str() {
                    Some(written) if written == text => self.locate(node, error.at.start, error.at.end),
                    _ => node.span,
                };
                let found = Diagnostic::error("bad-window", span, error.message);
                self.found.push(match error.help {
                    Some(help) => found.help(help),
                    None => found,
                });
                None
            }
        }
    }

    /// A list of dates, or the name of one in `vars`.
    fn holidays(&mut self, node: &Node) -> Option<Holidays> {
        let Yaml::Text(text) = &node.value else { return self.dates(node, node.span) };
        let inside = text.text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let name = inside.unwrap_or(&text.text).trim().trim_start_matches("vars.");
        self.named_holidays(name, node.span)
    }

    fn named_holidays(&mut self, name: &str, span: Span) -> Option<Holidays> {
        let vars = self.vars;
        if let Some(dates) = vars.written(name) {
            return self.dates(dates, span);
        }
        let found =
            Diagnostic::error("unknown-variable", span, format!("there is no list of dates `{name}` in `vars`"))
                .suggest(name, vars.names());
        self.found.push(if found.help.is_empty() {
            found.help(format!("add it under `vars:` at the top of the file: `{name}: [2026-12-25, 01-01]`"))
        } else {
            found
        });
        None
    }

    /// The dates of a list, which a window asks for at `span`.
    fn dates(&mut self, node: &Node, span: Span) -> Option<Holidays> {
        let mut bad = |span, message: String| {
            let help = "write dates as `2026-12-25`, or `12-25` for every year";
            self.found.push(Diagnostic::error("bad-date", span, message).help(help));
        };
        let Yaml::List(items) = &node.value else {
            bad(span, format!("holidays are a list of dates, not {}", node.describe()));
            return None;
        };
        let (mut holidays, mut sound) = (Holidays::default(), true);
        for item in items {
            let added = match item.as_str() {
                Some(text) => holidays.add(text).map_err(|error| error.message),
                None => Err(format!("a date is a text, not {}", item.describe())),
            };
            if let Err(message) = added {
                bad(item.span, message);
                sound = false;
            }
        }
        sound.then_some(holidays)
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::Turn;
    use crate::engine::diagnostic::Sources;
    use crate::engine::facts::{Facts, Unhurried};
    use crate::engine::source::{Options, compile};

    /// What answers at `now` with these `vars` and this condition on `now`, or the first finding.
    fn answers(vars: &str, condition: &str, now: &str) -> Result<bool, String> {
        let rules = format!(
            "vars: {vars}\nrules:\n  - name: a\n    on: campaign.predial\n    when:\n      now: {condition}\n    \
             respond: {{ eligible: true }}\n"
        );
        let mut sources = Sources::default();
        sources.add("a.yaml", rules);
        let engine = match compile(&sources, &Options::default()) {
            Ok(compiled) => compiled.engine,
            Err(found) => return Err(found.first().unwrap().message.clone()),
        };
        let event = engine.read(br#"{"message":{"type":"campaign.predial"}}"#.to_vec()).unwrap();
        let facts = Facts { now: now.parse().unwrap(), ..Facts::default() };
        let decision = engine.decide(&event, Turn::Whole, &facts, std::sync::Arc::new(Unhurried)).unwrap();
        Ok(decision.answered_by.is_some())
    }

    #[test]
    fn hours_and_holidays_can_be_named() {
        let vars = "{ hours: [ mon 9:00-12:00 UTC, sat UTC ], holidays: [12-25], closed: [2026-11-23] }";
        for (condition, now, expected) in [
            ("\"${vars.hours}\"", "2026-11-23T09:00Z", true),
            ("\"${vars.hours}\"", "2026-11-23T13:00Z", false),
            ("[ tue UTC, \"${vars.hours}\" ]", "2026-11-28T13:00Z", true),
            ("holidays UTC", "2026-12-25T13:00Z", true),
            ("holidays UTC", "2026-12-26T13:00Z", false),
            ("{ is: \"${vars.hours}\", except: closed }", "2026-11-23T09:00Z", false),
            ("{ is: \"${vars.hours}\", except: \"${vars.closed}\" }", "2026-11-23T09:00Z", false),
            ("{ is: mon UTC, except: [2026-11-30] }", "2026-11-23T09:00Z", true),
        ] {
            assert_eq!(answers(vars, condition, now), Ok(expected), "{condition} at {now}");
        }
    }

    #[test]
    fn names_without_dates_are_refused() {
        for (vars, condition, message) in [
            ("{}", "holidays UTC", "there is no list of dates `holidays` in `vars`"),
            ("{}", "{ is: mon UTC, except: free }", "there is no list of dates `free` in `vars`"),
            (
                "{ free: christmas }",
                "{ is: mon UTC, except: free }",
                "holidays are a list of dates, not text `christmas`",
            ),
            ("{ free: [12-32] }", "{ is: mon UTC, except: free }", "`12-32` is not a date"),
            ("{}", "{ is: 9 }", "a time window is a text, not the number `9`"),
            ("{ hours: [1] }", "\"${vars.hours}\"", "a time window is a text, not the number `1`"),
        ] {
            assert_eq!(answers(vars, condition, "2026-11-23T09:00Z"), Err(message.to_owned()), "{condition}");
        }
    }
}
