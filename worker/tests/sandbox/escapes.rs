//! The list of things a hostile command tries. Each command exits 0 only if it got through.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixListener};

use nix::libc;
use worker::sandbox::{Exit, Sandbox};

use crate::room::{World, exists_on_host};

/// Runs each attempt in its own sandbox; none may exit 0.
async fn all_denied(world: &World, attempts: &[(&str, &str)]) {
    let mut through = Vec::new();
    for (name, command) in attempts {
        let (exit, printed) = world.sh(command).await;
        if !matches!(exit, Exit::Code(code) if code != 0) {
            through.push(format!("{name}: {exit:?} {printed}"));
        }
    }
    assert!(through.is_empty(), "got through:\n{}", through.join("\n"));
}

#[tokio::test]
async fn files_of_the_host_are_not_there() {
    let Some(world) = World::new().await else { return };
    // The worker's own things beside the room, readable by everybody on the host.
    for name in ["store.db", "queue.db", "service.env", "other-run/secret"] {
        let file = world.folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "secret").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let data = world.folder.path().display();
    let home = std::env::home_dir().unwrap();
    let home = home.display();
    let owned: Vec<(&str, String)> = vec![
        ("shadow", "cat /etc/shadow".into()),
        ("gshadow", "cat /etc/gshadow".into()),
        ("sudoers", "ls /etc/sudoers /etc/sudoers.d".into()),
        ("root's home", "ls -A /root | grep .".into()),
        ("other homes", "ls -A /home | grep -v '^agent$'".into()),
        ("ssh keys", format!("ls {home}/.ssh")),
        ("cloud keys", format!("ls {home}/.aws")),
        ("forge tokens", format!("ls {home}/.config/gh")),
        ("cargo tokens", format!("ls {home}/.cargo")),
        ("service environment", format!("cat {data}/service.env")),
        ("database", format!("cat {data}/store.db")),
        ("queue", format!("cat {data}/queue.db")),
        ("another job's workspace", format!("cat {data}/other-run/secret")),
        ("data_dir at all", format!("ls {data}")),
        ("docker socket", "ls /var/run/docker.sock /run/docker.sock".into()),
        ("run", "ls -A /run | grep .".into()),
        ("var", "ls -A /var | grep -v '^tmp$'".into()),
        ("system bus", "ls /run/dbus /var/run/dbus".into()),
        ("root of process 1", "ls /proc/1/root/etc/shadow".into()),
        ("firmware", "ls /sys/firmware".into()),
        ("sys", "ls /sys/*".into()),
        ("memory device", "head -c 1 /dev/mem".into()),
        ("kernel log", "head -c 1 /dev/kmsg || dmesg".into()),
        ("kernel memory", "head -c 1 /proc/kcore".into()),
        ("disks", "ls /dev/[shv]d[a-z]* /dev/nvme* /dev/dm-* /dev/loop*".into()),
        ("boot", "ls /boot/*".into()),
        ("host's tmp", format!("ls -A /tmp | grep . || ls {data}/..")),
        ("git's system configuration", "cat /etc/gitconfig".into()),
        ("npm's configuration", "cat /etc/npmrc".into()),
        ("host's name", format!("test \"$(hostname)\" = {}", nix_hostname())),
        ("machine id", "cat /etc/machine-id".into()),
    ];
    let attempts: Vec<_> = owned.iter().map(|(name, command)| (*name, command.as_str())).collect();
    all_denied(&world, &attempts).await;
}

fn nix_hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

