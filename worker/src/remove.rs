//! Removing a tree that a sandbox filled: any depth, any permission bits, no symlink followed.
//!
//! Folders are first moved up to one flat place and emptied there, so neither the stack nor the
//! number of open files nor the length of a path grows with the tree.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Where folders wait to be emptied.
const PIT: &str = ".removing";

/// Removes the folder `root` and all below it.
pub(crate) fn tree(root: &Path) -> io::Result<()> {
    if !root.symlink_metadata()?.is_dir() {
        return fs::remove_file(root);
    }
    let folder_flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let top = open(root, folder_flags, Mode::empty())?;
    match mkdirat(&top, PIT, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let pit = openat(&top, PIT, folder_flags, Mode::empty())?;
    let mut moved = 0u64;
    // What an interrupted removal left here would collide with our numbers: it goes first.
    let mut waiting: Vec<String> = names(pit.try_clone()?)?
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .inspect(|name| moved = moved.max(name.parse().unwrap_or(0)))
        .collect();
    empty(top.try_clone()?, &top, &pit, &mut moved, &mut waiting)?;
    while let Some(name) = waiting.pop() {
        let folder = openat(&pit, name.as_str(), folder_flags, Mode::empty())?;
        empty(folder.try_clone()?, &folder, &pit, &mut moved, &mut waiting)?;
        unlinkat(&pit, name.as_str(), UnlinkatFlags::RemoveDir)?;
    }
    unlinkat(&top, PIT, UnlinkatFlags::RemoveDir)?;
    fs::remove_dir(root)
}

/// Unlinks the files of one folder and moves its folders to the pit.
fn empty(
    listing: OwnedFd,
    folder: &OwnedFd,
    pit: &OwnedFd,
    moved: &mut u64,
    waiting: &mut Vec<String>,
) -> io::Result<()> {
    for name in names(listing)? {
        let name = name.as_c_str();
        let stat = fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFDIR {
            unlinkat(folder, name, UnlinkatFlags::NoRemoveDir)?;
            continue;
        }
        if name.to_bytes() == PIT.as_bytes() && is_same(pit, &stat)? {
            continue;
        }
        // Moving and emptying a folder both need its write bit.
        fchmodat(folder, name, Mode::S_IRWXU, FchmodatFlags::NoFollowSymlink)?;
        *moved += 1;
        let to = moved.to_string();
        renameat(folder, name, pit, to.as_str())?;
        waiting.push(to);
    }
    Ok(())
}

fn is_same(pit: &OwnedFd, stat: &nix::sys::stat::FileStat) -> io::Result<bool> {
    let own = nix::sys::stat::fstat(pit)?;
    Ok(own.st_ino == stat.st_ino && own.st_dev == stat.st_dev)
}

fn names(folder: OwnedFd) -> io::Result<Vec<std::ffi::CString>> {
    let mut listing = Dir::from_fd(folder)?;
    let mut names = Vec::new();
    for entry in listing.iter() {
        let name = entry?.file_name().to_owned();
        if !matches!(name.to_bytes(), b"." | b"..") {
            names.push(name);
        }
    }
    Ok(names)
}
