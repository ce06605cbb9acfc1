//! Random access to bytes that may lie in memory, in a file, or in a part of a file.
//!
//! Readers of database and executable formats take `&dyn ReadAt`, so that they neither know nor care
//! whether a file of an image is a slice, a spilled temporary file, or a window of an archive.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes of a known size that can be read at any offset.
pub trait ReadAt {
    /// Size in bytes.
    fn size(&self) -> u64;

    /// Reads up to `buf.len()` bytes at `offset`; returns how many were read, 0 at or past the end.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// The whole as one slice, where it lies in memory.
    fn as_slice(&self) -> Option<&[u8]> {
        None
    }

    /// Fills `buf` from `offset`, or fails with [`io::ErrorKind::UnexpectedEof`].
    fn read_exact_at(&self, mut offset: u64, mut buf: &mut [u8]) -> io::Result<()> {
        while !buf.is_empty() {
            match self.read_at(offset, buf)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => {
                    offset += n as u64;
                    buf = &mut buf[n..];
                }
            }
        }
        Ok(())
    }

    /// `len` bytes at `offset`, borrowed where they lie in memory. The range is checked against
    /// [`ReadAt::size`] before anything is allocated, so a length taken from untrusted input is safe
    /// as far as the input itself is bounded.
    fn range(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        let end = offset.checked_add(len as u64).filter(|end| *end <= self.size());
        if end.is_none() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(whole) = self.as_slice() {
            let start = offset as usize;
            return whole.get(start..start + len).map(Cow::Borrowed).ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        let mut buf = vec![0; len];
        self.read_exact_at(offset, &mut buf)?;
        Ok(Cow::Owned(buf))
    }

    /// All bytes, or [`io::ErrorKind::FileTooLarge`] when there are more than `max`.
    fn whole(&self, max: u64) -> io::Result<Cow<'_, [u8]>> {
        if self.size() > max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.range(0, self.size() as usize)
    }
}

impl ReadAt for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let Some(rest) = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)) else {
            return Ok(0);
        };
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buf)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        (**self).as_slice()
    }
}

/// A window `[start, start + len)` of an open file, read by `pread`, so clones share no cursor.
#[derive(Debug, Clone)]
pub struct FileRange {
    file: Arc<File>,
    start: u64,
    len: u64,
}

impl FileRange {
    /// A window of `file`. Reading past the end of the file gives fewer bytes than `len`.
    pub fn new(file: Arc<File>, start: u64, len: u64) -> Self {
        Self { file, start, len }
    }

    /// A window inside this one, cut to its bounds; offsets count from this window's start.
    pub fn slice(&self, start: u64, len: u64) -> Self {
        let start = start.min(self.len);
        Self { file: Arc::clone(&self.file), start: self.start + start, len: len.min(self.len - start) }
    }

    /// The file behind the window.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where the window begins in the file.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// A sequential reader over the window.
    pub fn reader(&self) -> FileRangeReader {
        FileRangeReader { range: self.clone(), position: 0 }
    }
}

impl ReadAt for FileRange {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(offset);
        let want = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if want == 0 {
            return Ok(0);
        }
        self.file.read_at(&mut buf[..want], self.start + offset)
    }
}

/// Sequential reading of a [`FileRange`], with a cursor of its own.
#[derive(Debug)]
pub struct FileRangeReader {
    range: FileRange,
    position: u64,
}

impl Read for FileRangeReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.range.read_at(self.position, buf)?;
        self.position += n as u64;
        Ok(n)
    }
}

/// Which side of a [`copy`] failed, and why.
#[derive(Debug)]
pub enum CopyError {
    /// What is copied could not be read.
    Read(io::Error),
    /// The copy could not be written.
    Write(io::Error),
}

/// Copies to the end, and how many bytes that were. Unlike [`io::copy`] it says which side failed: whoever has to do something
/// about it is another in each case.
pub fn copy(from: &mut dyn Read, to: &mut dyn Write) -> Result<u64, CopyError> {
    let mut buffer = vec![0; 1 << 16];
    let mut copied = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return to.flush().map(|()| copied).map_err(CopyError::Write),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        to.write_all(&buffer[..read]).map_err(CopyError::Write)?;
        copied += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_refuses_lengths_beyond_the_end_before_allocating() {
        let bytes = [1_u8, 2, 3];
        assert_eq!(bytes[..].range(1, 2).unwrap().as_ref(), &[2, 3]);
        assert!(bytes[..].range(1, usize::MAX).is_err());
        assert!(bytes[..].range(u64::MAX, 1).is_err());
        assert!(bytes[..].whole(2).is_err());
    }

    #[test]
    fn file_ranges_do_not_leave_their_window() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let window = FileRange::new(Arc::new(file), 2, 5);
        let mut all = Vec::new();
        window.reader().read_to_end(&mut all).unwrap();
        assert_eq!(all, b"23456");
        let inner = window.slice(3, 100);
        assert_eq!(inner.size(), 2);
        assert_eq!(inner.range(0, 2).unwrap().as_ref(), b"56");
        assert!(window.range(4, 2).is_err());
    }

    #[test]
    fn a_copy_says_which_side_failed() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        struct Torn;
        impl Read for Torn {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::InvalidData.into())
            }
        }
        let mut to = Vec::new();
        assert_eq!(copy(&mut &b"abc"[..], &mut to).ok(), Some(3));
        assert_eq!(to, b"abc");
        assert!(matches!(copy(&mut &b"abc"[..], &mut Full), Err(CopyError::Write(_))));
        assert!(matches!(copy(&mut Torn, &mut to), Err(CopyError::Read(_))));
    }
}
