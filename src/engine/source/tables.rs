//! The tables of a rule set: which there are, what the rule files say of them, and which of them nobody uses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::read::{Field, OneOrMany, Spanned, read, written};
use super::table_name;
use super::yaml::{Key, Node, Yaml};
use crate::engine::diagnostic::{Diagnostic, FileId, Sources, Span};
use crate::engine::script::Reach;
use crate::engine::table::{Grid, Purpose, Table, TableLimits, Tables, unknown};

/// What a column that fills a reply begins with.
pub(super) const ARROW: &str = "=>";

written! {
    /// What a rule file says of a table.
    #[derive(Debug, Default)]
    #[serde(rename = "a table", default)]
    pub(super) struct TableSource {
        key: Option<Field<Spanned<String>>> = "The column that holds the keys, if it is not the first.",
        text: Field<Option<OneOrMany<Spanned<String>>>> = "Columns that are text, whatever their cells look like.",
    }
}

/// The tables of a rule set, as they were read.
pub(super) struct Sheets {
    /// Those that are looked up, and the names of all.
    pub(super) tables: Arc<Tables>,
    /// Those that hold conditions and replies.
    pub(super) decisions: BTreeMap<String, Grid>,
    /// The files of all.
    files: BTreeMap<String, FileId>,
}

/// Which tables the rules use.
#[derive(Debug, Default)]
pub(super) struct Used {
    names: BTreeSet<String>,
    /// Whether there may be others, because a script computes a name.
    others: bool,
}

impl Used {
    /// Notes that a rule uses the table of this name.
    pub(super) fn note(&mut self, name: &str) {
        self.names.insert(name.to_owned());
    }

    /// Notes which tables a script looks at.
    pub(super) fn note_all(&mut self, reach: &Reach) {
        self.names.extend(reach.tables.iter().cloned());
        self.others |= reach.any_table;
    }
}

impl Sheets {
    /// Reads every table among `sources`, as the rule `files` say, and notes what is wrong.
    pub(super) fn read(
        sources: &Sources,
        files: &[(FileId, Node)],
        limits: &TableLimits,
        found: &mut Vec<Diagnostic>,
    ) -> Sheets {
        let mut grids: BTreeMap<String, Option<Grid>> = BTreeMap::new();
        let mut sheets = Sheets { tables: Arc::default(), decisions: BTreeMap::new(), files: BTreeMap::new() };
        for (file, source) in sources.iter() {
            let Some(name) = table_name(&source.path) else { continue };
            if let Some(first) = sheets.files.get(name) {
                found.push(called_alike(name, file, *first));
                continue;
            }
            sheets.files.insert(name.to_owned(), file);
            grids.insert(name.to_owned(), Grid::read(file, &source.text, limits, found));
        }
        let mut options = options(files, &sheets.files, found);
        let mut tables = Tables::default();
        for (name, grid) in grids {
            let options = options.remove(&name).unwrap_or_default();
            match grid {
                None => tables.note(&name, Purpose::Broken),
                Some(grid) if grid.columns().iter().any(|column| column.starts_with(ARROW)) => {
                    found.extend(options.span.map(|span| needs_no_options(&name, span)));
                    tables.note(&name, Purpose::Decision);
                    sheets.decisions.insert(name, grid);
                }
                Some(grid) => {
                    let (key, text) = options.columns(&name, &grid, found);
                    tables.note(&name, Purpose::Lookup);
                    tables.insert(&name, Table::new(grid, key, &text, found));
                }
            }
        }
        Sheets { tables: Arc::new(tables), ..sheets }
    }

    /// Warns of tables that nobody uses.
    pub(super) fn unused(&self, used: &Used) -> Vec<Diagnostic> {
        let unused = self.files.iter().filter(|(name, _)| !used.others && !used.names.contains(*name));
        let warning = |(name, file): (&String, &FileId)| {
            let how = if self.decisions.contains_key(name) {
                format!("give it to a rule, as its answer: `table: {name}`")
            } else {
                format!("write `${{lookup(\"{name}\", …)}}` where a row of it is needed")
            };
            let start = Span { file: *file, start: 0, end: 0 };
            Diagnostic::warning("unused-table", start, format!("no rule uses the table `{name}`"))
                .help(how)
                .help("or remove the file: it takes memory, and each change of it is a reload")
        };
        unused.map(warning).collect()
    }
}

/// What is said of one table.
#[derive(Default)]
struct Options {
    /// Where it is named.
    span: Option<Span>,
    written: TableSource,
}

impl Options {
    /// The column that holds the keys, and those that are text whatever they look like.
    fn columns(self, table: &str, grid: &Grid, found: &mut Vec<Diagnostic>) -> (usize, Vec<usize>) {
        let mut column = |name: &Spanned<String>| {
            let number = grid.column(&name.value);
            if number.is_none() {
                let known = || grid.columns().iter().map(|column| &**column);
                let message = format!("the table `{table}` has no column `{}`", name.value);
                let columns = known().collect::<Vec<_>>().join("`, `");
                found.push(Diagnostic::error("unknown-column", name.span, message).suggest_or(
                    &name.value,
                    known(),
                    format!("its columns are `{columns}`"),
                ));
            }
            number
        };
        let key = self.written.key.as_ref().and_then(Field::get).and_then(&mut column).unwrap_or_default();
        let text = self.written.text.get().and_then(Option::as_ref).map(|OneOrMany(names)| names.as_slice());
        (key, text.unwrap_or_default().iter().filter_map(column).collect())
    }
}

/// What the rule files say under `tables`, by the names of the tables.
fn options(
    files: &[(FileId, Node)],
    tables: &BTreeMap<String, FileId>,
    found: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Options> {
    let mut all: BTreeMap<String, Options> = BTreeMap::new();
    for node in files.iter().filter_map(|(_, node)| node.get("tables")) {
        if !matches!(node.value, Yaml::Map(_) | Yaml::Null) {
            let message =
                format!("`tables` is a mapping of names to what is to be known of them, not {}", node.describe());
            let help = "write for example `tables: { guests: { key: number } }`; the rows stand in tables/guests.csv";
            found.push(Diagnostic::error("wrong-type", node.span, message).help(help));
        }
        for (key, node) in node.entries() {
            if !tables.contains_key(&key.text) {
                found.push(unknown(&key.text, key.span, tables.keys().map(String::as_str)));
            }
            let written = read(node, "a table", found).unwrap_or_default();
            if let Some(first) = all.get(&key.text).and_then(|first| first.span) {
                found.push(said_twice(key, first));
            } else {
                all.insert(key.text.clone(), Options { span: Some(key.span), written });
            }
        }
    }
    all
}

fn said_twice(key: &Key, first: Span) -> Diagnostic {
    Diagnostic::error("duplicate-name", key.span, format!("the table `{}` is described twice", key.text))
        .note(first, "the first time is here")
        .help("all files of a server share their tables: remove one of the two")
}

fn called_alike(name: &str, file: FileId, first: FileId) -> Diagnostic {
    let start = |file| Span { file, start: 0, end: 0 };
    Diagnostic::error("duplicate-name", start(file), format!("two tables are called `{name}`"))
        .note(start(first), "the first one is here")
        .help("rename one of the files: a table is called as its file is, counted from the folder `tables`")
}

fn needs_no_options(name: &str, span: Span) -> Diagnostic {
    let message = format!("`{name}` is a decision table, of which nothing needs to be said here");
    Diagnostic::error("wrong-table", span, message).help("remove it from `tables`; a rule uses it with `table: …`")
}
