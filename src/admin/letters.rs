//! The outbox, as operators ask for it.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::Route;
use crate::outbox::queue::ItemId;
use crate::outbox::view::{Phase, Row};
use crate::outbox::{Outbox, Which};
use crate::server::refusal::Refusal;

/// How many items a page has, if nobody says.
const ROWS: usize = 100;
/// How many it can have.
const ROWS_MAX: usize = 1000;

/// What is meant by a path below `/api/outbox/`.
pub(super) fn route(path: &str) -> Option<Route> {
    let below = path.strip_prefix("/api/outbox/")?;
    let Some((which, wish)) = below.split_once('/') else { return number(below).map(Route::Item) };
    let which = if which == "dead" { Which::Dead } else { Which::One(number(which)?) };
    match wish {
        "retry" => Some(Route::Retry(which)),
        "drop" => Some(Route::Drop(which)),
        _ => None,
    }
}

/// A number as it is shown, and in no other way.
fn number(written: &str) -> Option<ItemId> {
    written.parse().ok().filter(|id: &ItemId| id.to_string() == written)
}

/// Which items are asked for.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    phase: Option<Phase>,
    after: ItemId,
    limit: usize,
}

impl Query {
    fn read(written: &str) -> Result<Query, String> {
        let mut query = Query { phase: None, after: 0, limit: ROWS };
        for pair in written.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = match name {
                "state" => Phase::named(value).map(|phase| query.phase = Some(phase)),
                "after" => value.parse().ok().map(|after| query.after = after),
                "limit" => {
                    value.parse().ok().filter(|rows| (1..=ROWS_MAX).contains(rows)).map(|rows| query.limit = rows)
                }
                _ => None,
            };
            known.ok_or_else(|| {
                format!(
                    "`{pair}` cannot be asked for; write `state=` and one of `waiting`, `leased`, `dead`, `limit=` and up to \
                     {ROWS_MAX}, `after=` and a number"
                )
            })?;
        }
        Ok(query)
    }
}

/// How the outbox stands, and a page of its items.
pub(super) async fn page(outbox: &Outbox, query: Option<&str>) -> Result<Response<Full<Bytes>>, Refusal> {
    let query = Query::read(query.unwrap_or_default()).map_err(|why| Refusal::NotUnderstood { why })?;
    let status = outbox.status().await.ok_or(Refusal::Stopping)?;
    let rows = outbox.page(query.phase, query.after, query.limit).await.ok_or(Refusal::Stopping)?;
    // A page that is not full is the last one.
    let next = rows.last().filter(|_| rows.len() == query.limit).map(|row| row.id);
    let mut shown = status.json();
    if let Value::Object(shown) = &mut shown {
        shown.insert("items".to_owned(), rows.iter().map(Row::json).collect());
        shown.insert("next_after".to_owned(), json!(next));
    }
    Ok(super::json(StatusCode::OK, &shown))
}

/// One item.
pub(super) async fn show(outbox: &Outbox, id: ItemId) -> Result<Response<Full<Bytes>>, Refusal> {
    let shown = outbox.show(id).await.ok_or(Refusal::NotFound)?;
    Ok(super::json(StatusCode::OK, &shown.json()))
}

/// What came of a wish.
pub(super) fn changed(which: Which, count: usize) -> Result<Response<Full<Bytes>>, Refusal> {
    match (which, count) {
        (Which::One(_), 0) => Err(Refusal::NotFound),
        _ => Ok(super::json(StatusCode::OK, &json!({ "items": count }))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_an_item_and_a_wish() {
        for (path, meant) in [
            ("/api/outbox/7", Some(Route::Item(7))),
            ("/api/outbox/7/retry", Some(Route::Retry(Which::One(7)))),
            ("/api/outbox/7/drop", Some(Route::Drop(Which::One(7)))),
            ("/api/outbox/dead/retry", Some(Route::Retry(Which::Dead))),
            ("/api/outbox/dead/drop", Some(Route::Drop(Which::Dead))),
            ("/api/outbox/dead", None),
            ("/api/outbox/07", None),
            ("/api/outbox/-7", None),
            ("/api/outbox/7/", None),
            ("/api/outbox/7/retry/", None),
            ("/api/outbox/7/deliver", None),
            ("/api/outbox/", None),
        ] {
            assert_eq!(route(path), meant, "{path}");
        }
    }

    #[test]
    fn a_query_is_read_or_explained() {
        let read = |written| Query::read(written).ok();
        let query = |phase, after, limit| Some(Query { phase, after, limit });
        assert_eq!(read(""), query(None, 0, 100));
        assert_eq!(read("state=dead&after=7&limit=1000"), query(Some(Phase::Dead), 7, 1000));
        for wrong in ["state=sent", "limit=0", "limit=1001", "after=", "page=2", "state"] {
            assert!(Query::read(wrong).unwrap_err().starts_with(&format!("`{wrong}` cannot be asked for")), "{wrong}");
        }
    }
}
