//! `switchhook completions` and `switchhook man`: what shells and `man` want to know of the commands.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Outcome, could_not_run, write};

/// The arguments of `completions`.
#[derive(Debug, Args)]
#[group(id = "completions")]
pub struct Arguments {
    /// The shell that is to complete the commands
    #[arg(value_enum)]
    shell: Shell,
}

/// The arguments of `man`.
#[derive(Debug, Args)]
#[group(id = "man")]
pub struct Manual {
    /// Write a page for each command into this folder, rather than that of the program to standard output
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Writes a script for a shell.
pub(super) fn run(arguments: &Arguments, mut commands: Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut commands, "switchhook", &mut script);
    write(&String::from_utf8_lossy(&script));
    Outcome::Fine
}

/// Writes manual pages.
pub(super) fn manual(arguments: &Manual, commands: Command) -> Outcome {
    let written = match &arguments.out {
        None => page(commands).map(|page| write(&String::from_utf8_lossy(&page))),
        Some(folder) => fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(commands, folder)),
    };
    match written {
        Ok(()) => Outcome::Fine,
        Err(error) => could_not_run(&error),
    }
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}
