//! A decision table finds the row that would be found by looking at one cell after the other.

use serde_json::{Value, json};
use switchhook::engine::Engine;
use switchhook::engine::diagnostic::Sources;

use super::{World, decide, engine};

/// Every way to write a condition, some of them wide and some narrow.
const CELLS: &[&str] = &[
    "*",
    "+1*",
    "+14* | +15*",
    "+1415",
    "8",
    "8.50",
    "8 | 8.5 | true",
    ">= 8",
    "< 8",
    "!= 8",
    "true",
    "present",
    "absent",
    "a | +14* | absent",
    "> +14",
    "9007199254740993",
];

/// What columns may hold.
fn values() -> Vec<Value> {
    let texts = ["+1415", "+14", "+151", "8", "8.5", "8.50", "true", "a", "", "ü"].map(Value::from);
    let others = [
        json!(8),
        json!(8.0),
        json!(8.5),
        json!(9),
        json!(true),
        json!(null),
        json!([8]),
        json!(9_007_199_254_740_993_i64),
    ];
    texts.into_iter().chain(others).collect()
}

fn table(rows: &[(&str, &str)]) -> Engine {
    let mut sources = Sources::default();
    sources.add("rules.yaml", "rules:\n  - { name: t, tool: t, table: t }\n");
    let rows: Vec<String> = rows.iter().map(|(a, b)| format!("\"{a}\",\"{b}\",fits")).collect();
    sources.add("tables/t.csv", format!("args.a,args.b,=>\n{}\n", rows.join("\n")));
    engine(&sources)
}

/// The row that answers, from 0.
fn row(engine: &Engine, a: &Value, b: &Value) -> Option<usize> {
    let call = json!({ "id": "c", "function": { "name": "t", "arguments": { "a": a, "b": b } } });
    let body = json!({ "message": { "type": "tool-calls", "toolCallList": [call] } });
    let (_, decision, _) = decide(engine, &body, &World::of(&json!({})));
    assert!(decision.faults.is_empty(), "{:?}", decision.faults);
    decision.row.map(|row| row - 2)
}

#[test]
fn the_row_found_is_the_first_that_fits() {
    let values = values();
    let alone = |cell: &&str| table(&[(cell, "*")]);
    let fits: Vec<Vec<bool>> = CELLS
        .iter()
        .map(alone)
        .map(|one| values.iter().map(|value| row(&one, value, &json!(null)).is_some()).collect())
        .collect();
    // Narrow rows are not always first, and each column has its turn to tell rows apart.
    for stride in [1, 7, 59, 101] {
        let count = CELLS.len() * CELLS.len();
        let pairs: Vec<(usize, usize)> =
            (0..count / 3).map(|n| (n * stride) % count).map(|n| (n / CELLS.len(), n % CELLS.len())).collect();
        let engine = table(&pairs.iter().map(|(a, b)| (CELLS[*a], CELLS[*b])).collect::<Vec<_>>());
        for (x, a) in values.iter().enumerate() {
            for (y, b) in values.iter().enumerate() {
                let expected = pairs.iter().position(|(one, other)| fits[*one][x] && fits[*other][y]);
                assert_eq!(row(&engine, a, b), expected, "{a} {b} with {stride}");
            }
        }
    }
}
