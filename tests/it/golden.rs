//! Files that hold what is expected: compared exactly, or written anew with `UPDATE_EXPECT=1` and read in review.

use std::fs;
use std::path::Path;

/// Holds what came out against the file; returns how they differ, if they do.
pub(crate) fn difference(file: &Path, came_out: &str) -> Option<String> {
    if is_updating() {
        fs::write(file, came_out).unwrap();
        return None;
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    (expected != came_out).then(|| format!("--- {} should be\n{came_out}", file.display()))
}

/// Fails with all differences at once.
pub(crate) fn assert_none(differences: &[String]) {
    assert!(differences.is_empty(), "run with UPDATE_EXPECT=1 and review:\n{}", differences.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "this asks how the tests are run, not what the daemon is told")]
fn is_updating() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}
