//! seccomp: system calls that a network file's process has no use for are refused with "operation not permitted".
//!
//! A list of what is refused, not of what is allowed: libtorch, the C library and the CUDA driver use what they like of the
//! rest, and Landlock watches the calls that open files.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter, apply_filter_all_threads,
};

/// Refused whatever their arguments are.
const REFUSED: &[c_long] = &[
    // Programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // The network. A pair of sockets that are connected to each other is no way out.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Other processes: their memory, files, signals, and objects that are shared by number or name.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    // What Landlock does not watch: owners, modes, times and attributes of files; who opens what.
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
    libc::SYS_inotify_init1,
    libc::SYS_fanotify_init,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_acct,
    // File systems and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // The kernel: programs and keys in it, its log, modules, clock and name; doors that have been broken before.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_syslog,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_personality,
];

/// Calls of these numbers on every processor (Linux 6.6 to 6.17); `libc` does not name them everywhere.
const FCHMODAT2: c_long = 452;
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
const OPEN_TREE_ATTR: c_long = 467;
const FILE_SETATTR: c_long = 469;

/// The older forms that only this processor has.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_inotify_init,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_kexec_file_load,
    libc::SYS_uselib,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// Calls of the x32 interface, which a kernel may offer beside the usual one, have this bit; some have numbers of their own.
#[cfg(target_arch = "x86_64")]
const X32: c_long = 0x4000_0000;
#[cfg(target_arch = "x86_64")]
const X32_OWN: std::ops::Range<c_long> = 512..550;

/// Puts the filter before all threads of the process, or before this one; whether the kernel took it.
pub(super) fn refuse(all_threads: bool) -> bool {
    let apply = if all_threads { apply_filter_all_threads } else { apply_filter };
    let Some([refused, missing]) = programs() else { return false };
    apply(&refused).is_ok() && apply(&missing).is_ok()
}

/// What is refused, and what the C library is to believe missing.
fn programs() -> Option<[BpfProgram; 2]> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().chain(REFUSED_HERE).map(|&call| (call, Vec::new())).collect();
    let own = u64::from(std::process::id());
    let this = |index, operation, value| SeccompCondition::new(index, Dword, operation, value).ok();
    let rule = |conditions: Vec<Option<SeccompCondition>>| {
        SeccompRule::new(conditions.into_iter().collect::<Option<_>>()?).ok()
    };
    // New threads, but no new processes.
    let thread = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![rule(vec![this(0, SeccompCmpOp::MaskedEq(thread), 0)])?]);
    // Signals to this process; Ctrl-Z at the prompt of `th`, which goes to the group.
    let stopped = libc::SIGTSTP as u64;
    rules.insert(
        libc::SYS_kill,
        vec![
            rule(vec![this(0, SeccompCmpOp::Ne, own), this(0, SeccompCmpOp::Ne, 0)])?,
            rule(vec![this(0, SeccompCmpOp::Eq, 0), this(1, SeccompCmpOp::Ne, stopped)])?,
        ],
    );
    rules.insert(libc::SYS_tgkill, vec![rule(vec![this(0, SeccompCmpOp::Ne, own)])?]);
    rules.insert(libc::SYS_prlimit64, vec![rule(vec![this(0, SeccompCmpOp::Ne, own), this(0, SeccompCmpOp::Ne, 0)])?]);
    // Typing into the terminal, from where a shell would read it.
    let typing = [libc::TIOCSTI, libc::TIOCLINUX];
    let typing = typing.map(|request| rule(vec![this(1, SeccompCmpOp::Eq, u64::from(request as u32))]));
    rules.insert(libc::SYS_ioctl, typing.into_iter().collect::<Option<_>>()?);
    #[cfg(target_arch = "x86_64")]
    {
        let same = rules.clone().into_iter().map(|(call, of)| (call | X32, of));
        let own = X32_OWN.map(|call| (call | X32, Vec::new()));
        rules.extend(same.chain(own).collect::<Vec<_>>());
    }
    // The flags of `clone3` lie in memory, where no filter can look: the C library then takes `clone`.
    let missing = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    Some([program(rules, libc::EPERM)?, program(missing, libc::ENOSYS)?])
}

/// A program that answers these calls with an error.
fn program(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Option<BpfProgram> {
    let processor = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    let refusal = SeccompAction::Errno(u32::try_from(error).ok()?);
    SeccompFilter::new(rules, SeccompAction::Allow, refusal, processor).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_compiles_for_this_processor() {
        let [refused, missing] = programs().expect("x86_64, aarch64 and riscv64 have one");
        assert!(refused.len() > REFUSED.len() && !missing.is_empty());
    }
}
