//! How much memory is taken by what threads share or keep for a while: counted where it is made, and where it goes.

use super::fd::Fd;
use hashbrown::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The sum.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<AtomicUsize>);

impl Meter {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What something takes, as long as it is there. A copy of the thing is counted by itself, when it is noted.
#[derive(Debug, Default)]
pub struct Held(Option<(Meter, usize)>);

impl Held {
    pub(crate) fn set(&mut self, meter: &Meter, bytes: usize) {
        if let Some((meter, held)) = &mut self.0 {
            meter.0.fetch_add(bytes, Ordering::Relaxed);
            meter.0.fetch_sub(*held, Ordering::Relaxed);
            *held = bytes;
        } else {
            meter.0.fetch_add(bytes, Ordering::Relaxed);
            self.0 = Some((meter.clone(), bytes));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((meter, bytes)) = &self.0 {
            meter.0.fetch_sub(*bytes, Ordering::Relaxed);
        }
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What things take says nothing about them.
impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Held {}

/// Open files by their number.
#[derive(Debug, Clone, Default)]
pub struct Files {
    by_number: HashMap<i64, Arc<Fd>>,
    held: Held,
}

/// What an entry takes beside the file.
const ENTRY: usize = 32;

impl Files {
    /// What a copy would take.
    pub(crate) fn size(&self) -> usize {
        self.by_number.capacity() * ENTRY
    }

    pub(crate) fn insert(&mut self, mut fd: Fd, meter: &Meter) {
        let bytes = fd.size();
        fd.held.set(meter, bytes);
        self.by_number.insert(fd.number, Arc::new(fd));
        self.held.set(meter, self.size());
    }

    pub(crate) fn remove(&mut self, number: i64, meter: &Meter) {
        self.by_number.remove(&number);
        self.held.set(meter, self.size());
    }
}

impl Deref for Files {
    type Target = HashMap<i64, Arc<Fd>>;

    fn deref(&self) -> &Self::Target {
        &self.by_number
    }
}
