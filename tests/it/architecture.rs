//! The promises between modules, so that no reviewer has to keep them.
//!
//! [`MAY_NAME`] says which module may name which. What is finer than that is an [`Arrow`]: in these files, these marks do
//! not occur. What is looked at is code: comments and texts are blanked out, and tests may do what they like.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::support::here;

/// Each module with those that it may name; whoever puts all together, and the commands, may name any but the commands.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("live", &["engine"]),
    ("secrets", &["engine"]),
    ("client", &["engine", "secrets"]),
    ("outbox", &["engine", "live", "secrets", "client"]),
    ("load", &["engine"]),
    ("server", &["engine", "live", "secrets", "client", "outbox", "load"]),
    ("settings", &["engine", "secrets", "client", "outbox", "load", "server"]),
    ("report", &["engine"]),
    ("samples", &[]),
    ("testing", &["engine", "load", "report", "samples"]),
    ("import", &["engine"]),
    ("reload", &["engine", "live", "secrets", "client", "outbox", "load", "server", "settings", "report", "testing"]),
    ("admin", &["engine", "live", "outbox", "server", "reload", "report", "testing"]),
    ("service_manager", &[]),
    // It names whatever is logged.
    ("telemetry", &["engine", "live", "outbox", "reload", "report"]),
    ("clock", &[]),
    ("fingerprint", &[]),
];

/// What any module but the engine may name.
const BELOW_ALL: [&str; 3] = ["clock", "fingerprint", "telemetry"];

/// The module of the file at `path`.
fn module(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or_default()
}

/// The modules that a line of the file at `path` names and may not.
fn misnamed(path: &str, line: &str) -> Vec<String> {
    let from = module(path);
    let named = line.split("crate::").skip(1).flat_map(|named| match named.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap_or_default().split(',').map(str::trim).collect(),
        None => vec![named],
    });
    let named = named.map(|name| name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default());
    let may = |to: &str| match MAY_NAME.iter().find(|(module, _)| *module == from) {
        Some((module, may)) => may.contains(&to) || (*module != "engine" && BELOW_ALL.contains(&to)),
        None => to != "cli" || from == "main",
    };
    named.filter(|to| *to != from && !may(to)).map(|to| format!("{from} names {to}")).collect()
}

/// A promise about some files.
struct Arrow {
    says: &'static str,
    /// Whether the promise binds the file at this path, below `src`.
    binds: fn(&str) -> bool,
    marks: &'static [&'static str],
}

/// Marks of code that does I/O, asks the time, or depends on chance.
const OUTSIDE: &[&str] = &[
    "tokio",
    "hyper",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "fs::",
    "::now()",
    "SystemTime",
    "rand::",
    "tracing",
];

const ARROWS: &[Arrow] = &[
    Arrow { says: "the engine does no I/O, asks no clock and throws no dice", binds: in_engine, marks: OUTSIDE },
    Arrow {
        says: "only `engine::script` knows which script language it is",
        binds: |path| !path.starts_with("engine/script"),
        marks: &["rhai::", "use rhai"],
    },
    Arrow {
        says: "only settings read the environment",
        binds: |path| !path.starts_with("settings"),
        marks: &["std::env", "env::var"],
    },
    Arrow {
        says: "only `clock` asks what time it is",
        binds: |path| path != "clock.rs",
        marks: &["Timestamp::now", "Zoned::now", "Instant::now", "SystemTime"],
    },
    Arrow {
        says: "the admin address does not know the service",
        binds: |path| path.starts_with("admin"),
        marks: &["service::"],
    },
    Arrow {
        says: "the outbox is handed actions and knows nothing of rules",
        binds: |path| module(path) == "outbox",
        marks: &["::source", "::rule", "::event", "::decision"],
    },
    Arrow {
        says: "what is queued, and when it is tried again, needs no I/O, no clock and no dice",
        binds: |path| matches!(module(path.trim_start_matches("outbox/")), "queue" | "breaker" | "retry"),
        marks: OUTSIDE,
    },
    Arrow {
        says: "who sends has secrets filled in, and sees no other",
        binds: |path| matches!(module(path), "outbox" | "client"),
        marks: &["expose_secret", "ExposeSecret"],
    },
];

fn in_engine(path: &str) -> bool {
    module(path) == "engine"
}

impl Arrow {
    /// The first mark in a line of code that breaks the promise.
    fn broken_by(&self, line: &str) -> Option<&'static str> {
        self.marks.iter().copied().find(|mark| line.contains(mark))
    }
}

