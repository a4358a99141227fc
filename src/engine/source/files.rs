//! What a file of a rules folder is, going by its path.

/// Whether `path` is a rule file, rather than a test, a script or a table.
#[must_use]
pub fn is_rule_file(path: &str) -> bool {
    let stem = path.strip_suffix(".yaml").or_else(|| path.strip_suffix(".yml"));
    stem.is_some_and(|stem| stem.strip_suffix(".test").is_none())
}

/// Whether `path` is a file of tests.
#[must_use]
pub fn is_test_file(path: &str) -> bool {
    path.ends_with(".test.yaml") || path.ends_with(".test.yml")
}

/// The module that the script at `path` is, by its place below the folder `scripts`.
#[must_use]
pub fn module_name(path: &str) -> Option<&str> {
    below(path, "scripts")?.strip_suffix(".rhai")
}

/// The table that the file at `path` is, by its place below the folder `tables`.
#[must_use]
pub fn table_name(path: &str) -> Option<&str> {
    below(path, "tables")?.strip_suffix(".csv")
}

/// The part of `path` below the folder of this name.
fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    // The rules may lie below a folder that is called so too: the last one counts.
    let inside = path.match_indices(folder).filter_map(|(at, _)| {
        let begins = path.get(..at).is_some_and(|before| before.is_empty() || before.ends_with('/'));
        path.get(at + folder.len()..)?.strip_prefix('/').filter(|_| begins)
    });
    inside.last()
}

#[cfg(test)]
mod tests {
    use super::{module_name, table_name};

    #[test]
    fn a_script_is_named_by_its_place_below_the_scripts() {
        for (path, module) in [
            ("scripts/phone.rhai", Some("phone")),
            ("rules/scripts/shared/phone.rhai", Some("shared/phone")),
            ("/home/ada/scripts/rules/scripts/phone.rhai", Some("phone")),
            ("scripts/rules/scripts/phone.rhai", Some("phone")),
            ("rules/phone.rhai", None),
            ("rules/scripts/phone.yaml", None),
        ] {
            assert_eq!(module_name(path), module, "{path}");
        }
    }

    #[test]
    fn a_table_is_named_by_its_place_below_the_tables() {
        for (path, table) in [
            ("tables/guests.csv", Some("guests")),
            ("rules/tables/by-day/monday.csv", Some("by-day/monday")),
            ("timetables/tables/guests.csv", Some("guests")),
            ("timetables/guests.csv", None),
            ("rules/guests.csv", None),
            ("rules/tables/guests.yaml", None),
        ] {
            assert_eq!(table_name(path), table, "{path}");
        }
    }
}