#[tokio::test]
async fn nothing_outside_the_room_can_be_written() {
    let Some(mut world) = World::new().await else { return };
    let store = world.folder.path().join("objects");
    fs::create_dir(&store).unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(store.join("pack"), "pack").unwrap();
    fs::set_permissions(store.join("pack"), fs::Permissions::from_mode(0o666)).unwrap();
    world.command.room.read_only.push(store.clone());
    let store = store.display();
    let (exit, printed) = world.sh(&format!("cat {store}/pack")).await;
    assert_eq!((exit, printed.as_str()), (Exit::Code(0), "pack"));
    fs::write(world.command.room.data.join("issue.json"), "{}").unwrap();
    assert_eq!(world.sh("cat /event/issue.json").await.1, "{}");

    let owned = [
        ("root", "touch /x".to_owned()),
        ("usr", "touch /usr/x".to_owned()),
        ("shell", "cp /bin/true /usr/bin/sh".to_owned()),
        ("bwrap", "echo >/usr/bin/bwrap".to_owned()),
        ("etc", "touch /etc/x".to_owned()),
        ("passwd", "echo 'x::0:0::/:/bin/sh' >>/etc/passwd".to_owned()),
        ("passwd replaced", "rm -f /etc/passwd".to_owned()),
        ("passwd mode", "chmod 666 /etc/passwd".to_owned()),
        ("agent's configuration for all", "mkdir -p /etc/claude-code || mkdir -p /root/.codex".to_owned()),
        ("event", "touch /event/x".to_owned()),
        ("event file", "echo x >/event/issue.json".to_owned()),
        ("shared objects", format!("touch {store}/x")),
        ("shared object", format!("echo x >{store}/pack")),
        ("shared object's mode", format!("chmod 600 {store}/pack")),
        ("core pattern", "echo x >/proc/sys/kernel/core_pattern".to_owned()),
        ("sysrq", "echo b >/proc/sysrq-trigger".to_owned()),
        ("device node", "mknod /workspace/disk b 8 0".to_owned()),
        (
            "hard link to the host",
            "ln /etc/ld.so.cache /workspace/link || ln /usr/bin/env /workspace/link".to_owned(),
        ),
        ("own user", "chown 0 /workspace".to_owned()),
    ];
    let attempts: Vec<_> = owned.iter().map(|(name, command)| (*name, command.as_str())).collect();
    all_denied(&world, &attempts).await;
    // The folder above the shared one is the sandbox's own; whatever appears there stays there.
    world.sh(&format!("touch {store}/../x")).await;
    assert!(!world.folder.path().join("x").exists());
}

#[tokio::test]
async fn links_lead_nowhere() {
    let Some(world) = World::new().await else { return };
    let secret = world.folder.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    symlink(&secret, world.workspace().join("absolute")).unwrap();
    symlink("../secret", world.workspace().join("relative")).unwrap();
    symlink("/proc/self/root/etc/shadow", world.workspace().join("magic")).unwrap();
    all_denied(
        &world,
        &[
            ("absolute link", "cat absolute"),
            ("relative link", "cat relative"),
            ("magic link", "cat magic"),
            ("dots", "cat ../secret || cat ../../../../../../etc/shadow"),
            ("inherited files", "for fd in /proc/self/fd/*; do case ${fd##*/} in 0|1|2) ;; *) [ -e $fd ] && exit 0 ;; esac; done; exit 1"),
            ("files of process 1", "ls /proc/1/fd | grep -v '^[012]$'"),
            ("working directory of process 1", "ls /proc/1/cwd/../store.db"),
            ("renamed folder", "mkdir -p a/b; cd a/b; mv ../../a ../../c; cat ../../../secret"),
        ],
    )
    .await;
}

#[tokio::test]
async fn other_processes_are_out_of_reach() {
    let Some(world) = World::new().await else { return };
    let own = std::process::id();
    let owned = [
        ("signal to the worker", format!("test ! -d /proc/{own} && kill -0 {own}")),
        (
            "worker's environment",
            format!("grep -q . /proc/{own}/environ && ! test -d /proc/{own}/task/{own}/children"),
        ),
        ("processes of the host", "ls -d /proc/[0-9]* | wc -l | grep -qE '^[0-9]{2,}$'".to_owned()),
        (
            "command lines of the host",
            "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -E '[b]wrap|[c]argo|[n]extest'".to_owned(),
        ),
        ("setuid program", "su -c true || sudo -n true".to_owned()),
        ("user namespace", "unshare --user true".to_owned()),
        ("user and mount namespace", "unshare --user --map-root-user --mount true".to_owned()),
        ("own sandbox", "bwrap --ro-bind / / true".to_owned()),
        ("entering a namespace", "nsenter --target 1 --mount true".to_owned()),
        ("mount", "mount -t tmpfs none /tmp".to_owned()),
        ("bind mount", "mount --bind /usr /workspace".to_owned()),
        ("remount", "mount -o remount,rw /usr".to_owned()),
        ("unmount", "umount /event || umount -l /etc/ssl/certs".to_owned()),
        ("chroot", "chroot /usr true".to_owned()),
        ("hostname", "hostname x".to_owned()),
        ("clock", "date -s '2001-01-01'".to_owned()),
        ("module", "modprobe dummy || insmod /lib/modules/x.ko".to_owned()),
        ("debugger", "strace -o /dev/null true && grep -q . /dev/null".to_owned()),
        ("niceness", "nice -n -5 sh -c 'test $(nice) -lt 0'".to_owned()),
        ("terminal", "echo x >/dev/tty".to_owned()),
    ];
    let attempts: Vec<_> = owned.iter().map(|(name, command)| (*name, command.as_str())).collect();
    all_denied(&world, &attempts).await;

    // Killing everything in reach kills the attacker and nobody else.
    let (exit, _) = world.sh("kill -KILL -1; kill -KILL 1; exit 9").await;
    assert!(matches!(exit, Exit::Code(_)), "{exit:?}");
    let (_, status) = world.sh("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status").await;
    for line in ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "{status}");
    }
}

