//! `lookup`: rows of tables. It is no function of a group, since it is used like one of the language.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, Map};

use super::{HostFunction, Outcome, fail};
use crate::engine::script::fault::wording;
use crate::engine::table::{CellValue, Row, Tables};

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
    engine.register_fn("lookup", move |table: &str, key: Dynamic| lookup(&tables, table, &key));
}

fn lookup(tables: &Tables, name: &str, key: &Dynamic) -> Outcome<Dynamic> {
    let table = tables.get(name).ok_or_else(|| fail(format_args!("there is no table `{name}` to look at")))?;
    let row = if let Some(text) = key.read_lock::<ImmutableString>() {
        table.row(&text)
    } else if key.is_unit() {
        None
    } else {
        table.row(&text_of(key)?)
    };
    Ok(row.map_or(Dynamic::UNIT, object))
}

/// A key that is no text, as it stands in a table.
fn text_of(key: &Dynamic) -> Outcome<String> {
    if let Ok(number) = key.as_float() {
        // Models write `7.0` for 7.
        return Ok(number.to_string());
    }
    let plain = key.is_int() || key.is_bool() || key.is_char();
    if plain {
        Ok(key.to_string())
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
