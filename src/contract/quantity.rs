//! Durations and sizes as `wt.toml` writes them.

use super::read::Flaw;

const DURATION_UNITS: [(&str, u64); 3] = [("h", 3600), ("m", 60), ("s", 1)];
const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// Seconds of `90s`, `10m`, `1h30m`; never zero.
pub(super) fn parse_duration(text: &str) -> Result<u64, Flaw> {
    let flaw = || {
        Flaw::new(format!("is not a duration: `{text}`"))
            .hint("write numbers with units, such as \"90s\", \"10m\" or \"1h30m\"")
    };
    let mut seconds = 0_u64;
    let mut rest = text;
    let mut units = DURATION_UNITS.iter();
    while !rest.is_empty() {
        let digits = leading_digits(rest);
        let number = digits.parse::<u64>().map_err(|_| flaw())?;
        let after = &rest[digits.len()..];
        // The iterator is not rewound: units come in falling order and once each.
        let (unit, factor) = units
            .find(|(unit, _)| after.starts_with(unit))
            .ok_or_else(flaw)?;
        seconds = number
            .checked_mul(*factor)
            .and_then(|part| seconds.checked_add(part))
            .ok_or_else(flaw)?;
        rest = &after[unit.len()..];
    }
    if seconds == 0 {
        return Err(flaw());
    }
    Ok(seconds)
}

/// The shortest text that [`parse_duration`] reads as `seconds`.
pub(super) fn format_duration(seconds: u64) -> String {
    let mut rest = seconds;
    let parts = DURATION_UNITS.map(|(unit, factor)| {
        let number = rest / factor;
        rest %= factor;
        if number == 0 {
            String::new()
        } else {
            format!("{number}{unit}")
        }
    });
    parts.concat()
}

/// Bytes of `100MB`, `512KiB`; never zero.
pub(super) fn parse_size(text: &str) -> Result<u64, Flaw> {
    let digits = leading_digits(text);
    let factor = SIZE_UNITS
        .iter()
        .find(|(unit, _)| unit.eq_ignore_ascii_case(&text[digits.len()..]))
        .map(|(_, factor)| *factor);
    factor
        .zip(digits.parse::<u64>().ok())
        .and_then(|(factor, number)| number.checked_mul(factor))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| {
            Flaw::new(format!("is not a size: `{text}`"))
                .hint("write a number with a unit, such as \"100MB\" or \"512KiB\"")
        })
}

/// A text that [`parse_size`] reads as `bytes`.
pub(super) fn format_size(bytes: u64) -> String {
    SIZE_UNITS
        .iter()
        .filter(|(_, factor)| bytes.is_multiple_of(*factor))
        .max_by_key(|(_, factor)| *factor)
        .map_or_else(String::new, |(unit, factor)| {
            format!("{}{unit}", bytes / factor)
        })
}

fn leading_digits(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_and_sizes_that_mean_nothing_are_refused() {
        for text in [
            "",
            "0s",
            "10",
            "m",
            "10 m",
            "-1s",
            "1s1m",
            "1m1m",
            "1.5h",
            "99999999999999999999s",
            "9999999999999999h",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        for text in [
            "",
            "0MB",
            "10",
            "MB",
            "10 MB",
            "-1B",
            "1TB1",
            "99999999999999999GB",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert_eq!(parse_duration("1h30m").ok(), Some(5400));
        assert_eq!(parse_size("2kib").ok(), Some(2048));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number in 1..u64::MAX) {
            prop_assert_eq!(parse_duration(&format_duration(number)).ok(), Some(number));
            prop_assert_eq!(parse_size(&format_size(number)).ok(), Some(number));
        }
    }
}
