//! What rules count on of their tools, held against what Vapi has.

use std::time::Duration;

use super::Export;
use crate::engine::tools::Declaration;

/// How long Vapi waits for a tool that does not say so, in seconds (contract, section 4).
const TIMEOUT_SECS: f64 = 20.0;

/// Where tools as they are `declared` and as Vapi has them differ, a line for each difference; each comes with the time that
/// its server counts on.
#[must_use]
pub fn differences(declared: &[(Declaration, Duration)], export: &Export) -> Vec<String> {
    let mut found = Vec::new();
    for (tool, counted_on) in declared {
        let name = &tool.name;
        let Some(there) = export.tools.get(name) else {
            found.push(format!("`{name}` is declared, but Vapi has no such tool"));
            continue;
        };
        let waits = there.timeout.unwrap_or(TIMEOUT_SECS);
        if waits < counted_on.as_secs_f64() {
            found.push(format!(
                "Vapi waits {waits} s for `{name}`, and the rules count on {} s: let Vapi wait as long \
                 (`server.timeoutSeconds`), or set `timeout: {waits}s` for this server in the settings",
                counted_on.as_secs_f64()
            ));
        }
        if tool.parameters != there.parameters {
            found.push(format!("`{name}` takes other arguments at Vapi than are declared"));
        }
        if tool.description != there.description {
            found.push(format!("`{name}` is described otherwise at Vapi than it is declared"));
        }
    }
    let is_declared = |name: &str| declared.iter().any(|(tool, _)| tool.name == name);
    let others = export.tools.keys().filter(|name| !is_declared(name));
    found.extend(others.map(|name| format!("Vapi has a tool `{name}`, which is not declared")));
    found
}
