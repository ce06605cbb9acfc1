//! Quantities: `500m` cores, `1Gi` bytes
//! (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>).

/// The number that `text` is; none where it is no quantity.
pub fn quantity(text: &str) -> Option<f64> {
    let end = text.find(|char: char| !char.is_ascii_digit() && !matches!(char, '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let well_formed = {
        let bare = number.strip_prefix(['+', '-']).unwrap_or(number);
        !bare.is_empty() && bare != "." && !bare.contains(['+', '-']) && bare.matches('.').count() <= 1
    };
    let number: f64 = if well_formed { number.parse().ok()? } else { return None };
    let binary = |power: i32| 1024_f64.powi(power);
    let factor = match suffix {
        "" => 1.0,
        // Divided, not multiplied: 9m is what 0.009 is read as.
        "n" => return Some(number / 1e9),
        "u" => return Some(number / 1e6),
        "m" => return Some(number / 1e3),
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            10_f64.powi(exponent.parse().ok()?)
        }
    };
    let value = number * factor;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::quantity;

    #[test]
    fn quantities_are_numbers_with_a_suffix() {
        let check = |text: &str, expect: f64| {
            let found = quantity(text).unwrap();
            assert!((found - expect).abs() <= expect.abs() * 1e-12, "{text}: {found}");
        };
        for (text, expect) in [
            ("0", 0.0),
            ("500m", 0.5),
            ("0.5", 0.5),
            (".5", 0.5),
            ("1.", 1.0),
            ("+2", 2.0),
            ("-1", -1.0),
            ("128Mi", 134_217_728.0),
            ("1k", 1000.0),
            ("1Ki", 1024.0),
            ("1e3", 1000.0),
            ("1E3", 1000.0),
            ("1.5e-3", 0.0015),
            ("2E", 2e18),
            ("100n", 1e-7),
        ] {
            check(text, expect);
        }
        // As a policy writes it.
        assert_eq!(quantity("9m").map(f64::to_bits), quantity("0.009").map(f64::to_bits));
        for text in
            ["", "m", "1 Gi", "1KB", "1gi", "1.2.3", "--1", "1-", "e3", "1e", "0x10", "1e999", "NaN", "inf", "."]
        {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
