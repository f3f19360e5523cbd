# The self-probe, run inside a sandbox. Prints `held NAME` or `LEAKS NAME` for what must fail, and
# `works NAME` or `BROKEN NAME` for what must work; facts that the outside compares as `fact NAME VALUE`.
# Only a POSIX shell and tools that every Linux has; `git` because every run needs it.

# The first leak is the end: it is all that counts, and what comes after it could take long.
fails() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "LEAKS $name"; exit 1; else echo "held $name"; fi; }
works() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "works $name"; else echo "BROKEN $name"; fi; }
reads() { [ -r "$1" ] && read -r _ <"$1"; }
lists() { for found in "$1"/* "$1"/.[!.]*; do [ -e "$found" ] && return 0; done; return 1; }
writes() { echo probe >"$1"; }
status() { while read -r key value; do [ "$key" = "$1:" ] && { echo "$value"; return; }; done </proc/self/status; }
listens() { while read -r line; do case $line in *"$1"*) return 0 ;; esac; done </proc/net/unix; return 1; }
interfaces() {
    while read -r interface _; do case $interface in Inter-* | face* | lo:*) ;; *:*) return 0 ;; esac; done </proc/net/dev
    return 1
}
# A shell of its own, because this one keeps copies of what it redirects.
open_files() { sh -c 'for fd in /proc/self/fd/*; do [ "${fd##*/}" -gt 2 ] && [ -e "$fd" ] && exit 0; done; exit 1'; }
# The number that /proc gives this shell is not its own if /proc belongs to another pid namespace.
foreign_proc() { read -r pid _ </proc/self/stat && [ "$pid" != $$ ]; }
host_process() { [ ! -e "/proc/$PROBE_PID/comm" ] && kill -0 "$PROBE_PID"; }

fails host_etc [ -e /etc/shadow ]
fails read_root_home lists /root
fails read_worker_home lists "$PROBE_HOME"
fails read_worker_ssh lists "$PROBE_HOME/.ssh"
fails read_data_dir reads "$PROBE_CANARY"
fails read_docker_socket [ -e /var/run/docker.sock ]
fails read_run lists /run
fails read_var_lib lists /var/lib
fails read_sys lists /sys
fails read_boot lists /boot
fails read_kernel_memory reads /proc/kcore
fails write_root writes /probe
fails write_usr writes /usr/probe
fails write_usr_bin writes /usr/bin/probe
fails write_etc writes /etc/probe
fails write_passwd writes /etc/passwd
fails write_dev writes /dev/probe
fails write_event writes /event/written
fails write_core_pattern writes /proc/sys/kernel/core_pattern
fails write_hostname writes /proc/sys/kernel/hostname
fails host_processes foreign_proc
fails signal_worker host_process
fails inherited_files open_files
fails network_interface interfaces
fails abstract_socket listens "$PROBE_SOCKET"
fails mount mount -t tmpfs none /workspace
fails unshare_user unshare --user true
fails unshare_mount unshare --mount true
fails loopback_listener git ls-remote "git://127.0.0.1:$PROBE_PORT/probe"
fails metadata_service git ls-remote git://169.254.169.254/probe

works write_workspace writes /workspace/probe
works write_home writes "$HOME/probe"
works write_tmp writes "$TMPDIR/probe"
works write_null writes /dev/null
works read_event reads /event/probe
works git git --version
works git_init git init --quiet /workspace/repository
works no_new_privileges [ "$(status NoNewPrivs)" = 1 ]
works seccomp [ "$(status Seccomp)" = 2 ]
works no_capabilities [ "$(status CapEff)$(status CapPrm)$(status CapBnd)" = 000000000000000000000000000000000000000000000000 ]
works no_core_dumps [ "$(ulimit -c)" = 0 ]
works own_init [ "$PPID" = 1 ]

for space in cgroup ipc mnt net pid user uts; do
    echo "fact $space $(readlink /proc/self/ns/$space)"
done
# The name of every variable; a value with line breaks only adds names, so that nothing can hide.
env | while IFS='=' read -r name _; do echo "fact env $name"; done

# System calls that no common tool makes; wherever git is, Perl nearly always is.
if command -v perl >/dev/null; then
    perl -e '
        while (@ARGV) {
            my ($name, $number, @arguments) = split /,/, shift;
            $! = 0;
            my $answer = syscall($number, map { int } @arguments);
            print $answer == -1 && ($!{EPERM} || $!{ENOSYS}) ? "held" : "LEAKS", " syscall_$name\n";
        }' $PROBE_CALLS
fi
echo done
