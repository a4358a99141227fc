//! What live call control and Vapi's REST API are told with (contract, section 6), for rules and scripts alike.

use std::time::Duration;

use super::action::Retry;

/// Where an event says how to reach its call.
pub(super) const URL: &str = "call.monitor.controlUrl";
/// What comes late is of no use to a call that is going on.
pub(super) const RETRY: Retry = Retry { attempts_max: 3, age_max: Duration::from_secs(30) };
/// The secret with which Vapi's REST API is used.
pub(super) const VAPI_KEY: &str = "vapi";

/// The `type` of the message that a verb of ours sends.
pub(super) fn kind(verb: &str) -> &str {
    match verb {
        "mute" | "unmute" | "say_first_message" => "control",
        "add_message" => "add-message",
        "end_call" => "end-call",
        "send_transport_message" => "send-transport-message",
        other => other,
    }
}
