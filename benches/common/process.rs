//! Processes: on which core they run, what they have used, and that they end.

use std::fmt;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Outcome;

/// A child process that is killed when this is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    /// The time that all its threads have spent on a core.
    pub(crate) fn cpu_time(&self) -> Outcome<Duration> {
        let mut nanos = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += text.split_whitespace().next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// How much of that was in its own code so far, and how much in the kernel on its behalf: clock ticks of each, which the
    /// kernel counts now and then, so that they say something after some seconds.
    pub(crate) fn ticks(&self) -> Outcome<[f64; 2]> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The name, in parentheses, can hold anything.
        let (_, fields) = text.rsplit_once(") ").ok_or("the process has no name")?;
        let mut times = fields.split(' ').skip(11);
        let mut next = || -> Outcome<f64> { Ok(times.next().ok_or("the process has no times")?.parse()?) };
        Ok([next()?, next()?])
    }

    /// The bytes of memory that it occupies.
    pub(crate) fn resident(&self) -> Outcome<u32> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("the process has no memory")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u32>()? * 1024)
    }
}

/// Where the servers run: on a core of their own, or, if there is but one or nothing that pins, wherever there is time.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    server: Option<[u32; 2]>,
}

impl Cores {
    /// Wherever there is time.
    pub(crate) const ANY: Cores = Cores { server: None };

    /// Takes the last core for this process, which makes the load, and leaves the first one to the servers.
    pub(crate) fn apart() -> Cores {
        let this = std::process::id().to_string();
        let apart = allowed().filter(|(_, load)| {
            let pin = Command::new("taskset")
                .args(["-a", "-c", "-p", &load.to_string(), &this])
                .stdout(Stdio::null())
                .status();
            pin.is_ok_and(|status| status.success())
        });
        Cores { server: apart.map(|(server, _)| [server; 2]) }
    }

    /// One core, and two with that one among them, for all that is to share them; `None` where there are no two.
    pub(crate) fn one_and_two() -> Option<[Cores; 2]> {
        let (one, other) = allowed()?;
        Some([[one; 2], [one, other]].map(|cores| Cores { server: Some(cores) }))
    }

    /// A command that runs `program` there.
    pub(crate) fn command(self, program: &str) -> Command {
        let Some([one, other]) = self.server else { return Command::new(program) };
        let mut command = Command::new("taskset");
        command.args(["-c", &format!("{one},{other}"), program]);
        command
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.server.is_some() {
            "server and load on a core each"
        } else {
            "server and load share the cores"
        })
    }
}

/// The first and the last core that this process may use, if they differ.
fn allowed() -> Option<(u32, u32)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut cores = list.split([',', '-']).filter_map(|core| core.trim().parse().ok());
    Some((cores.next()?, cores.next_back()?))
}
