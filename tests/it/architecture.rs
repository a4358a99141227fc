//! The promises between modules, so that no reviewer has to keep them.
//!
//! Each promise is an [`Arrow`]: in these files, these marks do not occur. What is looked at is code: comments and texts
//! are blanked out, and tests may do what they like.

use std::fs;
use std::path::Path;

use crate::support::here;

/// A promise about some files.
struct Arrow {
    says: &'static str,
    /// Whether the promise binds the file at this path, below `src`.
    binds: fn(&str) -> bool,
    marks: &'static [&'static str],
}

const ARROWS: &[Arrow] = &[
    Arrow {
        says: "the engine does no I/O, asks no clock and throws no dice",
        binds: in_engine,
        marks: &[
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
        ],
    },
    Arrow {
        says: "the engine knows nothing of what stands around it",
        binds: in_engine,
        marks: &["crate::", "switchhook::"],
    },
    Arrow {
        says: "only `engine::script` knows which script language it is",
        binds: |path| !path.starts_with("engine/script"),
        marks: &["rhai::", "use rhai"],
    },
    Arrow {
        says: "nobody imports the commands",
        binds: |path| !is_command(path),
        marks: &["crate::cli", "switchhook::cli"],
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
        binds: |path| path == "server/admin.rs",
        marks: &["service"],
    },
    Arrow {
        says: "the service does not know the admin address",
        binds: |path| path == "server/service.rs",
        marks: &["admin"],
    },
];

fn in_engine(path: &str) -> bool {
    path == "engine.rs" || path.starts_with("engine/")
}

fn is_command(path: &str) -> bool {
    path == "main.rs" || path == "cli.rs" || path.starts_with("cli/")
}

impl Arrow {
    /// The first mark in a line of code that breaks the promise.
    fn broken_by(&self, line: &str) -> Option<&'static str> {
        let line = line.replace("crate::engine", "");
        self.marks.iter().copied().find(|mark| line.contains(mark))
    }
}

/// The code of a file, line by line: without comments, without what stands in texts, without test modules.
fn code(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut code = blanked(code);
    // What is for tests alone ends the file or is one item; an item is left out up to its closing brace.
    while let Some(at) = code.find("#[cfg(test)]") {
        let rest = &code[at..];
        let end = rest.find([';', '{']).map_or(rest.len(), |open| match rest.as_bytes()[open] {
            b';' => open,
            _ => rest.find("\n}").map_or(rest.len(), |close| close + 2),
        });
        let left_out: String = rest[..end].chars().filter(|c| *c == '\n').collect();
        code.replace_range(at..at + end, &left_out);
    }
    code.lines().map(str::to_owned).collect()
}

/// The source with comments and texts taken out. Line breaks stay, so that lines keep their numbers.
fn blanked(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let skipped = skipped(rest, code.chars().next_back());
        let taken = if skipped == 0 { next.len_utf8() } else { skipped };
        let (text, after) = rest.split_at(taken);
        if skipped == 0 {
            code.push_str(text);
        } else {
            code.extend(text.chars().filter(|c| *c == '\n'));
        }
        rest = after;
    }
    code
}

/// The length of the comment or text that `rest` begins with.
fn skipped(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if before.is_none_or(|before| !before.is_alphanumeric()) && (rest.starts_with("r\"") || rest.starts_with("r#")) {
        let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
        if rest[1 + hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return rest[2 + hashes..].find(&end).map_or(rest.len(), |at| 2 + hashes + at + end.len());
        }
    }
    if rest.starts_with("'\"'") {
        return 3;
    }
    if !rest.starts_with('"') {
        return 0;
    }
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Every source file below `folder`, as its path below `src` and its text; files of tests are none.
fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap();
        if entry.is_dir() {
            sources(&entry, into);
        } else if name.ends_with(".rs") && name != "tests.rs" {
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
    assert!(broken.is_empty(), "{}", broken.join("\n"));
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
    for (path, line, promises) in [
        ("engine/rule.rs", "use tokio::time;", 1),
        ("engine.rs", "let text = std::fs::read(path);", 1),
        ("engine/window.rs", "let now = Timestamp::now();", 2),
        ("engine/share.rs", "let dice = rand::random();", 1),
        ("engine/script.rs", "tracing::info!();", 1),
        ("engine/facts.rs", "use crate::server::site::Site;", 1),
        ("engine/facts.rs", "use crate::engine::kind::Kind;", 0),
        ("engine/facts.rs", "std::env::var(name)", 2),
        ("engine/scope.rs", "use rhai::Dynamic;", 1),
        ("engine/script/run.rs", "use rhai::Dynamic;", 0),
        ("server/service.rs", "let value: rhai::Dynamic;", 1),
        ("load.rs", "use crate::cli::report;", 1),
        ("cli/check.rs", "use crate::cli::report;", 0),
        ("load.rs", "std::env::current_dir()", 1),
        ("settings/environment.rs", "std::env::var(name)", 0),
        ("server/pace.rs", "Instant::now()", 1),
        ("clock.rs", "Instant::now()", 0),
        ("server/admin.rs", "use super::service::Service;", 1),
        ("server/service.rs", "use super::admin::Admin;", 1),
        ("server/wire.rs", "use super::admin::Admin;", 0),
    ] {
        assert_eq!(broken(path, line).len(), promises, "{path}: {line}: {:?}", broken(path, line));
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
