//! Records of the rings, as values: what the programs wrote, not yet what it means.

use crate::layout::{
    CUT, Call, Cgroup, Exit, Header, KIND_CGROUP, KIND_EXEC, KIND_EXIT, KIND_FORK, Mirror as _, Task, tag,
};

/// One record. Borrowed from the ring.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) header: Header,
    pub(crate) body: Body,
    pub(crate) blobs: Blobs<'a>,
}

/// What is between the header and the blobs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body {
    Call(Call),
    Exec(Task),
    Fork(Task),
    Exit(Exit),
    Cgroup(Cgroup),
}

/// Bytes of any length, by what they are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Blobs<'a> {
    found: [Option<&'a [u8]>; tag::COUNT],
    cut: u32,
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It ends within a struct or a blob.
    #[error("it ends too early")]
    Short,
    /// Nothing is known of records of this kind.
    #[error("its kind {0} is not known")]
    Kind(u16),
    /// Nothing is known of a part of it.
    #[error("it has a part with the unknown tag {0}")]
    Tag(u16),
}

impl<'a> Record<'a> {
    /// The record in `bytes`, which are all of one place in a ring.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Broken> {
        let (header, _) = Header::read(bytes).ok_or(Broken::Short)?;
        let whole = bytes.get(..header.len as usize).ok_or(Broken::Short)?;
        let body = whole.get(size_of::<Header>()..).ok_or(Broken::Short)?;
        let (body, rest) = match header.kind {
            KIND_EXEC => Task::read(body).map(|(task, rest)| (Body::Exec(task), rest)),
            KIND_FORK => Task::read(body).map(|(task, rest)| (Body::Fork(task), rest)),
            KIND_EXIT => Exit::read(body).map(|(exit, rest)| (Body::Exit(exit), rest)),
            KIND_CGROUP => Cgroup::read(body).map(|(cgroup, rest)| (Body::Cgroup(cgroup), rest)),
            kind if kind < KIND_EXEC => Call::read(body).map(|(call, rest)| (Body::Call(call), rest)),
            kind => return Err(Broken::Kind(kind)),
        }
        .ok_or(Broken::Short)?;
        Ok(Self { header, body, blobs: Blobs::parse(rest)? })
    }
}

impl<'a> Blobs<'a> {
    fn parse(mut rest: &'a [u8]) -> Result<Self, Broken> {
        let mut blobs = Self::default();
        while !rest.is_empty() {
            let (head, behind) = rest.split_first_chunk::<4>().ok_or(Broken::Short)?;
            let tag = u16::from_ne_bytes([head[0], head[1]]);
            let len = u16::from_ne_bytes([head[2], head[3]]);
            let (bytes, behind) = behind.split_at_checked(usize::from(len & !CUT)).ok_or(Broken::Short)?;
            *blobs.found.get_mut(usize::from(tag)).ok_or(Broken::Tag(tag))? = Some(bytes);
            if len & CUT != 0 {
                blobs.cut |= 1 << tag;
            }
            rest = behind;
        }
        Ok(blobs)
    }

    /// Adds bytes that did not come out of a ring.
    pub(crate) fn set(&mut self, tag: u16, bytes: &'a [u8]) {
        if let Some(found) = self.found.get_mut(usize::from(tag)) {
            *found = Some(bytes);
        }
    }

    /// The bytes with this tag, if there are any.
    pub(crate) fn get(&self, tag: u16) -> Option<&'a [u8]> {
        *self.found.get(usize::from(tag))?
    }

    /// The same, but only if they are all there was.
    pub(crate) fn whole(&self, tag: u16) -> Option<&'a [u8]> {
        self.get(tag).filter(|_| !self.is_cut(tag))
    }

    /// Whether there was more than what is told.
    pub(crate) fn is_cut(&self, tag: u16) -> bool {
        self.cut.checked_shr(u32::from(tag)).is_some_and(|bits| bits & 1 != 0)
    }

    /// Whether anything was cut.
    pub(crate) fn any_cut(&self) -> bool {
        self.cut != 0
    }
}
