//! Lengths of time as Go reads them (<https://pkg.go.dev/time#ParseDuration>).

/// The nanoseconds of a text such as `1h30m` or `-1.5s`; none where it is none, or too long.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum: i128 = 0;
    while !rest.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits(rest));
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(digits(after)),
            None => ("", after),
        };
        if (number.is_empty() && fraction.is_empty()) || number.len() > 19 {
            return None;
        }
        let length = after.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(length);
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let number: i128 = if number.is_empty() { 0 } else { number.parse().ok()? };
        // Digits beyond the smallest unit say nothing.
        let scale = fraction.len().min(18);
        let fraction: i128 = if scale == 0 { 0 } else { fraction[..scale].parse().ok()? };
        let parts = fraction * unit / 10_i128.pow(u32::try_from(scale).unwrap_or(0));
        sum = sum.checked_add(number * unit + parts)?;
        rest = after;
    }
    i64::try_from(if negative { -sum } else { sum }).ok()
}
