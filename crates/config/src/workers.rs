//! How many runs at once, and what a command may use.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::Deserializer;

use crate::layer::section;
use crate::size::Size;
use crate::yaml::{Placed, Sources, YamlError, parsed};

section! {
    /// `workers:`
    WorkersFile {
        slots: Option<Placed<u32>>,
        sandbox: Option<SandboxKind>,
        toolchains: Option<Vec<Placed<PathBuf>>>,
        memory: Option<Placed<Size>>,
        processes: Option<Placed<u64>>,
        file_size: Option<Size>,
        output: Option<Size>,
    }
}

/// What the workers of this process offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workers {
    /// Runs at once; 0 where this process works on none.
    pub slots: u32,
    /// What holds the commands.
    pub sandbox: SandboxKind,
    /// Host folders that commands see read-only at the same path, beside the system's.
    pub toolchains: Vec<PathBuf>,
    /// Memory of one command's process tree, in bytes.
    pub memory: u64,
    /// Processes and threads of one command.
    pub processes: u64,
    /// The largest file that a command may write, in bytes.
    pub file_size: u64,
    /// Bytes of output kept of one command.
    pub output: u64,
}

/// Kinds of sandbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SandboxKind {
    /// `bwrap`: namespaces and seccomp on this machine.
    #[default]
    Bubblewrap,
}

impl<'de> Deserialize<'de> for SandboxKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| match text {
            "bubblewrap" => Ok(Self::Bubblewrap),
            "none" | "off" => Err("commands never run without a sandbox"),
            "docker" | "podman" | "oci" | "kubernetes" => {
                Err("this sandbox is not supported by this version")
            }
            _ => Err("this sandbox is not known"),
        };
        parsed(deserializer, parse, "write `sandbox: bubblewrap`")
    }
}

/// Less memory than this, and a shell does not start.
const LEAST_MEMORY: Size = Size(32 << 20);

impl WorkersFile {
    /// The section, checked; `data_dir` is absolute.
    pub(crate) fn build(&self, data_dir: &Path, sources: &Sources) -> Result<Workers, Box<YamlError>> {
        let refuse =
            |place, wrong: &str, help: &str| Err(sources.error_at(place, wrong).with_help(help).boxed());
        if let Some(slots) = self.slots.as_ref().filter(|slots| slots.value > 1024) {
            return refuse(slots.place, "this number of slots cannot work", "choose between 0 and 1024");
        }
        if let Some(memory) = self.memory.as_ref().filter(|memory| memory.value < LEAST_MEMORY) {
            let help = format!("choose at least {LEAST_MEMORY}");
            return refuse(memory.place, "with so little memory no command starts", &help);
        }
        if let Some(processes) = self.processes.as_ref().filter(|count| count.value < 8) {
            return refuse(processes.place, "with so few processes no shell gets far", "choose at least 8");
        }
        for folder in self.toolchains.iter().flatten() {
            if !folder.is_absolute() {
                return refuse(folder.place, "a toolchain needs a full path", "start it with `/`");
            }
            if data_dir.starts_with(&folder.value) || folder.starts_with(data_dir) {
                let wrong = "commands would see `data_dir`, with the API's token and all records";
                return refuse(folder.place, wrong, "name a folder beside it, or move `data_dir`");
            }
        }
        let toolchains = self.toolchains.iter().flatten().map(|folder| folder.value.clone()).collect();
        Ok(Workers {
            slots: self.slots.as_ref().map_or(2, |slots| slots.value),
            sandbox: self.sandbox.unwrap_or_default(),
            toolchains,
            memory: self.memory.as_ref().map_or(2 << 30, |memory| memory.value.0),
            processes: self.processes.as_ref().map_or(512, |count| count.value),
            file_size: self.file_size.map_or(1 << 30, |size| size.0),
            output: self.output.map_or(16 << 20, |size| size.0),
        })
    }
}
