//! Where a running daemon is asked by its operators: `admin` alone, whatever else stands in the settings file.
//!
//! Who asks may lack most of what the daemon needs: its variables, its keys, its files. But who takes the default address
//! because of that, asks another daemon, or none.

use std::net::SocketAddr;
use std::path::Path;

use secrecy::SecretString;

use super::address::{self, Admin};
use super::environment::{self, FilledIn};
use super::{ADMIN, Trouble, read, secret};
use crate::engine::diagnostic::{self, Diagnostic, Sources, closest};
use crate::engine::source::yaml::{self, Node, Yaml};
use crate::load;
use crate::server::tls::Certificates;

/// Where a daemon listens for operators.
pub struct AdminSettings {
    /// Its address.
    pub listen: SocketAddr,
    /// What operators must bring, if anything.
    pub token: Option<SecretString>,
    /// What the address is secured by, if it is.
    pub tls: Option<Certificates>,
}

impl From<Admin> for AdminSettings {
    fn from(Admin { listen, token, tls }: Admin) -> AdminSettings {
        AdminSettings { listen: listen.map_or(ADMIN, |listen| listen.value), token, tls }
    }
}

/// What was said of the daemon beside the settings, so that they need not say it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known {
    /// Its address.
    pub address: bool,
    /// Its token.
    pub token: bool,
}

/// Reads what the settings file, or `switchhook.yaml` if there is one, says of the admin address, and nothing else.
///
/// # Errors
/// When the file cannot be read, or something in `admin` is wrong that is not known already.
pub fn load_for_asking(file: Option<&Path>, known: Known) -> Result<AdminSettings, Trouble> {
    let written = read(file).map_err(Trouble::Unreadable)?;
    let text = written.text.as_deref().unwrap_or_default();
    let (mut sources, mut found) = (Sources::default(), Vec::new());
    let id = sources.add(load::shown(&written.path), text);
    let Some(tree) = yaml::parse(id, text, &mut found) else {
        if known.address {
            return Ok(Admin::default().into());
        }
        found.iter_mut().for_each(secret::conceal);
        return Err(Trouble::Found(helped(found), sources));
    };
    let folder = written.path.parent().unwrap_or_else(|| Path::new(""));
    let secrets = secret::literal(&tree);
    // A second `admin` may say something else than the first.
    found.retain(|one| one.slug == "duplicate-key" && one.message.contains("`admin`"));
    if !known.address {
        found.extend(misspelt(&tree));
    }
    let (admin, filled_in) = admin(&tree, folder, known, &mut found);
    if !diagnostic::has_errors(&found) {
        return Ok(admin.into());
    }
    secrets.conceal(&mut found, &sources);
    filled_in.conceal(&mut found);
    Err(Trouble::Found(helped(found), sources))
}

fn helped(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let help = "or say where the daemon is with `--admin`, and its token with `--token`";
    found.into_iter().map(|one| one.help(help)).collect()
}

fn admin(tree: &Node, folder: &Path, known: Known, found: &mut Vec<Diagnostic>) -> (Admin, FilledIn) {
    let Some(mut node) = tree.get("admin").cloned() else { return (Admin::default(), FilledIn::default()) };
    leave_out(&mut node, known);
    let before = found.len();
    let filled_in = environment::expand(&mut node, found);
    // What a variable that is not set leaves behind is wrong in some other way, too.
    let is_filled = found.len() == before;
    let mut wrong = Vec::new();
    let admin = address::admin(&node, folder, &mut wrong).unwrap_or_default();
    // Whether others may reach the address matters to the daemon alone.
    found.extend(wrong.into_iter().filter(|one| is_filled && one.slug != "open-admin"));
    (admin, filled_in)
}

/// Takes out what need not be said.
fn leave_out(admin: &mut Node, known: Known) {
    match &mut admin.value {
        Yaml::Map(entries) => {
            entries.retain(|(key, _)| !(known.address && key.text == "listen" || known.token && key.text == "token"));
        }
        value if known.address => *value = Yaml::Map(Vec::new()),
        _ => {}
    }
}

/// What should most likely be called `admin`, where nothing is.
fn misspelt(tree: &Node) -> Option<Diagnostic> {
    if tree.get("admin").is_some() {
        return None;
    }
    let (key, _) = tree.entries().iter().find(|(key, _)| closest(&key.text, ["admin"]).is_some())?;
    let message = format!("the settings file has no field `{}`", key.text);
    Some(Diagnostic::error("unknown-field", key.span, message).help("did you mean `admin`?"))
}
