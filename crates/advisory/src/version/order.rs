//! What all schemes are built from: symbols with a total order, and sequences of them.
//!
//! A scheme cuts a version into symbols, front to back and without allocating, and orders versions as sequences of
//! them. An order of sequences by their first difference is total whenever the order of symbols is, so that no scheme
//! has to be shown to be transitive on its own; and since cutting only moves forward, it takes time linear in the input.

use std::cmp::Ordering;

/// Decimal digits by the number they stand for, of any length: leading zeros do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number<'a> {
    // The order of the fields is the order of numbers: more digits first, then the digits. Few have more than eight, and
    // comparing slices is a call of its own.
    length: usize,
    first: u64,
    rest: Option<&'a [u8]>,
}

impl<'a> Number<'a> {
    /// Nothing, or only zeros.
    pub(super) const ZERO: Self = Self { length: 0, first: 0, rest: None };

    /// The number that digits stand for; zero for none.
    #[inline]
    pub(super) fn of(digits: &'a [u8]) -> Self {
        let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
        let digits = digits.get(zeros..).unwrap_or_default();
        let (first, rest) = digits.split_at_checked(8).map_or((digits, None), |(first, rest)| (first, Some(rest)));
        let packed = first.iter().fold(0, |packed, byte| packed << 8 | u64::from(*byte));
        Self { length: digits.len(), first: packed, rest }
    }
}

/// Bytes without regard to the case of ASCII letters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caseless<'a>(pub(super) &'a [u8]);

impl Ord for Caseless<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let [a, b] = [self, other].map(|text| text.0.iter().map(u8::to_ascii_lowercase));
        a.cmp(b)
    }
}

impl PartialOrd for Caseless<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Caseless<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Caseless<'_> {}

/// Orders two sequences by their first difference; one that has ended goes on with `end` for ever.
#[inline]
pub(super) fn compare<T: Ord>(mut a: impl Iterator<Item = T>, mut b: impl Iterator<Item = T>, end: &T) -> Ordering {
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => a.as_ref().unwrap_or(end).cmp(b.as_ref().unwrap_or(end)),
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
thread_local! {
    /// How many bytes cursors have taken: what a test bounds, since time is no measure there.
    pub(super) static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// What is left of a version, taken from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next byte, which stays.
    #[inline]
    pub(super) fn peek(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Takes `count` bytes, or what there is.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        #[cfg(test)]
        STEPS.set(STEPS.get() + taken.len());
        self.0 = rest;
        taken
    }

    /// Takes bytes for as long as they are `wanted`.
    #[inline]
    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let count = self.0.iter().position(|&byte| !wanted(byte)).unwrap_or(self.0.len());
        self.take(count)
    }

    /// Takes the digits that come next, perhaps none.
    #[inline]
    pub(super) fn digits(&mut self) -> &'a [u8] {
        self.take_while(|byte| byte.is_ascii_digit())
    }

    /// Takes one byte if it is `wanted`.
    #[inline]
    pub(super) fn eat(&mut self, wanted: impl Fn(u8) -> bool) -> bool {
        let found = self.peek().is_some_and(wanted);
        if found {
            self.take(1);
        }
        found
    }

    /// Takes `word` in any case, if it comes next.
    #[inline]
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.0.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
        if found {
            self.take(word.len());
        }
        found
    }
}

/// Splits at the first byte that is `separator`.
#[inline]
pub(super) fn split_first(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    split_at(text, text.iter().position(|&byte| byte == separator))
}

/// Splits at the last byte that is `separator`.
#[inline]
pub(super) fn split_last(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    split_at(text, text.iter().rposition(|&byte| byte == separator))
}

#[inline]
fn split_at(text: &[u8], position: Option<usize>) -> (&[u8], Option<&[u8]>) {
    match position {
        Some(position) => (text.get(..position).unwrap_or_default(), text.get(position + 1..)),
        None => (text, None),
    }
}

/// Splits `epoch:rest` where the epoch is digits; zero where there is none.
#[inline]
pub(super) fn split_epoch(text: &[u8]) -> (Number<'_>, &[u8]) {
    let mut rest = Cursor(text);
    let epoch = rest.digits();
    if !epoch.is_empty() && rest.eat(|byte| byte == b':') { (Number::of(epoch), rest.0) } else { (Number::ZERO, text) }
}

/// Whether it is a number and nothing else.
#[inline]
pub(super) fn all_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}
