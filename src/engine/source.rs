//! Rule files as their authors wrote them, and [`compile`], which makes an engine of them.
//!
//! Types that mirror the files never leave this module. Between them and the engine stands one function,
//! which finds everything there is to find before it gives up.

mod actions;
mod arguments;
mod bindings;
mod fetch;
mod files;
mod hyphen;
mod inside;
mod kinds;
mod names;
mod node;
mod numbers;
mod outgoing;
mod outline;
mod placeholder;
pub mod read;
mod review;
mod rows;
mod rule;
mod tables;
mod template;
mod tools;
mod url;
mod uses;
mod vars;
mod when;
pub mod yaml;

use std::collections::HashSet;
use std::time::Duration;

use super::Engine;
use super::act::Act;
use super::action::AGE_MAX;
use super::control;
use super::diagnostic::{self, Diagnostic, FileId, Severity, Sources, Span};
use super::event::WantedBuilder;
use super::kind::{Deadline, Kind, KindSet};
use super::path::{KnownSteps, Path};
use super::rule::{Involves, Rule, RuleSet};
use super::script::{ScriptFile, ScriptLimits, Scripts};
use super::table::TableLimits;
use super::tools::Tools;
use actions::Reusable;
pub use actions::VERBS;
use arguments::{Arguments, Undeclared};
pub use files::{is_rule_file, is_test_file, module_name, table_name};
pub use names::unknown_field;
pub use outgoing::words;
pub use outline::schema;
use rule::Draft;
use tables::{Sheets, Used};
use tools::Declared;
use vars::Vars;
use yaml::{Node, Yaml};

/// How Vapi's fixed deadlines are kept: an assistant-request is answered this long after its arrival at
/// the latest, since Vapi gives up at 7.5 s (contract, section 4).
const ASSISTANT_REQUEST: Duration = Duration::from_secs(6);
/// A knowledge-base-request likewise, since Vapi gives up at 10 s (contract, section 3).
const KNOWLEDGE_BASE: Duration = Duration::from_secs(8);
/// What the other kinds are answered ahead of the server's own timeout, for the way there and back.
const MARGIN: Duration = Duration::from_secs(2);

/// What a rule set's server settings say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Vapi's `server.timeoutSeconds` for this URL.
    pub timeout: Duration,
    /// The sentence that a caller hears when no rule answers an assistant-request.
    pub no_assistant: String,
    /// The limits that scripts run within.
    pub scripts: ScriptLimits,
    /// How large one compiled pattern may be.
    pub regex_bytes_max: usize,
    /// How large a table may be.
    pub tables: TableLimits,
    /// The names of the secrets; `None` where there are no settings that would say.
    pub secrets: Option<Vec<String>>,
    /// What the settings allow of what lies inside; `None` where there are no settings that would say.
    pub outbound_allow: Option<Vec<String>>,
    /// How long the outbox tries anything, whatever an action says.
    pub outbox_age_max: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            timeout: Duration::from_secs(20),
            no_assistant: "Sorry, nobody can take your call right now. Please try again later.".to_owned(),
            scripts: ScriptLimits::default(),
            regex_bytes_max: 1 << 20,
            tables: TableLimits::default(),
            secrets: None,
            outbound_allow: None,
            outbox_age_max: AGE_MAX,
        }
    }
}

impl Options {
    /// How long after its arrival an event of `kind` is answered at the latest; `None` if nobody waits.
    #[must_use]
    pub fn time_for(&self, kind: Kind) -> Option<Duration> {
        // A server with a timeout of a second or two still needs some time.
        let own = self.timeout.saturating_sub(MARGIN).max(self.timeout / 2);
        match kind.deadline() {
            Deadline::None => None,
            Deadline::AssistantRequest => Some(ASSISTANT_REQUEST),
            Deadline::KnowledgeBase => Some(KNOWLEDGE_BASE.min(own)),
            Deadline::ServerTimeout => Some(own),
        }
    }
}

/// An engine, and what its author should know about it.
#[derive(Debug)]
pub struct Compiled {
    /// Ready to decide.
    pub engine: Engine,
    /// Warnings and hints.
    pub found: Vec<Diagnostic>,
}

/// What is wrong only if no other file says something about it.
const OF_ALL_FILES: &[&str] = &["unknown-action", "unknown-variable", "unused-action"];