#[tokio::test]
async fn denied_system_calls_answer_eperm() {
    let Some(world) = World::new().await else { return };
    if !exists_on_host("perl") {
        return;
    }
    const EPERM: i32 = libc::EPERM;
    const ENOSYS: i32 = libc::ENOSYS;
    let new_user = libc::CLONE_NEWUSER | libc::SIGCHLD;
    let calls = [
        ("ptrace", libc::SYS_ptrace, "0,0,0,0".to_owned(), EPERM),
        ("process_vm_readv", libc::SYS_process_vm_readv, "1,0,0,0,0,0".into(), EPERM),
        ("process_vm_writev", libc::SYS_process_vm_writev, "1,0,0,0,0,0".into(), EPERM),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, "0,0,0".into(), EPERM),
        ("add_key", libc::SYS_add_key, "0,0,0,0,0".into(), EPERM),
        ("request_key", libc::SYS_request_key, "0,0,0,0".into(), EPERM),
        ("keyctl", libc::SYS_keyctl, "0,-3,0".into(), EPERM),
        ("bpf", libc::SYS_bpf, "0,0,0".into(), EPERM),
        ("perf_event_open", libc::SYS_perf_event_open, "0,0,-1,-1,0".into(), EPERM),
        ("userfaultfd", libc::SYS_userfaultfd, "1".into(), EPERM),
        ("io_uring_setup", libc::SYS_io_uring_setup, "1,0".into(), EPERM),
        ("io_uring_enter", libc::SYS_io_uring_enter, "0,0,0,0,0".into(), EPERM),
        ("io_uring_register", libc::SYS_io_uring_register, "0,0,0,0".into(), EPERM),
        ("mount", libc::SYS_mount, "0,0,0,0,0".into(), EPERM),
        ("umount2", libc::SYS_umount2, "0,0".into(), EPERM),
        ("pivot_root", libc::SYS_pivot_root, "0,0".into(), EPERM),
        ("fsopen", libc::SYS_fsopen, "0,0".into(), EPERM),
        ("open_tree", libc::SYS_open_tree, "0,0,0".into(), EPERM),
        ("move_mount", libc::SYS_move_mount, "0,0,0,0,0".into(), EPERM),
        ("mount_setattr", libc::SYS_mount_setattr, "0,0,0,0,0".into(), EPERM),
        ("unshare", libc::SYS_unshare, libc::CLONE_NEWNS.to_string(), EPERM),
        ("setns", libc::SYS_setns, "0,0".into(), EPERM),
        ("clone with a user namespace", libc::SYS_clone, format!("{new_user},0,0,0,0"), EPERM),
        ("clone3", libc::SYS_clone3, "0,0".into(), ENOSYS),
        ("open_by_handle_at", libc::SYS_open_by_handle_at, "0,0,0".into(), EPERM),
        ("kexec_load", libc::SYS_kexec_load, "0,0,0,0".into(), EPERM),
        ("init_module", libc::SYS_init_module, "0,0,0".into(), EPERM),
        ("finit_module", libc::SYS_finit_module, "0,0,0".into(), EPERM),
        ("delete_module", libc::SYS_delete_module, "0,0".into(), EPERM),
        ("swapon", libc::SYS_swapon, "0,0".into(), EPERM),
        ("reboot", libc::SYS_reboot, "0,0,0,0".into(), EPERM),
        ("sethostname", libc::SYS_sethostname, "0,0".into(), EPERM),
        ("settimeofday", libc::SYS_settimeofday, "0,0".into(), EPERM),
        ("acct", libc::SYS_acct, "0".into(), EPERM),
        ("socket AF_PACKET", libc::SYS_socket, "17,3,0".into(), EPERM),
        ("socket AF_VSOCK", libc::SYS_socket, "40,1,0".into(), EPERM),
        ("socket AF_ALG", libc::SYS_socket, "38,5,0".into(), EPERM),
        ("socket NETLINK_NETFILTER", libc::SYS_socket, "16,3,12".into(), EPERM),
        ("socket NETLINK_AUDIT", libc::SYS_socket, "16,3,9".into(), EPERM),
        ("socket raw IPv4", libc::SYS_socket, "2,3,1".into(), EPERM),
        ("socket raw IPv6", libc::SYS_socket, "10,3,58".into(), EPERM),
        ("socket raw, close-on-exec", libc::SYS_socket, format!("2,{},1", 3 | libc::SOCK_CLOEXEC), EPERM),
        ("ioctl TIOCSTI", libc::SYS_ioctl, "0,0x5412,0".into(), EPERM),
        ("ioctl TIOCSTI with high bits", libc::SYS_ioctl, "0,0x100005412,0".into(), EPERM),
        ("ioctl TIOCLINUX", libc::SYS_ioctl, "0,0x541c,0".into(), EPERM),
        ("getpid", libc::SYS_getpid, String::new(), 0),
        ("socket AF_UNIX", libc::SYS_socket, "1,1,0".into(), 0),
        ("socket AF_INET", libc::SYS_socket, "2,1,0".into(), 0),
        ("socket NETLINK_ROUTE", libc::SYS_socket, "16,3,0".into(), 0),
        #[cfg(target_arch = "x86_64")]
        ("getpid as x32", 0x4000_0000 | libc::SYS_getpid, String::new(), ENOSYS),
        #[cfg(target_arch = "x86_64")]
        ("ptrace as x32", 0x4000_0000 | 521, "0,0,0,0".into(), ENOSYS),
    ];
    let script: String = calls
        .iter()
        .map(|(name, number, arguments, _)| {
            let arguments = if arguments.is_empty() { String::new() } else { format!(", {arguments}") };
            format!("$! = 0; $r = syscall({number}{arguments}); print \"{name}=\", ($r == -1 ? $!+0 : 0), \"\\n\";\n")
        })
        .collect();
    fs::write(world.workspace().join("calls.pl"), script).unwrap();
    let (exit, printed) = world.sh("perl calls.pl").await;
    assert_eq!(exit, Exit::Code(0), "{printed}");
    let expected: Vec<String> = calls.iter().map(|(name, _, _, errno)| format!("{name}={errno}")).collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn there_is_no_network_but_its_own_loopback() {
    let Some(world) = World::new().await else { return };
    if !exists_on_host("python3") {
        return;
    }
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let every = TcpListener::bind("0.0.0.0:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let name = world.folder.path().file_name().unwrap().to_string_lossy().into_owned();
    let unix = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let path = world.folder.path().join("service.sock");
    let by_path = UnixListener::bind(&path).unwrap();
    tcp.set_nonblocking(true).unwrap();
    every.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    unix.set_nonblocking(true).unwrap();
    by_path.set_nonblocking(true).unwrap();

    let connect = |family: &str, address: &str| {
        format!(
            "python3 -c 'import socket as s; c = s.socket(s.AF_{family}, s.SOCK_STREAM); c.settimeout(3); c.connect({address})'"
        )
    };
    let send = |address: &str| {
        format!(
            "python3 -c 'import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b\"x\", {address})'"
        )
    };
    let tcp_port = tcp.local_addr().unwrap().port();
    let every_port = every.local_addr().unwrap().port();
    let owned = [
        ("cloud metadata", connect("INET", r#"("169.254.169.254", 80)"#)),
        ("cloud metadata, IPv6", connect("INET6", r#"("fd00:ec2::254", 80)"#)),
        ("services on the host", connect("INET", &format!("(\"127.0.0.1\", {tcp_port})"))),
        ("services on every address", connect("INET", &format!("(\"127.0.0.2\", {every_port})"))),
        ("IPv4-mapped address", connect("INET6", &format!("(\"::ffff:127.0.0.1\", {tcp_port})"))),
        ("container bridge", connect("INET", r#"("172.17.0.1", 22)"#)),
        ("LAN", connect("INET", r#"("192.168.0.1", 80)"#)),
        ("IP literal", connect("INET", r#"("1.1.1.1", 443)"#)),
        ("DNS over TCP", connect("INET", r#"("8.8.8.8", 53)"#)),
        ("DNS over UDP", send(r#"("8.8.8.8", 53)"#)),
        ("QUIC", send(r#"("1.1.1.1", 443)"#)),
        ("name", connect("INET", r#"("example.com", 80)"#)),
        ("resolver", "getent hosts example.com".to_owned()),
        ("ICMP", "ping -c 1 -W 1 1.1.1.1".to_owned()),
        ("abstract socket", connect("UNIX", &format!(r#""\0{name}""#))),
        ("socket of a service", connect("UNIX", &format!("\"{}\"", path.display()))),
        ("vsock", connect("VSOCK", "(2, 22)")),
        ("new interface", "ip link add dummy0 type dummy".to_owned()),
        ("firewall", "nft list ruleset || iptables -L".to_owned()),
        (
            "git over ssh",
            "GIT_SSH_COMMAND='ssh -o ConnectTimeout=2' git ls-remote git@127.0.0.1:x".to_owned(),
        ),
        ("git", format!("git ls-remote git://127.0.0.1:{tcp_port}/x")),
    ];
    let attempts: Vec<_> = owned.iter().map(|(name, command)| (*name, command.as_str())).collect();
    all_denied(&world, &attempts).await;
    // UDP to loopback is sent without an error; nobody may receive it.
    world.sh(&send(&format!("(\"127.0.0.1\", {})", udp.local_addr().unwrap().port()))).await;

    let silent = |error: std::io::Error| error.kind() == ErrorKind::WouldBlock;
    assert!(tcp.accept().is_err_and(silent));
    assert!(every.accept().is_err_and(silent));
    assert!(unix.accept().is_err_and(silent));
    assert!(by_path.accept().is_err_and(silent));
    assert!(udp.recv(&mut [0; 1]).is_err_and(silent));

    // Tests of web services need a loopback of their own.
    let own = "python3 -c 'import socket as s; l = s.create_server((\"127.0.0.1\", 0)); s.create_connection(l.getsockname()); s.getaddrinfo(\"localhost\", 80)'";
    assert_eq!(world.sh(own).await, (Exit::Code(0), String::new()));
}

#[tokio::test]
async fn the_environment_is_what_it_was_given() {
    let Some(mut world) = World::new().await else { return };
    // The test's own environment has more than enough to leak.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    world.command.env.insert("GIVEN".to_owned(), "a b\n'c' $(d)".to_owned());
    world.command.env.insert("LANG".to_owned(), "en_US.UTF-8".to_owned());
    let (_, printed) = world.sh("env | sort").await;
    let expected = "\
'c' $(d)
GIVEN=a b
HOME=/home/agent
LANG=en_US.UTF-8
PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
PWD=/workspace
TMPDIR=/tmp";
    let ours = |line: &&str| !["OLDPWD=", "SHLVL=", "_="].iter().any(|shell| line.starts_with(shell));
    assert_eq!(printed.lines().filter(ours).collect::<Vec<_>>().join("\n"), expected);

    // A variable that steers the loader steers nothing on the host.
    world.command.env.insert("LD_PRELOAD".to_owned(), "/workspace/evil.so".to_owned());
    assert_eq!(world.sh("true").await.0, Exit::Code(0));
    for (name, value) in [("", "x"), ("A=B", "x"), ("NUL", "a\0--bind\0/\0/host")] {
        world.command.env = [(name.to_owned(), value.to_owned())].into();
        assert!(world.run(&world.command).await.0.is_err(), "{name}");
    }
    world.command.env.clear();
    world.command.command = "true\0--bind".to_owned();
    assert!(world.run(&world.command).await.0.is_err());
}

#[tokio::test]
async fn an_environment_value_is_not_in_any_command_line() {
    let Some(mut world) = World::new().await else { return };
    world.command.env.insert("TOKEN".to_owned(), "value-not-for-ps".to_owned());
    world.command.command = "echo ready; read line </workspace/fifo".to_owned();
    nix::unistd::mkfifo(&world.workspace().join("fifo"), nix::sys::stat::Mode::from_bits_truncate(0o666))
        .unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<worker::sandbox::OutputLine>(16);
    let stop = tokio_util::sync::CancellationToken::new();
    let look = async {
        while receiver.recv().await.is_some_and(|line| line.text != "ready") {}
        let seen = crate::room::processes_with("value-not-for-ps");
        stop.cancel();
        seen
    };
    let (_, seen) = tokio::join!(world.sandbox.run(&world.command, sender, stop.clone()), look);
    assert!(seen.is_empty(), "{seen:?}");
}

#[tokio::test]
async fn rooms_do_not_see_each_other() {
    let (Some(one), Some(other)) = (World::new().await, World::new().await) else { return };
    one.sh(
        "echo trap >/tmp/trap; echo trap >/dev/shm/trap; echo trap >$HOME/trap; echo trap >/workspace/trap",
    )
    .await;
    for place in ["/tmp", "/dev/shm", "/home/agent", "/workspace"] {
        let (exit, printed) = other.sh(&format!("ls -A {place} | grep .")).await;
        assert_eq!(exit, Exit::Code(1), "{place}: {printed}");
    }
    assert_eq!(one.sh("cat /tmp/trap").await.0, Exit::Code(1), "/tmp outlives the command");
    assert_eq!(one.sh("cat $HOME/trap").await.0, Exit::Code(0), "$HOME lives as long as the room");
}
