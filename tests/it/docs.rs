//! Every YAML, Rhai and CSV block of the documentation, held against the program.
//!
//! What a block is, its info string says:
//!
//! | info string | what it is |
//! | --- | --- |
//! | `yaml rules` | a rule file |
//! | `yaml rule` | one or more rules, as they stand below `rules:` |
//! | `yaml when` | conditions, as they stand below `when:` |
//! | `yaml reply KIND` | a reply, as it stands below `respond:`; the kind may be `tool` |
//! | `yaml settings` | a settings file |
//! | `yaml tests` | a file of tests of the page's rule files, all of which pass |
//! | `rhai` | a module if its first line names its file: `// scripts/phone.rhai`; else statements |
//! | `csv NAME` | the table of this name |
//!
//! Nothing may be found in a block but hints; with `broken` as its last word, something must be. The rules of a page
//! can call its modules and use its tables.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use switchhook::engine::diagnostic::{Diagnostic, Severity, Sources};
use switchhook::engine::script::{ScriptLimits, reference};
use switchhook::engine::source::{Options, compile};
use switchhook::engine::table::TableLimits;
use switchhook::load;
use switchhook::server::answering::Bounds;
use switchhook::server::limits::Limits;
use switchhook::testing::coverage::Coverage;
use switchhook::testing::{EventFiles, Suite};

use crate::support::{Key, Pair};

/// What fragments can count on besides what their page declares.
const VARS: &str = "vars:\n  front_desk: \"+15550100\"\n  regulars: [ \"+15550123\" ]\n  holidays: [12-25]\n  \
                    hours: [ \"mon-fri 09:00-17:30 America/New_York\" ]\n";
const SCRIPTS: &[(&str, &str)] =
    &[("reservations", "fn book_table(args) { args.time }\nfn find_table(args) { args.time }\n")];
const TABLES: &[(&str, &str)] = &[("guests", "number,name,visits\n+15550123,Ada,12\n")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages whose blocks are held against the program; those of the findings show mistakes and have a test of theirs.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "packaging/README.md"].map(|name| root().join(name)).into();
    for folder in ["docs", "docs/guides", "examples"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let page = if folder == "examples" && path.is_dir() { path.join("README.md") } else { path };
            pages.extend(page.extension().is_some_and(|extension| extension == "md").then_some(page));
        }
    }
    pages.sort();
    pages
}

struct Block {
    /// `docs/rules.md:12`
    place: String,
    words: Vec<String>,
    text: String,
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let name = page.strip_prefix(root()).unwrap_or(page).display();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, number) in text.lines().zip(1..) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                let words = info.split_whitespace().map(ToOwned::to_owned).collect();
                open = Some(Block { place: format!("{name}:{number}"), words, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => writeln!(block.text, "{line}").unwrap(),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{name}: a block has no end");
    blocks
}

/// What a block is a file of.
pub(crate) enum What {
    Rules,
    Tests,
    Settings,
}

/// Every block that is, or is a part of, a sound file: where it stands, and the file.
pub(crate) fn sound() -> Vec<(String, What, String)> {
    let file = |block: Block| {
        let words: Vec<&str> = block.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [.., "broken"] => None,
            ["yaml", "settings"] => Some((block.place, What::Settings, block.text)),
            ["yaml", "tests"] => Some((block.place, What::Tests, block.text)),
            ["yaml", what @ ..] => Some((block.place, What::Rules, rule_file("yaml", what, &block.text)?)),
            _ => None,
        }
    };
    pages().iter().flat_map(|page| blocks(page)).filter_map(file).collect()
}

