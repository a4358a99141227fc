use std::sync::Arc;

use super::*;
use crate::engine::diagnostic::FileId;

/// A table of guests, and the name of a decision table.
pub(in crate::engine) fn tables() -> Tables {
    let mut tables = Tables::default();
    let (guests, _) = table("number,name,visits\n+15550123,Ada,12\n7,Bob,\n", 0, &[]);
    tables.note("guests", Purpose::Lookup);
    tables.insert("guests", guests);
    tables.note("routing", Purpose::Decision);
    tables
}

fn read(text: &str) -> (Option<Grid>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let limits = TableLimits { rows_max: 30, bytes_max: 1_000 };
    let grid = Grid::read(FileId(0), &Arc::from(text), &limits, &mut found);
    (grid, found)
}

fn table(text: &str, key: usize, as_text: &[usize]) -> (Table, Vec<Diagnostic>) {
    let (grid, mut found) = read(text);
    let table = Table::new(grid.unwrap(), key, as_text, &mut found);
    (table, found)
}

/// The first finding, with the part of the text that it points at.
fn first(text: &str, found: &[Diagnostic]) -> String {
    let found = found.first().unwrap();
    let at = text.get(found.span.start as usize..found.span.end as usize).unwrap();
    format!("{}: {} at `{at}`", found.slug, found.message)
}

const GUESTS: &str = "number, name,visits,vip,since\n+1, \"Ada \"\"A\"\" L.\", 12,true,007\n\n +2 ,Bob,,,1\n";

#[test]
fn a_row_is_found_by_its_key() {
    let (table, found) = table(GUESTS, 0, &[]);
    assert_eq!((found, table.len()), (Vec::new(), 2));
    for (key, row) in [
        ("+1", Some(r#"{"number":"+1","name":"Ada \"A\" L.","visits":12,"vip":true,"since":"007"}"#)),
        (" +2", Some(r#"{"number":"+2","name":"Bob","since":"1"}"#)),
        ("+3", None),
        ("", None),
        ("number", None),
    ] {
        assert_eq!(table.row(key).map(|row| row.to_json().to_string()).as_deref(), row, "{key}");
    }
}

#[test]
fn another_column_can_be_the_key_and_numbers_can_stay_text() {
    let (table, _) = table(GUESTS, 1, &[2]);
    let ada = table.row("Ada \"A\" L.").unwrap().to_json();
    assert_eq!((&ada["visits"], &ada["number"]), (&Value::from("12"), &Value::from("+1")));
}

#[test]
fn what_is_wrong_with_keys_is_said_of_the_row() {
    for (text, expected) in [
        ("k,v\na,1\nb,2\n a ,3\n", "table-key: row 4 has the same `k` as row 2 at `a`"),
        ("\nk,v\n\n,1\n", "table-key: row 4 has no key in column `k` at ``"),
    ] {
        assert_eq!(first(text, &table(text, 0, &[]).1), expected);
    }
    let many = "k\n".to_owned() + &"a\n".repeat(FAULTS_MAX + 5);
    assert_eq!(table(&many, 0, &[]).1.len(), FAULTS_MAX);
}

#[test]
fn what_is_wrong_with_a_file_is_said_at_its_place() {
    let long = "a\n".repeat(32);
    let large = "a".repeat(1_001);
    for (text, expected) in [
        ("", "table-header: the table is empty at ``"),
        ("\n , \n", "table-header: the table is empty at ``"),
        ("a,,b", "table-header: column 2 has no name at ``"),
        ("a,b,a\n", "table-header: two columns are called `a` at `a`"),
        ("a,b\n1,2,3,4\n", "table-cells: row 2 has 4 cells, but there are 2 columns at `3`"),
        ("a,b\n1,2\n3\n", "table-cells: row 3 has 1 cell, but there are 2 columns at `3`"),
        ("a\n\"b\n", "table-quotes: in row 2 nothing closes this quote at `\"`"),
        ("a\n\"b\"c\n", "table-quotes: in row 2 something stands behind the quote that closes the cell at `c`"),
        (&long, "table-size: the table has more than 30 rows at `a`"),
        (&large, "table-size: the table has 1001 bytes, and may have 1000 at ``"),
    ] {
        assert_eq!(first(text, &read(text).1), expected);
    }
    let many = "a\n".to_owned() + &"1,2\n".repeat(FAULTS_MAX + 5);
    assert_eq!(read(&many).1.len(), FAULTS_MAX);
}
