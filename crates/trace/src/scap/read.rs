//! Blocks, and the events in them.

use super::lists::{self, Bytes, Next};
use super::{MAGIC, VERSION, kind};
use crate::event::{Event, EventCode, Params};
use crate::state::{Fd, Group, Interface, Machine, ThreadSeed, User};
use sekisho_base::Limits;
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_model::{Code, Diagnostic};
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;

/// The longest block. An event has at most 64 KiB, a large one what a plugin sends; lists have all processes.
const BLOCK_BYTES: u32 = 64 << 20;
/// Its kind and its length, which stands behind it again.
const HEAD: usize = 8;
/// How much is read at a time, as long as blocks are not longer.
const CHUNK: usize = 64 << 10;
/// The most parameters of one event: twice what any type has.
const PARAMS: u32 = 64;

/// How many damaged events are named; more are counted.
const NAMED: u64 = 20;

/// Why a capture cannot be read at all. What is wrong further on is a diagnostic.
#[derive(Debug, thiserror::Error)]
pub enum ScapError {
    /// The bytes could not be had.
    #[error("reading the capture: {0}")]
    Read(#[from] io::Error),
    /// It does not begin as captures do.
    #[error("it is not a capture: it does not begin with a section header")]
    Foreign,
    /// It is empty, or ends within the first block.
    #[error("the capture ends before its first block does")]
    Cut,
    /// Its numbers are big-endian.
    #[error("it was recorded on a big-endian machine, which is not supported")]
    BigEndian,
    /// It is of a later version, whose blocks may mean something else.
    #[error("it is of version {0}.{1} of the format, and {major} is the greatest that is supported", major = VERSION.0)]
    Later(u16, u16),
}

/// What a capture tells, piece by piece.
#[derive(Debug)]
pub enum Record<'a> {
    /// The machine it was recorded on.
    Machine(Machine),
    /// A thread that was there when recording began.
    Thread(Box<ThreadSeed>),
    /// A file that thread `0` had open.
    Fd(i64, Box<Fd>),
    /// An address of the machine.
    Interface(Interface),
    /// A user.
    User(User),
    /// A group.
    Group(Group),
    /// An event.
    Event(Event<'a>),
}

/// Reads a capture front to back, in little memory.
pub struct Reader<R: Read> {
    input: Inflate<BufReader<R>>,
    buffer: Vec<u8>,
    /// What of the buffer was read into it and not looked at.
    left: Range<usize>,
    /// Where in it the body of the present block is.
    body: Range<usize>,
    /// Where reading of the block goes on.
    at: usize,
    kind: u32,
    /// The thread whose files the present block lists.
    owner: i64,
    ends: Vec<u32>,
    events: u64,
    damaged: u64,
    /// Whether the damaged events that were not named were counted in a diagnostic.
    told: bool,
    offset: u64,
    records: usize,
    limit: usize,
    done: bool,
    cut: bool,
    diagnostics: Vec<Diagnostic>,
}

impl<R: Read> Reader<R> {
    /// Opens a capture, compressed or not. `stored_bytes` is its size, for the bound on how much may come out of it.
    pub fn new(reader: R, stored_bytes: u64, limits: &Limits) -> Result<Self, ScapError> {
        let mut reader = BufReader::with_capacity(128 << 10, reader);
        let head = reader.fill_buf()?;
        let compression = Compression::detect(head);
        let input = Inflate::new(reader, compression, stored_bytes, limits)?;
        let mut reader = Self {
            input,
            buffer: vec![0; CHUNK],
            left: 0..0,
            body: 0..0,
            at: 0,
            kind: 0,
            owner: 0,
            ends: Vec::new(),
            events: 0,
            damaged: 0,
            told: false,
            offset: 0,
            records: 0,
            limit: limits.records,
            done: false,
            cut: false,
            diagnostics: Vec::new(),
        };
        reader.section()?;
        Ok(reader)
    }

    /// What was not read, and why.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many events have come, those that are damaged included.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many events are damaged and were left out.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Whether the capture ends before its end: what it had to tell after that is not known.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The next record. `None` at the end, or where nothing more can be read: then a diagnostic says so.
    pub fn read(&mut self) -> Option<Record<'_>> {
        match self.advance()? {
            Next::Record(record) => Some(record),
            Next::Nothing => self.event().map(Record::Event),
        }
    }

