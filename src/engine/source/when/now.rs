//! Makes time windows of `now`.

use serde_json::Value;

use super::super::Workshop;
use super::super::names::Names;
use super::super::yaml::{Node, Yaml};
use crate::engine::diagnostic::{Diagnostic, Span};
use crate::engine::matcher::Ask;
use crate::engine::window::{Holidays, Window};

impl Workshop<'_> {
    /// `now: "mon-fri 09:00-17:00 Europe/Berlin"`, a list of such, or `{ is: …, except: holidays }`.
    pub(super) fn windows(&mut self, node: &Node, names: &Names) -> Option<Ask> {
        let Yaml::Map(entries) = &node.value else {
            return Some(Ask::Within(self.window_list(node, names)?, None));
        };
        let before = self.found.len();
        for (key, _) in entries.iter().filter(|(key, _)| !matches!(key.text.as_str(), "is" | "except")) {
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
        let nodes = match &node.value {
            Yaml::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let windows: Vec<Option<Window>> = nodes.iter().map(|node| self.window(node, names)).collect();
        windows.into_iter().collect()
    }

    fn window(&mut self, node: &Node, names: &Names) -> Option<Window> {
        let Some(Value::String(text)) = self.constant(node, names) else {
            self.found.push(
                Diagnostic::error("bad-window", node.span, format!("a time window is a text, not {}", node.describe()))
                    .help("write days, hours and a time zone: `mon-fri 09:00-17:30 America/New_York`"),
            );
            return None;
        };
        match Window::parse(&text) {
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
        match &node.value {
            Yaml::Text(name) => self.named_holidays(name.text.trim_start_matches("vars."), node.span),
            _ => self.dates(&node.to_json(), node.span),
        }
    }

    fn named_holidays(&mut self, name: &str, span: Span) -> Option<Holidays> {
        let vars = self.vars;
        if let Some(dates) = vars.get(name) {
            return self.dates(dates, span);
        }
        let found =
            Diagnostic::error("unknown-variable", span, format!("there is no list of dates `{name}` in `vars`"))
                .suggest(name, vars.keys().map(String::as_str));
        self.found.push(if found.help.is_empty() {
            found.help(format!("add it under `vars:` at the top of the file: `{name}: [2026-12-25, 01-01]`"))
        } else {
            found
        });
        None
    }

    fn dates(&mut self, dates: &Value, span: Span) -> Option<Holidays> {
        let dates = dates.as_array().and_then(|dates| dates.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        let parsed = dates
            .ok_or_else(|| "holidays are a list of dates".to_owned())
            .and_then(|dates| Holidays::parse(dates).map_err(|(_, error)| error.message));
        match parsed {
            Ok(holidays) => Some(holidays),
            Err(message) => {
                let help = "write dates as `2026-12-25`, or `12-25` for every year";
                self.found.push(Diagnostic::error("bad-date", span, message).help(help));
                None
            }
        }
    }
}