#[test]
fn every_block_is_what_it_says() {
    let mut wrong = Vec::new();
    for page in pages() {
        let blocks = blocks(&page);
        let beside = Beside::of(&blocks);
        for block in &blocks {
            let words: Vec<&str> = block.words.iter().map(String::as_str).collect();
            let (words, broken) = match words.as_slice() {
                [words @ .., "broken"] => (words, true),
                words => (words, false),
            };
            let found = match words {
                ["yaml", "settings"] => settings(&block.text),
                ["yaml", "tests"] => tests(&block.text, &blocks, &beside),
                ["yaml" | "rhai", what @ ..] => match rule_file(words[0], what, &block.text) {
                    Some(text) => rules(&text, &beside),
                    None => format!("nobody knows what `{}` is", words.join(" ")),
                },
                // What its cells say is looked at together with the rule that uses it.
                ["csv", name] => rules("rules: []\n", &Beside::table(name, &block.text)),
                _ => continue,
            };
            if found.is_empty() == broken {
                wrong.push(format!("{}: {}", block.place, if broken { "nothing was found" } else { &found }));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with tests of the rules of their page.
fn tests(text: &str, page: &[Block], beside: &Beside<'_>) -> String {
    let mut sources = Sources::default();
    for (number, rules) in page.iter().filter(|block| block.words == ["yaml", "rules"]).enumerate() {
        sources.add(format!("{number}.yaml"), rules.text.as_str());
    }
    for (path, text) in &beside.0 {
        sources.add(path.clone(), *text);
    }
    sources.add("page.test.yaml", text);
    let engine = compile(&sources, &Options::default()).unwrap().engine;
    let mut found = Vec::new();
    let suite = Suite::read(&sources, &EventFiles::default(), &engine, &mut found);
    let outcomes = suite.run(&engine, "", &mut Coverage::default());
    let failures = outcomes.iter().flat_map(|outcome| &outcome.failures).cloned();
    found.iter().map(|one| one.message.clone()).chain(failures).collect::<Vec<_>>().join("\n")
}

/// What the rules of a page can count on: its scripts and tables, and some that every page has.
struct Beside<'a>(Vec<(String, &'a str)>);

impl<'a> Beside<'a> {
    fn of(blocks: &'a [Block]) -> Beside<'a> {
        let table = |block: &'a Block| match block.words.as_slice() {
            [csv, name] if csv == "csv" => Some((format!("tables/{name}.csv"), block.text.as_str())),
            _ => None,
        };
        let module = |block| module(block).map(|(name, text)| (format!("scripts/{name}.rhai"), text));
        let mut files: Vec<_> = blocks.iter().filter_map(|block| table(block).or_else(|| module(block))).collect();
        let scripts = SCRIPTS.iter().map(|(name, text)| (format!("scripts/{name}.rhai"), *text));
        for stub in scripts.chain(TABLES.iter().map(|(name, text)| (format!("tables/{name}.csv"), *text))) {
            if files.iter().all(|(path, _)| *path != stub.0) {
                files.push(stub);
            }
        }
        Beside(files)
    }

    fn table(name: &str, text: &'a str) -> Beside<'a> {
        Beside(vec![(format!("tables/{name}.csv"), text)])
    }
}

/// The name and text of a block that is a module.
fn module(block: &Block) -> Option<(String, &str)> {
    let is_rhai = block.words.first().is_some_and(|word| word == "rhai");
    is_rhai.then(|| Some((module_name(&block.text)?.to_owned(), block.text.as_str())))?
}

fn module_name(text: &str) -> Option<&str> {
    let path = text.strip_prefix("// ")?.lines().next()?.strip_suffix(".rhai")?;
    Some(path.rsplit_once("scripts/").map_or(path, |(_, name)| name))
}

/// The rule file that a block is, or is a part of.
fn rule_file(language: &str, what: &[&str], text: &str) -> Option<String> {
    let below = |head: &str, spaces: usize| {
        let indent = " ".repeat(spaces);
        let lines =
            text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") });
        format!("{VARS}rules:\n{head}{}", lines.collect::<String>())
    };
    Some(match (language, what) {
        ("yaml", ["rules"]) => text.to_owned(),
        ("yaml", ["rule"]) => below("", 2),
        ("yaml", ["when"]) => below("  - name: example\n    on: \"*\"\n    when:\n", 6),
        ("yaml", ["reply", "tool"]) => below("  - name: example\n    tool: example\n    respond:\n", 6),
        ("yaml", ["reply", kind]) => below(&format!("  - name: example\n    on: {kind}\n    respond:\n"), 6),
        // A module is compiled beside every block of its page.
        ("rhai", []) if module_name(text).is_some() => "rules: []\n".to_owned(),
        ("rhai", []) => below("  - name: example\n    on: end-of-call-report\n    script: |\n", 6),
        _ => return None,
    })
}

/// What is found in a rule file; hints do not count.
fn rules(text: &str, beside: &Beside<'_>) -> String {
    let mut sources = Sources::default();
    sources.add("rules/example.yaml", text);
    for (path, text) in &beside.0 {
        sources.add(format!("rules/{path}"), *text);
    }
    let found = match compile(&sources, &Options::default()) {
        Ok(compiled) => compiled.found,
        Err(found) => found,
    };
    let told = |found: &Diagnostic| format!("{}: {}[{}]", sources.place(found.span), found.message, found.slug);
    // A table of the page need not be used by each of its blocks.
    let counts = |found: &&Diagnostic| found.severity != Severity::Hint && found.slug != "unused-table";
    let found = found.iter().filter(counts);
    found.map(told).collect::<Vec<_>>().join("; ")
}

/// What the command finds in a settings file whose folders exist and whose variables are set.
fn settings(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let yaml: serde_json::Value = serde_yaml::from_str(text).unwrap_or_default();
    let servers = yaml.get("servers").and_then(|servers| servers.as_object()).into_iter().flatten();
    let sites = servers.map(|(_, server)| server).chain([&yaml]);
    for rules in sites.filter_map(|site| site.get("rules")?.as_str()).chain(["rules"]) {
        fs::create_dir_all(path(rules)).unwrap();
        fs::write(path(rules).join("a.yaml"), "rules:\n  - { name: a, tool: a, respond: b }\n").unwrap();
    }
    let key = if text.contains("decrypt") { private_key() } else { String::new() };
    fs::write(path("vapi-key.pem"), &key).unwrap();
    if text.contains("hook.key") {
        fs::write(path("hook.key"), "some-long-secret\n").unwrap();
    }
    if text.contains("tls:") || text.contains("ca:") {
        let pair = Pair::new();
        fs::write(path("fullchain.pem"), &pair.certificate).unwrap();
        fs::write(path("key.pem"), &pair.key).unwrap();
    }
    fs::write(path("switchhook.yaml"), text).unwrap();
    let between = |before: &'static str, after| {
        text.split(before).skip(1).filter_map(move |rest| rest.split_once(after)).map(|(name, _)| name)
    };
    let names = between("${env.", "}").chain(between("{ env: ", " }"));
    let value = |name: &str| if name.ends_with("PEM") { key.as_str() } else { "c29tZS1sb25nLXNlY3JldA==" };
    let output = Command::new(env!("CARGO_BIN_EXE_switchhook"))
        .args(["check", "--strict", "--format", "short"])
        .arg(path("switchhook.yaml"))
        .envs(names.map(|name| (name, value(name))))
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { String::new() } else { text(output.stdout) + &text(output.stderr) }
}

#[test]
fn the_host_functions_are_all_described() {
    let mut page =
        "# Host functions\n\nWhat scripts and expressions can call besides what is part of the language. Each \
                    example ends in the value that it gives.\n\nThis page is made of the functions themselves: \
                    `UPDATE_EXPECT=1 cargo test host_functions`.\n"
            .to_owned();
    let mut group = String::new();
    for function in reference() {
        // `lookup` is in no group.
        let own = function.name.split_once("::").map_or("", |(own, _)| own);
        if own != group {
            own.clone_into(&mut group);
            write!(page, "\n## `{group}`\n").unwrap();
        }
        write!(page, "\n### `{}`\n\n{}\n\n```rhai\n{}\n```\n", function.signature, function.doc, function.example)
            .unwrap();
    }
    let path = root().join("docs/host-functions.md");
    if super::examples::update() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/host-functions.md is not up to date: UPDATE_EXPECT=1 cargo test host_functions");
}

#[test]
fn the_limits_are_those_of_the_program() {
    let (limits, bounds, scripts) = (Limits::default(), Bounds::default(), ScriptLimits::default());
    let outbox = switchhook::outbox::Bounds::default();
    let defaults = [
        ("body_bytes_max", limits.body_bytes_max),
        ("header_bytes_max", limits.header_bytes_max),
        ("headers_max", limits.headers_max),
        ("connections_max", limits.connections_max),
        ("connections_per_address_max", limits.connections_per_address_max),
        ("requests_in_flight_max", limits.requests_in_flight_max),
        ("streams_max", limits.streams_max as usize),
        ("regex_bytes_max", Options::default().regex_bytes_max),
        ("table_rows_max", TableLimits::default().rows_max),
        ("table_bytes_max", TableLimits::default().bytes_max),
        ("scripts_waiting_max", bounds.scripts_waiting_max),
        ("script_operations_max", usize::try_from(scripts.operations_max).unwrap()),
        ("script_call_depth_max", scripts.call_depth_max),
        ("script_string_bytes_max", scripts.string_bytes_max),
        ("script_list_items_max", scripts.list_items_max),
        ("script_map_entries_max", scripts.map_entries_max),
        ("answers_bytes_max", usize::try_from(bounds.answers_bytes_max).unwrap()),
        ("states_bytes_max", usize::try_from(bounds.states_bytes_max).unwrap()),
        ("outbox_items_max", outbox.items_max),
        ("outbox_bytes_max", usize::try_from(outbox.bytes_max).unwrap()),
        ("outbox_dead_max", outbox.dead_max),
        ("outbox_attempts_max", outbox.attempts_max),
        ("outbox_attempts_per_destination_max", outbox.per_destination_max),
    ];
    let times = [
        ("header_read", limits.header_read),
        ("tls_handshake", limits.tls_handshake),
        ("request_read", limits.request_read),
        ("idle", limits.idle),
    ];
    let rows = defaults.map(|(name, value)| format!("| `{name}` | {value} |")).into_iter();
    let page = fs::read_to_string(root().join("docs/settings.md")).unwrap();
    for row in rows.chain(times.map(|(name, time)| format!("| `{name}` | {}s |", time.as_secs()))) {
        assert!(page.contains(&row), "docs/settings.md has no `{row}`");
    }
}

/// Nothing at all is found in the rules that a fresh checkout serves, not even a hint.
#[test]
fn the_first_rules_are_without_fault() {
    let sources = load::rules(&root().join("rules")).unwrap();
    assert_eq!(compile(&sources, &Options::default()).unwrap().found, []);
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let file = link.split('#').next().unwrap_or_default();
            let there = file.is_empty() || file.contains("://") || page.with_file_name("").join(file).exists();
            assert!(there, "{}: {link}", page.display());
        }
    }
}

/// A new private key.
fn private_key() -> String {
    Key::new(aws_lc_rs::rsa::KeySize::Rsa2048).pem()
}