/// Makes an engine of rule files (`*.yaml`, `*.yml`), script modules (`scripts/*.rhai`) and tables (`tables/*.csv`).
///
/// # Errors
/// Everything that was found, if any of it is an error.
pub fn compile(sources: &Sources, options: &Options) -> Result<Compiled, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let (files, are_all_read) = rule_files(sources, &mut found);
    let sheets = Sheets::read(sources, &files, &options.tables, &mut found);
    let (modules, secrets) = (script_files(sources), options.secrets.as_deref());
    let scripts = Scripts::compile(&modules, &options.scripts, secrets, &sheets.tables, &mut found);
    let vars = Vars::of(&files, &mut found);
    let reusable = Reusable::of(&files, &mut found);
    let arguments = Arguments::of(&files);
    let mut wanted = WantedBuilder::new();
    let mut shop = Workshop {
        sources,
        options,
        scripts: &scripts,
        vars: &vars,
        reusable: &reusable,
        arguments: &arguments,
        undeclared: Undeclared::default(),
        sheets: &sheets,
        tables_used: Used::default(),
        wanted: &mut wanted,
        wants_headers: false,
        looked_up: HashSet::new(),
        known_steps: KnownSteps::default(),
        involves: Involves::default(),
        scripts_reach_out: false,
        found: &mut found,
    };
    let (drafts, declared) = shop.files(&files);
    let (wants_headers, scripts_reach_out) = (shop.wants_headers, shop.scripts_reach_out);
    let control_url = Path::parse(control::URL).filter(|_| scripts_reach_out);
    let control_url = control_url.map(|path| wanted.want(KindSet::ALL, path.segments()));
    drop_consequences(&mut found, sources);
    if !are_all_read {
        // What is missed may stand in the file that cannot be read.
        found.retain(|one| !OF_ALL_FILES.contains(&one.slug));
    }
    diagnostic::sort(&mut found);
    if diagnostic::has_errors(&found) {
        return Err(found);
    }
    let rules: Vec<Rule> = drafts.into_iter().filter(|draft| draft.enabled).map(|draft| draft.rule).collect();
    let engine = Engine {
        reaching_out: kinds(&rules, |it| it.others),
        waiting: kinds(&rules, |it| it.waiting),
        calling_off: calling_off(&rules),
        rules: RuleSet::new(rules),
        wanted: wanted.build(),
        tools: Tools::new(declared.into_iter().map(Declared::finished)),
        wants_headers,
        control_url,
        sources: sources.clone(),
        no_assistant: options.no_assistant.clone(),
    };
    Ok(Compiled { engine, found })
}

/// The rule files as trees, and whether all of them could be read.
fn rule_files(sources: &Sources, found: &mut Vec<Diagnostic>) -> (Vec<(FileId, Node)>, bool) {
    let files = sources.iter().filter(|(_, file)| is_rule_file(&file.path));
    let parsed: Vec<_> = files.map(|(id, file)| Some((id, yaml::parse(id, &file.text, found)?))).collect();
    let are_all_read = parsed.iter().all(Option::is_some);
    (parsed.into_iter().flatten().collect(), are_all_read)
}

/// The kinds of those rules of which this is so.
fn kinds(rules: &[Rule], is_so: fn(&Involves) -> bool) -> KindSet {
    let meant = rules.iter().filter(|rule| is_so(&rule.involves));
    meant.fold(KindSet::EMPTY, |kinds, rule| kinds.union(rule.kinds))
}

/// The kinds whose events make superfluous what a rule may want done.
fn calling_off(rules: &[Rule]) -> KindSet {
    let acts = rules.iter().flat_map(|rule| &rule.acts);
    acts.filter_map(Act::unless_by).filter_map(|it| Kind::from_name(&it.kind)).collect()
}

/// Drops what was found on lines that YAML misread: every later check misreads them too. One mistake, one finding.
pub fn drop_consequences(found: &mut Vec<Diagnostic>, sources: &Sources) {
    let line = |one: &Diagnostic| (one.span.file, sources.place(one.span).line);
    let misread: HashSet<(FileId, u32)> = found.iter().filter(|one| is_of_yaml(one)).map(line).collect();
    found.retain(|one| is_of_yaml(one) || !misread.contains(&line(one)));
}

/// Whether the mistake is one in YAML itself.
fn is_of_yaml(found: &Diagnostic) -> bool {
    found.severity == Severity::Error && found.slug.starts_with("yaml-")
}

