//! Calls of the kernel that have no safe form elsewhere. With [`crate::load`] the only place with `unsafe`.

#![expect(unsafe_code, reason = "the module exists for this; each block says why it holds")]

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

/// A handle of a kernfs node, `open_by_handle_at(2)`: `FILEID_KERNFS`, its id.
#[repr(C)]
struct Handle {
    bytes: u32,
    kind: i32,
    id: [u8; 8],
}

const FILEID_KERNFS: i32 = 0xfe;

/// The path of the directory with this id in the cgroup file system at `mount`.
pub(crate) fn path_of_handle(mount: &Path, id: u64) -> io::Result<PathBuf> {
    let root = File::open(mount)?;
    let handle = Handle { bytes: 8, kind: FILEID_KERNFS, id: id.to_ne_bytes() };
    // SAFETY: the handle is laid out as the kernel reads it, has as many bytes as it says, and outlives the call.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            root.as_raw_fd(),
            &raw const handle,
            libc::O_PATH | libc::O_CLOEXEC | libc::O_DIRECTORY,
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call returned a descriptor that nobody else owns.
    let directory = unsafe { OwnedFd::from_raw_fd(fd as i32) };
    fs::read_link(format!("/proc/self/fd/{}", directory.as_raw_fd()))
}

/// Loads a program of two instructions (`r0 = 0; exit`) of this type, and lets go of it.
pub(crate) fn probe_program(kind: u32, attach: u32, btf_id: u32) -> io::Result<()> {
    const PROG_LOAD: libc::c_long = 5;
    let code: [u64; 2] = [0xb7, 0x95];
    let license = c"GPL";
    // union bpf_attr, as far as loading reads it (include/uapi/linux/bpf.h); the rest are zeros.
    let mut attributes = [0_u64; 18];
    attributes[0] = u64::from(kind) | 2 << 32;
    attributes[1] = (&raw const code) as u64;
    attributes[2] = license.as_ptr() as u64;
    attributes[8] = u64::from(attach) << 32;
    attributes[13] = u64::from(btf_id) << 32;
    // SAFETY: what the attributes point to outlives the call, which only reads; their size is as said.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, PROG_LOAD, &raw const attributes, size_of_val(&attributes)) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call returned a descriptor that nobody else owns.
    drop(unsafe { OwnedFd::from_raw_fd(fd as i32) });
    Ok(())
}

/// A watch over the execution of programs, fanotify(7), that holds nobody up.
pub(crate) fn fanotify() -> io::Result<OwnedFd> {
    const FLAGS: u32 = libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK;
    // SAFETY: the call takes two numbers.
    let fd = unsafe { libc::fanotify_init(FLAGS, (libc::O_RDONLY | libc::O_CLOEXEC | libc::O_LARGEFILE) as u32) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call returned a descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A watch that holds whoever opens something until it is answered; events name threads rather than processes if asked.
pub(crate) fn fanotify_deciding(threads: bool) -> io::Result<OwnedFd> {
    let names = if threads { libc::FAN_REPORT_TID } else { 0 };
    let flags = libc::FAN_CLASS_CONTENT | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK | libc::FAN_UNLIMITED_QUEUE | names;
    // SAFETY: the call takes two numbers.
    let fd = unsafe { libc::fanotify_init(flags, (libc::O_RDONLY | libc::O_CLOEXEC | libc::O_LARGEFILE) as u32) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call returned a descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Watches what a path leads to, in a way that `flags` say, for what `mask` says.
pub(crate) fn fanotify_mark(fanotify: &OwnedFd, flags: u32, mask: u64, path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: the path ends in a zero byte and outlives the call.
    let done = unsafe { libc::fanotify_mark(fanotify.as_raw_fd(), flags, mask, libc::AT_FDCWD, path.as_ptr()) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Lets go on what is held by an event of this descriptor, or refuses it. An event that is gone already is none.
pub(crate) fn fanotify_answer(fanotify: &OwnedFd, event: &OwnedFd, allow: bool) {
    // struct fanotify_response
    let answer = [event.as_raw_fd().cast_unsigned(), if allow { libc::FAN_ALLOW } else { libc::FAN_DENY }];
    let bytes: Vec<u8> = answer.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let _ = rustix::io::write(fanotify, &bytes);
}

/// Watches all of the file system that `path` is on for programs.
pub(crate) fn fanotify_watch(fanotify: &OwnedFd, path: &Path) -> io::Result<()> {
    fanotify_mark(fanotify, libc::FAN_MARK_ADD | libc::FAN_MARK_FILESYSTEM, libc::FAN_OPEN_EXEC, path)
}

/// One event of fanotify (`struct fanotify_event_metadata`).
pub(crate) struct FanotifyEvent {
    pub(crate) len: usize,
    pub(crate) mask: u64,
    pub(crate) fd: i32,
    pub(crate) pid: u32,
}

impl FanotifyEvent {
    const SIZE: usize = 24;

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let whole = bytes.get(..Self::SIZE)?;
        let len = u32::from_ne_bytes(*whole.first_chunk()?) as usize;
        let mask = u64::from_ne_bytes(*whole.get(8..)?.first_chunk()?);
        let fd = i32::from_ne_bytes(*whole.get(16..)?.first_chunk()?);
        let pid = u32::from_ne_bytes(*whole.get(20..)?.first_chunk()?);
        (len >= Self::SIZE && len <= bytes.len()).then_some(Self { len, mask, fd, pid })
    }
}

/// Takes over a descriptor that the kernel wrote into a buffer for this process.
pub(crate) fn received(fd: i32) -> Option<OwnedFd> {
    // SAFETY: fanotify makes a new descriptor for each event, which belongs to whoever reads the event; the one caller
    // takes each of them once.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}
