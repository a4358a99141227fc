//! Changed files come in force while calls go on, and broken ones never do.
//!
//! One thread does all of it. It looks when the operating system hints at a change, when an operator asks, and now and
//! then in any case. To look is to read everything and compare it with what was read last; what has changed must read
//! the same twice before it counts, so that nothing half written is taken for whole. Each server's new rules are
//! compiled aside and held against what is in force; then one handle is swapped, and who has taken the old sites keeps
//! them until its request is answered.
//!
//! ```text
//! hint ──► settle (nothing happens any more) ──► look ──► differs from `seen`? ──► look again: the same? ──► act
//! time is up ───────────────────────────────────▲                  wish of an operator ─────────────────────▲
//! ```

mod parts;
mod reading;
pub mod refused;
mod reloader;
pub mod report;
pub mod server;
pub mod shelf;
mod start;
pub mod status;
mod thread;
mod watch;

use secrecy::SecretString;
use std::sync::mpsc::Sender;
use tokio::sync::oneshot;

pub use self::parts::Parts;
pub use self::reading::Project;
pub use self::reloader::Reloader;
use self::report::Report;
pub use self::start::Start;
use self::status::Status;
use self::watch::Hint;
use crate::client::Client;
use crate::live::Live;
use crate::secrets::Secrets;
use crate::server::limits::Limits;
use crate::server::site::Sites;

/// What reloading puts in force.
#[derive(Clone)]
pub struct InForce {
    /// What answers where.
    pub sites: Live<Sites>,
    /// The bounds of the transport.
    pub limits: Live<Limits>,
    /// What operators must bring.
    pub admin_token: Live<Option<SecretString>>,
    /// What texts of actions can ask for.
    pub secrets: Live<Secrets>,
    /// What sends requests to others.
    pub client: Live<Client>,
    /// How reloading stands.
    pub status: Live<Status>,
}

/// What wakes the thread that reloads.
enum Wake {
    Hint(Hint),
    Reload { wish: Wish, done: oneshot::Sender<Report> },
    RollBack { server: Option<String>, done: oneshot::Sender<Report> },
    Stop { over: oneshot::Sender<()> },
}

/// What an operator wants of a reload.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Whether rules are put in force that a guard would keep out.
    pub force: bool,
    /// Whose rules; not needed where there is one server.
    pub server: Option<String>,
}

/// A handle on the thread that reloads. Cheap to clone.
#[derive(Clone)]
pub struct Reloads(Sender<Wake>);

impl Reloads {
    /// Puts what the files say in force, and says what came of it.
    ///
    /// Nothing is returned if the daemon is about to stop.
    pub async fn reload(&self, wish: Wish) -> Option<Report> {
        let (done, report) = oneshot::channel();
        self.0.send(Wake::Reload { wish, done }).ok()?;
        report.await.ok()
    }

    /// Goes back to the rules before those in force, of one server or of the only one.
    ///
    /// Nothing is returned if the daemon is about to stop.
    pub async fn roll_back(&self, server: Option<String>) -> Option<Report> {
        let (done, report) = oneshot::channel();
        self.0.send(Wake::RollBack { server, done }).ok()?;
        report.await.ok()
    }

    /// Ends the thread. What it is at comes to its end first: what has come in force is kept, too.
    pub async fn stop(&self) {
        let (over, ended) = oneshot::channel();
        // It may have ended already.
        if self.0.send(Wake::Stop { over }).is_ok() {
            let _ = ended.await;
        }
    }
}
