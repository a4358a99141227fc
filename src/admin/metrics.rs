//! The metrics, in the text format of `OpenMetrics`.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::engine::rule::RuleId;
use crate::live::hits::Tally;
use crate::outbox::view::Status;
use crate::reload::InForce;
use crate::reload::status::Attempts;
use crate::server::site::Site;

/// How the format is called in HTTP.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfServer {
    server: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRules {
    server: String,
    version: String,
    origin: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRule {
    server: String,
    rule: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    outcome: &'static str,
}

/// A gauge that each server has.
type Each = Family<OfServer, Gauge>;
type Time = Gauge<f64, AtomicU64>;

/// Every metric as it is now.
pub(super) fn text(in_force: &InForce, outbox: &Status) -> String {
    let (sites, status) = (in_force.sites.current(), in_force.status.current());
    let mut registry = Registry::with_prefix("switchhook");
    about_rules(&mut registry, &sites.all());
    about_reloads(&mut registry, &status.servers);
    about_settings(&mut registry, &status.settings);
    about_outbox(&mut registry, outbox);
    let mut text = String::new();
    // A text has room for everything.
    let _ = encode(&mut text, &registry);
    text
}

fn about_rules(registry: &mut Registry, sites: &[&std::sync::Arc<Site>]) {
    let (info, rules, generations) = (Family::<OfRules, Gauge>::default(), Each::default(), Each::default());
    let hits = Family::<OfRule, Counter>::default();
    for site in sites {
        let (server, snapshot) = (site.path.clone(), &site.snapshot);
        let (version, origin) = (snapshot.version.to_string(), snapshot.origin.word());
        info.get_or_create(&OfRules { server: server.clone(), version, origin }).set(1);
        let of = OfServer { server: server.clone() };
        rules.get_or_create(&of).set(whole(snapshot.rules() as u64));
        generations.get_or_create(&of).set(whole(snapshot.generation));
        for (id, rule) in (0..).map(RuleId).zip(snapshot.engine.rules().rules()) {
            let count = snapshot.hits.rule(id).map_or(0, Tally::count);
            hits.get_or_create(&OfRule { server: server.clone(), rule: rule.name.to_string() }).inc_by(count);
        }
    }
    registry.register(
        "rules_in_force",
        "1: the labels say which version of the rules is in force, and where it came from",
        info,
    );
    registry.register("rules", "How many rules are in force", rules);
    registry.register("reload_generation", "Which load the rules in force came from", generations);
    registry.register("rule_hits", "How often a rule has matched", hits);
}

fn about_reloads(registry: &mut Registry, servers: &[(String, Attempts)]) {
    let (refused, successes, failures) =
        (Each::default(), Family::<OfServer, Time>::default(), Family::<OfServer, Time>::default());
    for (server, attempts) in servers {
        let of = OfServer { server: server.clone() };
        refused.get_or_create(&of).set(i64::from(attempts.refused.is_some()));
        successes.get_or_create(&of).set(seconds(attempts.last_success));
        failures.get_or_create(&of).set(seconds(attempts.last_failure));
    }
    registry.register("reload_refused", "1 if the files say something that was refused", refused);
    registry.register_with_unit("reload_last_success_timestamp", SUCCESS, Unit::Seconds, successes);
    registry.register_with_unit("reload_last_failure_timestamp", FAILURE, Unit::Seconds, failures);
}

fn about_settings(registry: &mut Registry, attempts: &Attempts) {
    let (refused, success, failure) = (Gauge::<i64>::default(), Time::default(), Time::default());
    refused.set(i64::from(attempts.refused.is_some()));
    success.set(seconds(attempts.last_success));
    failure.set(seconds(attempts.last_failure));
    registry.register("settings_refused", "1 if the settings file says something that was refused", refused);
    registry.register_with_unit("settings_last_success_timestamp", SUCCESS, Unit::Seconds, success);
    registry.register_with_unit("settings_last_failure_timestamp", FAILURE, Unit::Seconds, failure);
}

fn about_outbox(registry: &mut Registry, status: &Status) {
    let items = Family::<OfState, Gauge>::default();
    for (state, count) in [("waiting", status.waiting), ("leased", status.leased), ("dead", status.dead)] {
        items.get_or_create(&OfState { state }).set(whole(count as u64));
    }
    let attempts = Family::<OfOutcome, Counter>::default();
    for (outcome, count) in [("delivered", status.delivered), ("failed", status.failed), ("refused", status.refused)] {
        attempts.get_or_create(&OfOutcome { outcome }).inc_by(count);
    }
    let (bytes, buried, unqueued) = (Gauge::<i64>::default(), Counter::<u64>::default(), Counter::<u64>::default());
    let (oldest, writable) = (Time::default(), Gauge::<i64>::default());
    bytes.set(whole(status.bytes));
    buried.inc_by(status.buried);
    unqueued.inc_by(status.unqueued);
    oldest.set(seconds(status.oldest_at));
    writable.set(i64::from(status.trouble.is_none()));
    registry.register("outbox_items", "Actions that wait, are being sent (leased), or were given up (dead)", items);
    registry.register_with_unit(
        "outbox_waiting",
        "How many bytes the actions have that are not given up",
        Unit::Bytes,
        bytes,
    );
    registry.register("outbox_attempts", "Attempts that were delivered, failed, or were refused", attempts);
    registry.register("outbox_buried", "Actions that were given up", buried);
    registry.register("outbox_enqueue_failures", "Actions that were not taken", unqueued);
    registry.register_with_unit("outbox_oldest_timestamp", OLDEST, Unit::Seconds, oldest);
    registry.register("outbox_writable", "0 while the file of the outbox cannot be written", writable);
}

const OLDEST: &str = "When the oldest action was decided that is not given up; 0 for none";
const SUCCESS: &str = "When files were last found to be sound; 0 for never";
const FAILURE: &str = "When files were last refused; 0 for never";

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Seconds since 1970.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into what a float keeps exactly")]
fn seconds(at: Option<Timestamp>) -> f64 {
    at.map_or(0.0, |at| at.as_millisecond() as f64 / 1000.0)
}
