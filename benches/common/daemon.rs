//! The daemon itself, the release binary, with rules in a folder of its own and its log thrown away.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Outcome;
use crate::common::process::{Cores, Running};

/// What a sender must bring in `X-Vapi-Secret`.
pub(crate) const SECRET: &str = "a-secret-of-the-benchmarks";
/// Settings for ports that nobody else has; the operators' address differs, so that the two can be told apart.
const SETTINGS: &str = "listen: 127.0.0.1:0\nadmin: { listen: 127.0.0.2:0 }\n";

/// A folder with settings, rules and scripts.
pub(crate) struct Project(TempDir);

impl Project {
    /// Makes one; `files` are paths and what they hold.
    pub(crate) fn new(files: &[(&str, &str)]) -> Outcome<Project> {
        let folder = TempDir::with_prefix("switchhook-bench-")?;
        fs::create_dir_all(folder.path().join("rules/scripts"))?;
        fs::write(folder.path().join("switchhook.yaml"), format!("{SETTINGS}auth: [ {{ secret: {SECRET} }} ]\n"))?;
        for (path, text) in files {
            fs::write(folder.path().join(path), text)?;
        }
        Ok(Project(folder))
    }

    /// Accepts this credential instead of the secret.
    pub(crate) fn authenticate(&self, credential: &str) -> Outcome<()> {
        let settings = format!("{SETTINGS}auth: [ {{ {credential} }} ]\n");
        Ok(fs::write(self.path().join("switchhook.yaml"), settings)?)
    }

    /// Adds lines to the settings.
    pub(crate) fn set(&self, lines: &str) -> Outcome<()> {
        let file = self.path().join("switchhook.yaml");
        Ok(fs::write(&file, fs::read_to_string(&file)? + lines + "\n")?)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, cores: Cores) -> Command {
        let mut command = cores.command(env!("CARGO_BIN_EXE_switchhook"));
        command.arg("run").current_dir(self.0.path());
        command
    }

    /// Starts the daemon.
    pub(crate) fn start(&self, cores: Cores) -> Outcome<Daemon> {
        let mut running = Running(self.command(cores).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
        // First the one, then the other is opened: see `switchhook::daemon`.
        let admin = wait_for(&mut running.0, Ipv4Addr::new(127, 0, 0, 2))?;
        let address = wait_for(&mut running.0, Ipv4Addr::LOCALHOST)?;
        Ok(Daemon { running, address, admin })
    }

    /// How long it takes from the start of the process until the daemon says that it listens.
    pub(crate) fn time_to_ready(&self) -> Outcome<Duration> {
        let mut command = self.command(Cores::ANY);
        let begun_at = Instant::now();
        let mut running = Running(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?);
        let log = running.0.stderr.take().ok_or("the daemon has no log")?;
        for line in BufReader::new(log).lines() {
            if line?.contains("listening") {
                return Ok(begun_at.elapsed());
            }
        }
        Err("the daemon ended before it was ready".into())
    }
}

/// The daemon, running until this is dropped.
pub(crate) struct Daemon {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
    /// Where operators are answered.
    pub(crate) admin: SocketAddr,
}

impl Daemon {
    /// Has the daemon read its files again; returns the status and what came of it.
    pub(crate) fn reload(&self) -> Outcome<(u16, String)> {
        let mut stream = TcpStream::connect(self.admin)?;
        let request = "POST /api/reload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.split(' ').nth(1).ok_or("no answer")?.parse()?;
        Ok((status, answer))
    }
}

/// Waits until the process listens on `ip`, and says where.
fn wait_for(child: &mut Child, ip: Ipv4Addr) -> Outcome<SocketAddr> {
    for _ in 0..2000 {
        if let Some(port) = port(child.id(), ip) {
            return Ok(SocketAddr::from((ip, port)));
        }
        if let Some(status) = child.try_wait()? {
            return Err(format!("the daemon could not run: {status}").into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Err("the daemon does not listen".into())
}

/// The port on `ip` where a process listens: the kernel lists sockets by inode, and a process has them open.
/// So the log, which would tell it too, can go where it costs no reader.
fn port(process: u32, ip: Ipv4Addr) -> Option<u16> {
    let open = fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let open: HashSet<String> =
        open.filter_map(|file| Some(fs::read_link(file.ok()?.path()).ok()?.to_string_lossy().into_owned())).collect();
    let sockets = fs::read_to_string("/proc/net/tcp").ok()?;
    let ip = format!("{:08X}:", u32::from_le_bytes(ip.octets()));
    sockets.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, "0A", _, _, _, _, _, inode, ..] = fields.as_slice() else { return None };
        let port = local.strip_prefix(&ip).filter(|_| open.contains(&format!("socket:[{inode}]")))?;
        u16::from_str_radix(port, 16).ok()
    })
}
