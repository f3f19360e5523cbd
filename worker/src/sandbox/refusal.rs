//! Why `bwrap` could not set up a sandbox, and what a person can do about it.
//!
//! `bwrap` reports an errno; the cause is one of a few well-known policies, each of which can be
//! read from the machine.

use std::fs;
use std::path::Path;

use super::SandboxError;

/// The AppArmor profile that lets `bwrap` make user namespaces where others may not (Ubuntu 24.04
/// and later; the form is that of Ubuntu's own `bwrap-userns-restrict`).
const APPARMOR: &str = "create /etc/apparmor.d/bwrap with `abi <abi/4.0>, include <tunables/global> \
    profile bwrap PROGRAM flags=(unconfined) { userns, }` and load it with \
    `sudo apparmor_parser -r /etc/apparmor.d/bwrap`";

/// What the machine says about user namespaces.
#[derive(Debug, Default)]
pub(super) struct Policy {
    /// `kernel.apparmor_restrict_unprivileged_userns` is on.
    apparmor: bool,
    /// `kernel.unprivileged_userns_clone` (Debian's patch) is off.
    clone_off: bool,
    /// `user.max_user_namespaces` is 0.
    none_allowed: bool,
    /// Runs in a container.
    container: bool,
}

impl Policy {
    /// Reads it.
    pub(super) fn of_host() -> Self {
        let reads =
            |file: &str, value: &str| fs::read_to_string(file).is_ok_and(|content| content.trim() == value);
        Self {
            apparmor: reads("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
            clone_off: reads("/proc/sys/kernel/unprivileged_userns_clone", "0"),
            none_allowed: reads("/proc/sys/user/max_user_namespaces", "0"),
            container: ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists()),
        }
    }

    /// Turns `bwrap`'s last words into an error that helps.
    pub(super) fn explain(&self, words: &str, program: &Path, host_ids: Option<(u32, u32)>) -> SandboxError {
        let said = words.strip_prefix("bwrap: ").unwrap_or(words).trim();
        let message = match said {
            "" => "bwrap ended without starting the command".to_owned(),
            _ => format!("bwrap could not set up the sandbox: {said}"),
        };
        SandboxError::Refused { message, remedy: self.remedy(said, program, host_ids) }
    }

    fn remedy(&self, said: &str, program: &Path, host_ids: Option<(u32, u32)>) -> String {
        if said.contains("Can't find source path") {
            let who = host_ids
                .map_or_else(|| "the worker's user".to_owned(), |(user, _)| format!("user id {user}"));
            return format!(
                "the path has to exist, and {who} has to be able to reach it: every folder above it needs `x` for them"
            );
        }
        if said.starts_with("Unknown option") {
            return "install bubblewrap 0.8 or newer".to_owned();
        }
        if said.starts_with("execvp") {
            return "the host needs a /bin/sh below /usr or /bin".to_owned();
        }
        let policy = ["ermi", "namespace", "No space left"].iter().any(|hint| said.contains(hint));
        if !policy {
            return Self::by_hand(program);
        }
        if self.none_allowed {
            return "allow user namespaces: `sudo sysctl -w user.max_user_namespaces=15000`, and keep it in /etc/sysctl.d/".to_owned();
        }
        if self.clone_off {
            return "allow user namespaces: `sudo sysctl -w kernel.unprivileged_userns_clone=1`, and keep it in /etc/sysctl.d/".to_owned();
        }
        if self.apparmor {
            return format!(
                "AppArmor keeps programs without a profile from making user namespaces; {}",
                APPARMOR.replace("PROGRAM", &program.display().to_string())
            );
        }
        if self.container {
            return "the container's default seccomp and AppArmor profiles refuse namespaces: run the worker's \
                container with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined \
                --security-opt systempaths=unconfined`, or the worker on the host"
                .to_owned();
        }
        Self::by_hand(program)
    }

    fn by_hand(program: &Path) -> String {
        format!(
            "`{} --ro-bind / / --unshare-all --proc /proc --dev /dev true` has to work for the worker's user: \
             the sandbox needs unprivileged user namespaces",
            program.display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_policy_has_its_remedy() {
        let none = Policy::default;
        for (policy, words, remedy) in [
            (
                Policy { apparmor: true, ..none() },
                "bwrap: setting up uid map: Permission denied",
                "profile bwrap /usr/bin/bwrap",
            ),
            (
                Policy { apparmor: true, ..none() },
                "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted",
                "apparmor_parser -r",
            ),
            (
                Policy { clone_off: true, ..none() },
                "bwrap: No permissions to create new namespace",
                "unprivileged_userns_clone=1",
            ),
            (
                Policy { none_allowed: true, ..none() },
                "bwrap: Creating new namespace failed: No space left on device",
                "max_user_namespaces=15000",
            ),
            (
                Policy { container: true, ..none() },
                "bwrap: Creating new namespace failed: Operation not permitted",
                "--security-opt seccomp=unconfined",
            ),
            (none(), "bwrap: Can't find source path /data/x: Permission denied", "user id 65534"),
            (none(), "bwrap: Unknown option --disable-userns", "0.8 or newer"),
            (none(), "", "unprivileged user namespaces"),
        ] {
            let error = policy.explain(words, Path::new("/usr/bin/bwrap"), Some((65534, 65534)));
            let SandboxError::Refused { message, remedy: said } = &error else { panic!("{error}") };
            assert!(said.contains(remedy), "{words}: {said}");
            assert!(message.contains(words.trim_start_matches("bwrap: ")), "{message}");
        }
    }
}