/// The code of a file, line by line: without comments, without what stands in texts, without what is for tests.
fn code(source: &str) -> Vec<String> {
    let code = blanked(source);
    let (mut kept, mut rest) = (String::new(), code.as_str());
    while let Some((before, item)) = rest.split_once("#[cfg(test)]") {
        let declared = item.find(';').filter(|end| item.find('{').is_none_or(|open| *end < open));
        let end = declared.or_else(|| item.find("\n}").map(|close| close + 1)).unwrap_or(item.len());
        let (item, after) = item.split_at(end);
        kept.push_str(before);
        kept.extend(item.chars().filter(|c| *c == '\n'));
        rest = after;
    }
    kept.push_str(rest);
    kept.lines().map(str::to_owned).collect()
}

/// The source with comments and texts taken out. Line breaks stay, so that lines keep their numbers.
fn blanked(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let in_word = code.ends_with(|before: char| before.is_alphanumeric());
        let skipped = comment(rest).or_else(|| text(rest)).or_else(|| raw_text(rest).filter(|_| !in_word));
        let (taken, after) = rest.split_at(skipped.unwrap_or(next.len_utf8()));
        code.extend(taken.chars().filter(|c| skipped.is_none() || *c == '\n'));
        rest = after;
    }
    code
}

/// The length of the comment that `rest` begins with.
fn comment(rest: &str) -> Option<usize> {
    rest.starts_with("//").then(|| rest.find('\n').unwrap_or(rest.len()))
}

/// The length of the text that `rest` begins with, or of the one character that would look like the beginning of one.
fn text(rest: &str) -> Option<usize> {
    if rest.starts_with("'\"'") {
        return Some(3);
    }
    let mut escaped = false;
    let inside = rest.strip_prefix('"')?;
    let end = inside.char_indices().find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    Some(end.map_or(rest.len(), |(at, _)| at + 2))
}

/// The length of the raw text that `rest` begins with.
fn raw_text(rest: &str) -> Option<usize> {
    let open = rest.strip_prefix('r')?;
    let quoted = open.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(open.len() - quoted.len()));
    let inside = quoted.strip_prefix('"')?;
    let begin = rest.len() - inside.len();
    Some(inside.find(&end).map_or(rest.len(), |at| begin + at + end.len()))
}

/// Every source file below `folder`, as its path below `src` and its text; files of tests are none.
fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap();
        if entry.is_dir() {
            if name != "tests" {
                sources(&entry, into);
            }
        } else if entry.extension().is_some_and(|it| it == "rs") && name != "tests.rs" {
            let path = entry.strip_prefix(here("src")).unwrap().to_str().unwrap().replace('\\', "/");
            into.push((path, fs::read_to_string(&entry).unwrap()));
        }
    }
}