fn script_files(sources: &Sources) -> Vec<ScriptFile<'_>> {
    sources
        .iter()
        .filter_map(|(file, source)| {
            let module = module_name(&source.path)?;
            Some(ScriptFile { file, module, text: &source.text, path: &source.path })
        })
        .collect()
}

/// What is at hand while rules are compiled.
struct Workshop<'a> {
    sources: &'a Sources,
    options: &'a Options,
    scripts: &'a Scripts,
    vars: &'a Vars<'a>,
    reusable: &'a Reusable<'a>,
    arguments: &'a Arguments,
    /// The arguments that rules look at and that no tool declares.
    undeclared: Undeclared,
    sheets: &'a Sheets,
    /// Which of the tables rules and their expressions use.
    tables_used: Used,
    wanted: &'a mut WantedBuilder,
    /// Whether any rule looks at the request's headers.
    wants_headers: bool,
    /// The numbers of the `let` and `with` names that were looked up, for those who want to know.
    looked_up: HashSet<usize>,
    /// The ways from values to those inside of them that were met so far.
    known_steps: KnownSteps,
    /// What was noticed of the rule at hand; of others, what its scripts may ask or tell them.
    involves: Involves,
    /// Whether scripts of any rule may ask others something, or tell them.
    scripts_reach_out: bool,
    found: &'a mut Vec<Diagnostic>,
}

impl Workshop<'_> {
    fn files(&mut self, files: &[(FileId, Node)]) -> (Vec<Draft>, Vec<Declared>) {
        let (mut drafts, mut declared) = (Vec::new(), Vec::new());
        for (_, node) in files {
            if matches!(node.value, Yaml::Null) {
                continue;
            }
            if !matches!(node.value, Yaml::Map(_)) {
                self.found.push(
                    Diagnostic::error(
                        "wrong-type",
                        node.span,
                        format!("a rule file is a mapping, not {}", node.describe()),
                    )
                    .help("begin with `rules:` and write the rules below it, each with a dash"),
                );
            }
            for (key, value) in node.entries() {
                match key.text.as_str() {
                    "rules" => self.rules(value, &mut drafts),
                    "tools" => self.declared_tools(value, &mut declared),
                    "vars" | "actions" | "tables" => {}
                    other => self.found.push(unknown_file_field(other, key.span)),
                }
            }
        }
        let spans: Vec<(String, Span)> = declared.iter().map(|tool| (tool.name.clone(), tool.span)).collect();
        self.found.extend(self.reusable.unused());
        self.found.extend(std::mem::take(&mut self.undeclared).finished());
        self.tables_used.note_all(self.scripts.reach());
        self.review(&drafts, &spans, first_rules(files));
        (drafts, declared)
    }

    fn rules(&mut self, node: &Node, drafts: &mut Vec<Draft>) {
        match &node.value {
            Yaml::List(rules) => drafts.extend(rules.iter().filter_map(|rule| self.rule(rule))),
            Yaml::Null => {}
            _ => {
                let help = match node.entries().first() {
                    Some((key, _)) if key.text.starts_with('-') => "put a space behind each dash: `- name: …`",
                    _ => "begin each rule with a dash: `- name: …`",
                };
                let message = format!("`rules` is a list, not {}", node.describe());
                self.found.push(Diagnostic::error("wrong-type", node.span, message).help(help));
            }
        }
    }
}

/// Where rules begin, to which more can be added; the beginning of the first file where there are none.
fn first_rules(files: &[(FileId, Node)]) -> Option<Span> {
    let keys = files.iter().flat_map(|(_, node)| node.entries()).map(|(key, _)| key);
    let begun = keys.filter(|key| key.text == "rules").map(|key| key.span).next();
    begun.or_else(|| files.first().map(|(file, _)| Span { file: *file, start: 0, end: 0 }))
}

/// Whether a text may be that of a rule file, going by how its lines begin.
#[must_use]
pub fn looks_like_rules(text: &str) -> bool {
    let mut fields = super::schema::names(outline::FILE);
    fields.any(|field| text.lines().any(|line| line.strip_prefix(field).is_some_and(|rest| rest.starts_with(':'))))
}

fn unknown_file_field(name: &str, span: Span) -> Diagnostic {
    let found = Diagnostic::error("unknown-field", span, format!("a rule file has no field `{name}`"));
    let known = super::schema::names(outline::FILE);
    let all = known.clone().collect::<Vec<_>>().join(", ");
    found.suggest_or(name, known, format!("it may hold {all}"))
}
