//! `lookup`: rows of tables. It is no function of a group, since it is used like one of the language.

use std::sync::Arc;

use rhai::{Dynamic, Engine, Map};

use super::{HostFunction, Outcome, fail};
use crate::engine::script::fault::wording;
use crate::engine::table::{CellValue, Row, Table, Tables};

const DOC: &str = "\
The row of `table` whose key is `key`, as an object of its columns; absent if there is none. A key is a text or a number;
the row of something absent is absent. A cell that holds nothing is absent, too. See [tables.md](tables.md).";

const EXAMPLE: &str = r#"lookup("guests", "+15550123").name // "Ada""#;

/// Its entry in the reference page.
pub(super) fn described() -> HostFunction {
    HostFunction {
        name: "lookup".to_owned(),
        signature: "lookup(table, key)".to_owned(),
        doc: DOC.to_owned(),
        example: EXAMPLE.to_owned(),
    }
}

/// Has scripts look at these tables.
pub(super) fn register(engine: &mut Engine, tables: Arc<Tables>) {
    let any = Arc::clone(&tables);
    // Keys are texts as a rule, and Rhai finds a function sooner whose types are those of its arguments.
    engine.register_fn("lookup", move |table: &str, key: &str| lookup(&tables, table, key));
    engine.register_fn("lookup", move |table: &str, key: Dynamic| match text_of(&key)? {
        Some(key) => lookup(&any, table, &key),
        None => table_of(&any, table).map(|_| Dynamic::UNIT),
    });
}

fn lookup(tables: &Tables, table: &str, key: &str) -> Outcome<Dynamic> {
    let row = table_of(tables, table)?.row(key);
    Ok(row.map_or(Dynamic::UNIT, object))
}

fn table_of<'t>(tables: &'t Tables, name: &str) -> Outcome<&'t Table> {
    tables.get(name).ok_or_else(|| fail(format_args!("there is no table `{name}` to look at")))
}

/// A key as it stands in a table, if there is one.
fn text_of(key: &Dynamic) -> Outcome<Option<String>> {
    if key.is_unit() {
        return Ok(None);
    }
    if let Ok(number) = key.as_float() {
        // Models write `7.0` for 7.
        return Ok(Some(number.to_string()));
    }
    let plain = key.is_string() || key.is_int() || key.is_bool() || key.is_char();
    if plain {
        Ok(Some(key.to_string()))
    } else {
        Err(fail(format_args!("a key is a text or a number, not {}", wording::what(key.type_name()))))
    }
}

fn object(row: Row<'_>) -> Dynamic {
    let mut map = Map::new();
    for (column, cell) in row.cells() {
        let value = match cell {
            CellValue::Absent => continue,
            CellValue::Bool(value) => value.into(),
            CellValue::Integer(value) => value.into(),
            CellValue::Float(value) => value.into(),
            CellValue::Text(text) => (&*text).into(),
        };
        map.insert(column.into(), value);
    }
    Dynamic::from_map(map)
}
