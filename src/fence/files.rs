//! Landlock: the calling thread, and the threads that it starts, open only what a [`Reach`] names.

use std::{
    fs::File,
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::Path,
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, RestrictSelfAttr,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
};

use super::reach::Reach;

/// The rights that are asked for; what an older kernel does not know is left out.
const RIGHTS: ABI = ABI::V9;

/// Restricts this thread; with `all_threads` the others too, where the kernel can; with `network` it gives that up as well.
/// Answers the kernel's version of Landlock; nothing when it has none, is too old, or refuses.
pub(super) fn restrict(reach: &Reach, all_threads: bool, network: bool) -> Option<i32> {
    let ruleset = ruleset(reach, network).ok()?;
    let status = ruleset.all_threads(all_threads).ok()?.restrict_self().ok()?;
    version(&status.landlock).filter(|_| status.ruleset != RulesetStatus::NotEnforced)
}

fn version(status: &LandlockStatus) -> Option<i32> {
    match status {
        LandlockStatus::Available { effective_abi, kernel_abi } => Some(kernel_abi.unwrap_or(*effective_abi as i32)),
        _ => None,
    }
}

fn ruleset(reach: &Reach, network: bool) -> Result<RulesetCreated, RulesetError> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let made = make_bitflags!(AccessFs::{
        WriteFile | RemoveDir | RemoveFile | MakeDir | MakeReg | Refer | Truncate
    });
    let device =
        make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | IoctlDev | Truncate | MakeReg | RemoveFile});
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V2))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(RIGHTS))?
        .scope(Scope::from_all(RIGHTS))?;
    if network {
        ruleset = ruleset.handle_access(AccessNet::from_all(RIGHTS))?;
    }
    let mut rules = ruleset.create()?;
    let groups = [
        (&reach.read, read),
        (&reach.list, AccessFs::ReadDir.into()),
        (&reach.write, read | made),
        (&reach.tidy, AccessFs::RemoveDir.into()),
        (&reach.devices, device),
    ];
    for (path, rights) in groups.into_iter().flat_map(|(paths, rights)| paths.iter().map(move |path| (path, rights))) {
        let Some((file, rights)) = opened(path, rights) else { continue };
        rules = rules.add_rule(PathBeneath::new(file, rights))?;
    }
    Ok(rules)
}

/// The file or folder, and those of the rights that such a one can have; nothing when it is not there.
fn opened(path: &Path, rights: BitFlags<AccessFs>) -> Option<(OwnedFd, BitFlags<AccessFs>)> {
    let file = File::options().read(true).custom_flags(libc::O_PATH).open(path).ok()?;
    let of_files = make_bitflags!(AccessFs::{ReadFile | WriteFile | Truncate | IoctlDev});
    let rights = if file.metadata().ok()?.is_dir() { rights } else { rights & of_files };
    if rights.is_empty() {
        return None;
    }
    if path == Path::new("/proc/self") {
        // A rule is about an inode. The kernel makes those of /proc anew when nobody holds them: hold this one.
        std::mem::forget(file.try_clone());
    }
    Some((file.into(), rights))
}
