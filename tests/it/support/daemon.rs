//! The built program in a temporary folder: as a daemon on ports of its own, or as a command that ends.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use switchhook::clock::Deadline;
use tempfile::TempDir;

use super::{Answer, Client, PATIENCE};

/// A temporary folder with files in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Makes a folder with these files, each a path and a text.
    pub(crate) fn with(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The program in `folder`, with nothing of the environment that it would listen to.
pub(crate) fn switchhook(folder: &Folder) -> Command {
    in_folder(folder, Command::new(PROGRAM))
}

/// The program in `folder`, as a service manager starts it that holds these sockets: they have the numbers 3 and 4, and
/// the variables name the process that the program itself is.
pub(crate) fn activated<S>(folder: &Folder, first: &S, second: Option<&S>) -> Command
where
    S: AsFd,
{
    const START: &str = "exec 3<&0 4<&1 </dev/null >/dev/null; export LISTEN_PID=$$; exec \"$0\" \"$@\"";
    let handed = |socket: &S| Stdio::from(socket.as_fd().try_clone_to_owned().unwrap());
    let mut command = in_folder(folder, Command::new("sh"));
    command.args(["-c", START, PROGRAM]).env("LISTEN_FDS", if second.is_some() { "2" } else { "1" });
    command.stdin(handed(first)).stdout(second.map_or_else(Stdio::null, handed));
    command
}

/// The program in `folder`, for which every name that it looks up hangs: its list of hosts is a pipe into which nobody
/// writes. Nothing where a program cannot be given a list of its own.
pub(crate) fn nameless(folder: &Folder) -> Option<Command> {
    const START: &str = "mount --bind hosts /etc/hosts && mount --bind order /etc/nsswitch.conf && exec \"$0\" \"$@\"";
    fs::write(folder.path().join("order"), "hosts: files\n").unwrap();
    let made = Command::new("mkfifo").arg(folder.path().join("hosts")).status().ok()?;
    let start = |program: &str| {
        let mut command = in_folder(folder, Command::new("unshare"));
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", START, program]);
        command
    };
    (made.success() && start("true").stderr(Stdio::null()).status().is_ok_and(|it| it.success()))
        .then(|| start(PROGRAM))
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_switchhook");

fn in_folder(folder: &Folder, mut command: Command) -> Command {
    for variable in ["CONFIG", "RULES", "LISTEN", "ADMIN", "ADMIN_TOKEN", "DATA", "LOG"] {
        command.env_remove(format!("SWITCHHOOK_{variable}"));
    }
    for variable in ["LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"] {
        command.env_remove(variable);
    }
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// A command that has ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Runs a command that is expected to end by itself.
    pub(crate) fn of(command: &mut Command) -> Ended {
        Ended::without_stdout(command.stdout(Stdio::piped()))
    }

    /// The same, for a command whose standard output is something else.
    pub(crate) fn without_stdout(command: &mut Command) -> Ended {
        let mut child = Stopped(command.stderr(Stdio::piped()).spawn().unwrap());
        let mut stdout: Box<dyn Read + Send> = match child.0.stdout.take() {
            Some(stdout) => Box::new(stdout),
            None => Box::new(std::io::empty()),
        };
        let mut stderr = child.0.stderr.take().unwrap();
        let stdout = reading(move |text| stdout.read_to_string(text));
        let stderr = reading(move |text| stderr.read_to_string(text));
        let stdout = stdout.recv_timeout(PATIENCE).expect("the program should have ended");
        let stderr = stderr.recv_timeout(PATIENCE).expect("the program should have ended");
        Ended { code: child.0.wait().unwrap().code(), stdout, stderr }
    }
}

fn reading(read: impl FnOnce(&mut String) -> std::io::Result<usize> + Send + 'static) -> Receiver<String> {
    let (done, text) = channel();
    thread::spawn(move || {
        let mut all = String::new();
        read(&mut all).unwrap();
        // Nobody listens any more if the test has given up.
        drop(done.send(all));
    });
    text
}

/// A process that does not outlive the test.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A daemon that serves.
pub(crate) struct Daemon {
    process: Stopped,
    /// Where it listens for Vapi.
    pub(crate) address: SocketAddr,
    /// Where it listens for operators.
    pub(crate) admin: SocketAddr,
    lines: Receiver<String>,
    log: Vec<Value>,
    folder: Folder,
}

impl Daemon {
    /// Starts a daemon in a folder with these files, on free ports.
    pub(crate) fn start(files: &[(&str, &str)]) -> Daemon {
        let folder = Folder::with(files);
        let mut command = switchhook(&folder);
        command.args(["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        Daemon::of(folder, &mut command)
    }

    /// Starts a daemon by a command of one's own, whose log is JSON.
    pub(crate) fn of(folder: Folder, command: &mut Command) -> Daemon {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut daemon =
            Daemon { process: Stopped(child), address: nowhere, admin: nowhere, lines, log: Vec::new(), folder };
        let listening = daemon.logged("listening");
        let address = |field: &str| listening[field].as_str().unwrap().parse().unwrap();
        (daemon.address, daemon.admin) = (address("address"), address("admin"));
        daemon
    }

    /// The folder in which it runs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same, for commands that are to run there.
    pub(crate) fn project(&self) -> &Folder {
        &self.folder
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// Posts `body` over a connection of its own.
    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.connect().post(path, &[], body)
    }

    /// Waits for a log line that says `message`.
    pub(crate) fn logged(&mut self, message: &str) -> Value {
        self.logged_where(message, |line| line["message"] == message)
    }

    /// Waits for a log line that `is_it`.
    pub(crate) fn logged_where(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(line) = self.log.iter().find(|line| is_it(line)) {
            return line.clone();
        }
        let deadline = Deadline::after(PATIENCE);
        loop {
            let line = match self.lines.recv_timeout(deadline.remaining()) {
                Ok(line) => self.keep(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("the log never said {what:?}: {:#?}", self.log)
                }
            };
            if is_it(&line) {
                return line;
            }
        }
    }

    /// Waits for the next log line that says `message`, after all those that were waited for before.
    pub(crate) fn next_logged(&mut self, message: &str) -> Value {
        let deadline = Deadline::after(PATIENCE);
        loop {
            let Ok(line) = self.lines.recv_timeout(deadline.remaining()) else {
                panic!("the log never said {message:?} again: {:#?}", self.log)
            };
            let line = self.keep(line);
            if line["message"] == message {
                return line;
            }
        }
    }

    /// Keeps a line of the log; one that is not JSON as a text.
    fn keep(&mut self, line: String) -> Value {
        let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
        self.log.push(line.clone());
        line
    }

    /// Sends the daemon a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process.0), signal).unwrap();
    }

    /// Asks the daemon to stop, as a service manager does.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Stops the daemon; returns the folder in which it ran.
    pub(crate) fn stop_and_keep(mut self) -> Folder {
        let folder = std::mem::replace(&mut self.folder, Folder::with(&[]));
        self.stop();
        folder
    }

    /// Waits until the daemon, which somebody has killed, is gone; returns the folder in which it ran.
    pub(crate) fn killed_and_kept(mut self) -> Folder {
        let folder = std::mem::replace(&mut self.folder, Folder::with(&[]));
        let (code, log) = self.ended();
        assert_eq!(code, None, "it was not killed: {log:#?}");
        folder
    }

    /// Waits until the daemon has ended; returns its exit code and all that it logged.
    pub(crate) fn ended(mut self) -> (Option<i32>, Vec<Value>) {
        let deadline = Deadline::after(PATIENCE);
        loop {
            match self.lines.recv_timeout(deadline.remaining()) {
                Ok(line) => drop(self.keep(line)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the daemon does not stop: {:#?}", self.log),
            }
        }
        (self.process.0.wait().unwrap().code(), std::mem::take(&mut self.log))
    }

    /// Stops the daemon; returns all that it logged.
    pub(crate) fn stop(self) -> Vec<Value> {
        self.terminate();
        let (code, log) = self.ended();
        assert_eq!(code, Some(0), "{log:#?}");
        log
    }
}