#[test]
fn the_arrows_point_where_they_should() {
    let mut files = Vec::new();
    sources(&here("src"), &mut files);
    let files: Vec<_> = files.into_iter().map(|(path, source)| (path, code(&source))).collect();
    let mut broken = Vec::new();
    for arrow in ARROWS {
        let bound: Vec<_> = files.iter().filter(|(path, _)| (arrow.binds)(path)).collect();
        assert!(!bound.is_empty(), "nothing keeps this promise any more: {}", arrow.says);
        for (path, code) in bound {
            for (number, line) in (1..).zip(code) {
                if let Some(mark) = arrow.broken_by(line) {
                    broken.push(format!("src/{path}:{number}: `{mark}`: {}", arrow.says));
                }
            }
        }
    }
    for (path, code) in &files {
        for (number, line) in (1..).zip(code) {
            broken.extend(misnamed(path, line).into_iter().map(|what| format!("src/{path}:{number}: {what}")));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn who_may_name_whom_is_said_of_every_module() {
    let modules = fs::read_dir(here("src")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut modules: Vec<String> = modules.map(|file| module(&file).to_owned()).collect();
    modules.sort();
    modules.dedup();
    let mut known: Vec<&str> = MAY_NAME.iter().map(|(module, _)| *module).collect();
    known.extend(["cli", "daemon", "lib", "main"]);
    known.sort_unstable();
    assert_eq!(modules, known);
    for (path, line, named) in [
        ("engine/facts.rs", "use crate::server::site::Site;", 1),
        ("engine/facts.rs", "use crate::engine::kind::Kind;", 0),
        ("engine.rs", "crate::clock::Clock::now()", 1),
        ("load.rs", "use crate::cli::check;", 1),
        ("daemon.rs", "use crate::cli::check;", 1),
        ("daemon.rs", "use crate::admin::Admin;", 0),
        ("cli/check.rs", "use crate::cli::run;", 0),
        ("server/service.rs", "use crate::admin::Admin;", 1),
        ("server/service.rs", "use crate::{admin, clock, reload::Parts};", 2),
        ("outbox/delivery.rs", "fn of(site: &crate::server::Site, clock: crate::clock::Clock)", 1),
        ("client.rs", "use crate::outbox::Outbox;", 1),
    ] {
        assert_eq!(misnamed(path, line).len(), named, "{path}: {line}: {:?}", misnamed(path, line));
    }
}

/// What `source`, as the file at `path`, breaks.
fn broken(path: &str, source: &str) -> Vec<&'static str> {
    let bound = ARROWS.iter().filter(|arrow| (arrow.binds)(path));
    bound
        .filter(|arrow| code(source).iter().any(|line| arrow.broken_by(line).is_some()))
        .map(|arrow| arrow.says)
        .collect()
}

#[test]
fn each_promise_can_be_broken() {
    let mut all = HashSet::new();
    for (path, line, promises) in [
        ("engine/rule.rs", "use tokio::time;", 1),
        ("engine.rs", "let text = std::fs::read(path);", 1),
        ("engine/window.rs", "let now = Timestamp::now();", 2),
        ("engine/share.rs", "let dice = rand::random();", 1),
        ("engine/script.rs", "tracing::info!();", 1),
        ("engine/facts.rs", "std::env::var(name)", 2),
        ("engine/scope.rs", "use rhai::Dynamic;", 1),
        ("engine/script/run.rs", "use rhai::Dynamic;", 0),
        ("server/service.rs", "let value: rhai::Dynamic;", 1),
        ("load.rs", "std::env::current_dir()", 1),
        ("settings/environment.rs", "std::env::var(name)", 0),
        ("server/pace.rs", "Instant::now()", 1),
        ("clock.rs", "Instant::now()", 0),
        ("admin.rs", "use crate::server::service::Service;", 1),
        ("outbox/delivery.rs", "use crate::engine::rule::Rule;", 1),
        ("outbox.rs", "use crate::engine::action::Action;", 0),
        ("outbox/delivery.rs", "let value = secret.expose_secret();", 1),
        ("outbox/queue.rs", "tokio::spawn(async {});", 1),
        ("outbox/queue/anew.rs", "tokio::spawn(async {});", 1),
        ("outbox/delivery.rs", "tokio::spawn(async {});", 0),
    ] {
        assert_eq!(broken(path, line).len(), promises, "{path}: {line}: {:?}", broken(path, line));
        all.extend(broken(path, line));
    }
    for arrow in ARROWS {
        assert!(all.contains(arrow.says), "no line breaks this: {}", arrow.says);
    }
}

#[test]
fn only_code_counts() {
    for (source, breaks) in [
        ("// tokio\n", false),
        ("//! as `tokio` does\nlet a = 1;", false),
        ("let a = \"tokio\";", false),
        ("let a = \"\\\"tokio\";", false),
        ("let a = \"//\"; tokio();", true),
        ("let a = \"\\\"\\\"\"; tokio();", true),
        ("let a = \"\\\\\"; tokio();", true),
        ("let a = '\"'; tokio();", true),
        ("let a = r#\"\" tokio\"#;", false),
        ("let a = r#\"\"#; tokio();", true),
        ("let a = 1; // why\ntokio();", true),
        ("#[cfg(test)]\nmod tests {\n    use tokio::test;\n}\n", false),
        ("#[cfg(test)]\nmod tests;\nuse tokio;\n", true),
        ("#[cfg(test)]\nuse tokio;\n", false),
        ("#[cfg(test)]\nfn help() {\n    tokio();\n}\n", false),
        ("#[cfg(test)]\nfn help() {\n    a();\n}\nfn serve() {\n    tokio();\n}\n", true),
    ] {
        assert_eq!(!broken("engine/rule.rs", source).is_empty(), breaks, "{source}");
    }
    assert_eq!(code("a\n\"b\nc\"\n// d\ne"), ["a", "", "", "", "e"]);
}