    /// Goes to the next record: an event lies in the block, and there is nothing else to be told then.
    fn advance(&mut self) -> Option<Next> {
        loop {
            if !is_event(self.kind) && self.has_more() {
                if let Some(record) = self.list_record() {
                    return Some(Next::Record(record));
                }
                continue;
            }
            if self.done {
                self.finish();
                return None;
            }
            if let Err(error) = self.next_block() {
                self.fail(&error);
                self.finish();
                return None;
            }
            if is_event(self.kind) && self.parse_event() {
                return Some(Next::Nothing);
            }
            if self.kind == kind::SECTION {
                // Captures that were put one behind another; the header says nothing that is not known.
                self.at = self.body.len();
            }
        }
    }

    fn fail(&mut self, error: &io::Error) {
        let place = format!("after {} events, at byte {}", self.events, self.offset);
        let code = match error.kind() {
            io::ErrorKind::FileTooLarge => Code::LimitExceeded,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Code::FileMalformed,
            _ => Code::FileUnreadable,
        };
        self.diagnostics.push(Diagnostic::incomplete(code, format!("the capture ends {place}: {error}")));
        self.done = true;
        self.cut = true;
        self.body = 0..0;
        self.at = 0;
        self.kind = 0;
    }

    /// Tells how many damaged events were not named.
    fn finish(&mut self) {
        if let more @ 1.. = self.damaged.saturating_sub(NAMED)
            && !std::mem::replace(&mut self.told, true)
        {
            let message = format!("{more} more events are damaged and were left out");
            self.diagnostics.push(Diagnostic::incomplete(Code::FileMalformed, message));
        }
    }

    fn section(&mut self) -> Result<(), ScapError> {
        match self.next_block() {
            Ok(()) if self.done => return Err(ScapError::Cut),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && matches!(self.kind, 0 | kind::SECTION) => {
                return Err(ScapError::Cut);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
                return Err(ScapError::Foreign);
            }
            Err(error) => return Err(error.into()),
        }
        let mut bytes = Bytes::new(self.block());
        let (magic, major, minor) = (bytes.u32(), bytes.u16(), bytes.u16());
        if self.kind != kind::SECTION {
            return Err(ScapError::Foreign);
        }
        match (magic, major, minor) {
            (Some(MAGIC), Some(major), Some(minor)) if major > VERSION.0 => Err(ScapError::Later(major, minor)),
            (Some(MAGIC), Some(_), Some(_)) => {
                self.at = self.body.len();
                Ok(())
            }
            (Some(magic), ..) if magic.swap_bytes() == MAGIC => Err(ScapError::BigEndian),
            _ => Err(ScapError::Foreign),
        }
    }

    fn block(&self) -> &[u8] {
        &self.buffer[self.body.clone()]
    }

