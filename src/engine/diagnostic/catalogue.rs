//! The pages behind the slugs: what a finding means, what earns it, how to mend it.
//!
//! A page is `docs/diagnostics/<slug>.md`; a new slug needs the page and its line here.

/// Makes [`ALL`] and [`page`] of one list.
macro_rules! pages {
    ($($slug:literal),* $(,)?) => {
        /// Every slug that has a page, sorted.
        pub const ALL: &[&str] = &[$($slug),*];

        /// The page that explains `slug`, in Markdown; `None` if there is no such slug.
        #[must_use]
        pub fn page(slug: &str) -> Option<&'static str> {
            match slug {
                $($slug => Some(include_str!(concat!("../../../docs/diagnostics/", $slug, ".md"))),)*
                _ => None,
            }
        }
    };
}

pages! {
    "bad-address",
    "bad-certificate",
    "bad-control",
    "bad-credential",
    "bad-date",
    "bad-destination",
    "bad-filter",
    "bad-key",
    "bad-name",
    "bad-network",
    "bad-path",
    "bad-phone",
    "bad-regex",
    "bad-reply",
    "bad-schema",
    "bad-secret",
    "bad-server-path",
    "bad-share",
    "bad-timeout",
    "bad-tls-key",
    "bad-url",
    "bad-window",
    "capturing-call",
    "circular-let",
    "client-kind",
    "closure-circle",
    "deadline",
    "duplicate-key",
    "duplicate-name",
    "empty-condition",
    "empty-field",
    "empty-placeholder",
    "import-cycle",
    "import-outside",
    "invalid-value",
    "literal-secret",
    "local-number",
    "misleading-field",
    "misplaced-word",
    "missing-field",
    "mixed-kinds",
    "module-name",
    "never-equal",
    "no-action",
    "no-server",
    "not-available-yet",
    "not-constant",
    "open-admin",
    "open-server",
    "opt-in-kind",
    "refused-destination",
    "reply-not-read",
    "script-load",
    "script-syntax",
    "table-cell",
    "table-cells",
    "table-header",
    "table-key",
    "table-quotes",
    "table-size",
    "taken-name",
    "tool-kind",
    "two-actions",
    "two-answers",
    "unanswered-kind",
    "unanswered-tool",
    "unclosed-placeholder",
    "unknown-action",
    "unknown-argument",
    "unknown-column",
    "unknown-event-kind",
    "unknown-field",
    "unknown-function",
    "unknown-module",
    "unknown-name",
    "unknown-operator",
    "unknown-path",
    "unknown-secret",
    "unknown-table",
    "unknown-value",
    "unknown-variable",
    "unquoted-placeholder",
    "unreachable-row",
    "unreachable-rule",
    "unset-variable",
    "unused-action",
    "unused-fetch",
    "unused-setting",
    "unused-table",
    "useless-fallback",
    "whole-event",
    "wrong-arity",
    "wrong-table",
    "wrong-type",
    "yaml-alias",
    "yaml-comment",
    "yaml-depth",
    "yaml-documents",
    "yaml-key",
    "yaml-merge",
    "yaml-number",
    "yaml-size",
    "yaml-syntax",
    "yaml-tag",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_its_parts() {
        for slug in ALL {
            let page = page(slug).unwrap();
            assert!(page.starts_with(&format!("# {slug}\n\n")), "{slug}: the title");
            assert!(page.contains("```"), "{slug}: an example");
            assert!(page.contains("## How to mend it\n"), "{slug}: the remedy");
            assert!(page.lines().all(|line| line.chars().count() <= 120), "{slug}: a long line");
        }
        assert_eq!(page("no-such-slug"), None);
    }

    #[test]
    fn the_list_is_sorted() {
        assert!(ALL.is_sorted());
    }
}
