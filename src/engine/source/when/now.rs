//! Makes time windows of `now`.

use serde_json::Value;

use super::super::Workshop;
use super::super::names::Names;
use super::super::yaml::{Node, Yaml};
use crate::engine::diagnostic::Diagnostic;
use crate::engine::matcher::Ask;
use crate::engine::window::{Holidays, Window};

impl Workshop<'_> {
    /// `now: "mon-fri 09:00-17:00 Europe/Berlin"`, a list of such, or `{ is: …, except: holidays }`.
    pub(super) fn windows(&mut self, node: &Node, names: &Names) -> Option<Ask> {
        let Yaml::Map(entries) = &node.value else {
            return Some(Ask::Within(self.window_list(node, names)?, None));
        };
        for (key, _) in entries.iter().filter(|(key, _)| !matches!(key.text.as_str(), "is" | "except")) {
            self.found.push(
                Diagnostic::error("unknown-field", key.span, format!("a time window has no field `{}`", key.text))
                    .suggest(&key.text, ["is", "except"]),
            );
        }
        let Some(is) = node.get("is") else {
            self.found.push(
                Diagnostic::error("missing-field", node.span, "a time window needs `is`")
                    .help("write `now: { is: \"mon-fri 09:00-17:00 Europe/Berlin\", except: holidays }`"),
            );
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
        let dates = match &node.value {
            Yaml::List(items) => {
                items.iter().map(|item| item.as_str().map(ToOwned::to_owned)).collect::<Option<Vec<_>>>()
            }
            Yaml::Text(text) => {
                let name = text.text.trim_start_matches("vars.");
                let Some(Value::Array(dates)) = self.vars.get(name) else {
                    self.found.push(
                        Diagnostic::error(
                            "unknown-variable",
                            node.span,
                            format!("there is no list of dates `{name}` in `vars`"),
                        )
                        .suggest(name, self.vars.keys().map(String::as_str))
                        .help(format!("add it at the top of the file:\n  vars:\n    {name}: [2026-12-25, 2027-01-01]")),
                    );
                    return None;
                };
                dates.iter().map(|date| date.as_str().map(ToOwned::to_owned)).collect()
            }
            _ => None,
        };
        let parsed = dates.ok_or_else(|| "holidays are a list of dates".to_owned()).and_then(|dates| {
            let dates: Vec<&str> = dates.iter().map(String::as_str).collect();
            Holidays::parse(dates).map_err(|(_, error)| error.message)
        });
        match parsed {
            Ok(holidays) => Some(holidays),
            Err(message) => {
                self.found.push(
                    Diagnostic::error("bad-date", node.span, message)
                        .help("write dates as `2026-12-25`, or `12-25` for every year"),
                );
                None
            }
        }
    }
}