    /// Reads the next block whole.
    fn next_block(&mut self) -> io::Result<()> {
        self.body = 0..0;
        self.at = 0;
        if !self.have(HEAD)? {
            if self.left.is_empty() {
                self.done = true;
                self.kind = 0;
                return Ok(());
            }
            return Err(cut("a block begins and is not there"));
        }
        let [kind, length] = [self.word(0), self.word(4)];
        self.kind = kind::published(kind);
        let Some(body) = length.checked_sub(12) else { return Err(damaged("a block is shorter than its own head")) };
        if body > BLOCK_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a block claims to have {length} bytes")));
        }
        if !self.have(length as usize)? {
            return Err(cut("a block is cut short"));
        }
        self.offset += u64::from(length);
        if self.word(HEAD + body as usize) != length {
            return Err(damaged("a block has two different lengths"));
        }
        self.body = self.left.start + HEAD..self.left.start + HEAD + body as usize;
        self.left.start += length as usize;
        self.owner = 0;
        Ok(())
    }

    /// The number at a place behind what was looked at; 0 where nothing was read.
    fn word(&self, at: usize) -> u32 {
        let left = &self.buffer[self.left.clone()];
        left.get(at..at + 4).map_or(0, |word| word.iter().rfold(0, |n, b| n << 8 | u32::from(*b)))
    }

    /// Reads on until so many bytes are there that were not looked at; whether there are as many.
    fn have(&mut self, count: usize) -> io::Result<bool> {
        while self.left.len() < count {
            if self.left.start > 0 {
                self.buffer.copy_within(self.left.clone(), 0);
                self.left = 0..self.left.len();
            }
            if self.left.end == self.buffer.len() {
                // Not by what the block claims: with what comes.
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            match self.input.read(&mut self.buffer[self.left.end..]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.left.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Finds the parameters of the event in the block; a broken one is told and left out.
    fn parse_event(&mut self) -> bool {
        self.events += 1;
        if self.try_parse_event().is_some() {
            return true;
        }
        self.damaged += 1;
        if self.damaged <= NAMED {
            let message = format!("event {} is damaged and was left out", self.events);
            self.diagnostics.push(Diagnostic::incomplete(Code::FileMalformed, message));
        }
        false
    }

    fn try_parse_event(&mut self) -> Option<()> {
        let flagged = matches!(self.kind, kind::FLAGGED | kind::FLAGGED_V2 | kind::FLAGGED_V2_LARGE);
        let counted = !matches!(self.kind, kind::EVENT | kind::FLAGGED);
        let mut bytes = Bytes::new(&self.buffer[self.body.clone()]);
        bytes.skip(if flagged { 6 } else { 2 })?;
        bytes.skip(16)?;
        let length = bytes.u32()? as usize;
        let code = EventCode(bytes.u16()?);
        let (header, params) = if counted { (26, bytes.u32()?) } else { (22, code.info()?.params.len() as u32) };
        // Before the number of parameters was recorded, it was that of the type then; none of these has changed but at
        // its end, and what is missing there is found by the length of the event.
        let wide = matches!(self.kind, kind::EVENT_V2_LARGE | kind::FLAGGED_V2_LARGE);
        let width = if wide { 4 } else { 2 };
        let rest = bytes.rest();
        let body = rest.get(..length.checked_sub(header)?).unwrap_or(rest);
        let params = if counted { params } else { lists::old_params(body, params)? };
        if params > PARAMS {
            return None;
        }
        let lengths = body.get(..params as usize * width)?;
        let mut end = 0_u32;
        self.ends.clear();
        for length in lengths.chunks_exact(width) {
            let length = length.iter().rfold(0_u32, |n, b| n << 8 | u32::from(*b));
            end = end.checked_add(length)?;
            self.ends.push(end);
        }
        self.at = (self.body.len() - rest.len()) + lengths.len();
        (end as usize <= body.len() - lengths.len()).then_some(())
    }

    /// The event that [`Self::parse_event`] found.
    fn event(&self) -> Option<Event<'_>> {
        let mut bytes = Bytes::new(self.block());
        let cpu = bytes.u16()?;
        if matches!(self.kind, kind::FLAGGED | kind::FLAGGED_V2 | kind::FLAGGED_V2_LARGE) {
            bytes.skip(4)?;
        }
        let (time, tid) = (bytes.u64()?, bytes.u64()?.cast_signed());
        bytes.skip(4)?;
        let code = EventCode(bytes.u16()?);
        let params = Params::new(&self.ends, self.block().get(self.at..)?)?;
        Some(Event { number: self.events, time, cpu, tid, code, params })
    }

    fn has_more(&self) -> bool {
        // Lists end in up to three bytes of padding.
        self.body.len().saturating_sub(self.at) >= 4
    }

    /// One record of the list in the block; `None` where it has none that is known, or no more.
    fn list_record(&mut self) -> Option<Record<'static>> {
        self.records += 1;
        if self.records > self.limit {
            self.at = self.body.len();
            if self.records == self.limit + 1 {
                let limit = self.limit;
                let message = format!("the lists have more than the limit of {limit} records (limits.records)");
                self.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message));
            }
            return None;
        }
        let first = self.at == 0;
        let mut bytes = Bytes::new(self.buffer[self.body.clone()].get(self.at..)?);
        let parsed = lists::record(self.kind, first, &mut self.owner, &mut bytes);
        self.at = self.body.len() - bytes.rest().len();
        match parsed {
            Some(Next::Record(record)) => return Some(record),
            Some(Next::Nothing) => return None,
            None => {}
        }
        self.at = self.body.len();
        let message = format!("the rest of a list (block {:#x}) is damaged and was left out", self.kind);
        self.diagnostics.push(Diagnostic::incomplete(Code::FileMalformed, message));
        None
    }
}

fn is_event(kind: u32) -> bool {
    matches!(
        kind,
        kind::EVENT | kind::EVENT_V2 | kind::EVENT_V2_LARGE | kind::FLAGGED | kind::FLAGGED_V2 | kind::FLAGGED_V2_LARGE
    )
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn cut(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}
