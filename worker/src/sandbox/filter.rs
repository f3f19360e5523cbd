//! The system calls that a sandboxed process may not make, as a seccomp program for `bwrap`.
//!
//! A denylist on top of the namespaces: doors that hand over kernel surface or other processes,
//! and that builds, tests and agents can do without. Denied calls answer EPERM; `clone3` answers
//! ENOSYS, because its flags lie in memory that a filter cannot read and C libraries then use
//! `clone`, whose flags are filtered.

use std::collections::BTreeMap;
use std::io;

use nix::libc;
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    sock_filter,
};

/// Denied whatever the arguments.
const DENIED: &[i64] = &[
    // other processes
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // keyrings are not namespaced
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // kernel surface
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_lookup_dcookie,
    libc::SYS_fanotify_init,
    libc::SYS_vhangup,
    // mounts and namespaces
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    // the machine
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_nfsservctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS__sysctl,
];

/// Namespaces that `clone` may not make.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Types to a terminal on behalf of its user; from Linux's `asm-generic/ioctls.h`.
const TERMINAL_INJECTION: [u64; 2] = [0x5412 /* TIOCSTI */, 0x541C /* TIOCLINUX */];

/// The program in the kernel's own form, `struct sock_filter[]`.
pub(super) fn compile() -> io::Result<Vec<u8>> {
    let program = denylist().map_err(|error| io::Error::other(format!("seccomp: {error}")))?;
    let mut bytes = Vec::new();
    for instruction in unknown_calls().iter().chain(&program) {
        bytes.extend_from_slice(&instruction.code.to_ne_bytes());
        bytes.extend_from_slice(&[instruction.jt, instruction.jf]);
        bytes.extend_from_slice(&instruction.k.to_ne_bytes());
    }
    Ok(bytes)
}

fn denylist() -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = DENIED.iter().map(|call| (*call, Vec::new())).collect();
    let mut clone = Vec::new();
    for flag in NAMESPACES {
        let flag = u64::from(flag.cast_unsigned());
        clone.push(rule(&[(0, MaskedEq(flag), flag)])?);
    }
    rules.insert(libc::SYS_clone, clone);
    let ioctl = TERMINAL_INJECTION.iter().map(|request| rule(&[(1, Eq, *request)]));
    rules.insert(libc::SYS_ioctl, ioctl.collect::<Result<_, _>>()?);
    rules.insert(libc::SYS_socket, sockets()?);
    SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.cast_unsigned()),
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()
}

/// Unix, IPv4 and IPv6 sockets, none of them raw; and of netlink only the table of interfaces,
/// which C libraries read to resolve `localhost`.
fn sockets() -> Result<Vec<SeccompRule>, BackendError> {
    let [unix, inet, inet6, netlink] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK]
        .map(|family| u64::from(family.cast_unsigned()));
    let raw = u64::from(libc::SOCK_RAW.cast_unsigned());
    Ok(vec![
        rule(&[(0, Ne, unix), (0, Ne, inet), (0, Ne, inet6), (0, Ne, netlink)])?,
        rule(&[(0, Eq, netlink), (2, Ne, u64::from(libc::NETLINK_ROUTE.cast_unsigned()))])?,
        rule(&[(0, Eq, inet), (1, MaskedEq(0xf), raw)])?,
        rule(&[(0, Eq, inet6), (1, MaskedEq(0xf), raw)])?,
    ])
}

/// A rule that holds when all of `(argument, comparison, value)` hold.
fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, BackendError> {
    let conditions = conditions.iter().map(|(argument, comparison, value)| {
        SeccompCondition::new(*argument, Dword, comparison.clone(), *value)
    });
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

/// ENOSYS for `clone3`, and for x86-64's second numbering (x32, from bit 30 on), under which every
/// denied call would have another number. Runs before the denylist's own check of architecture.
fn unknown_calls() -> [sock_filter; 4] {
    const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
    const EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    const AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const ERRNO: u32 = 0x0005_0000; // SECCOMP_RET_ERRNO
    const CLONE3: u32 = 435; // the same on every architecture
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    [
        step(LOAD, 0, 0, 0),
        step(EQUAL, 1, 0, CLONE3),
        step(AT_LEAST, 0, 1, 0x4000_0000),
        step(RETURN, 0, 0, ERRNO | libc::ENOSYS.cast_unsigned()),
    ]
}
