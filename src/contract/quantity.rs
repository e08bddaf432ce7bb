//! Durations and sizes as `wt.toml` writes them.

use super::Reserve;
use super::read::Flaw;

const DURATION_UNITS: [(&str, u64); 3] = [("h", 3600), ("m", 60), ("s", 1)];
const AGE_UNITS: [(&str, i64); 4] = [("w", 7 * 86_400), ("d", 86_400), ("h", 3600), ("m", 60)];
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

/// What `10%`, `5GB`, `0%` leave free.
pub(super) fn parse_reserve(text: &str) -> Result<Reserve, Flaw> {
    let flaw = || {
        Flaw::new(format!(
            "is neither a share of the disk nor a size: `{text}`"
        ))
        .hint("write a share below 100% or a size, such as \"10%\" or \"5GB\"")
    };
    let Some(share) = text.strip_suffix('%') else {
        return parse_size(text).map(Reserve::Bytes).map_err(|_| flaw());
    };
    let is_number = !share.is_empty() && share.bytes().all(|b| b.is_ascii_digit());
    let share = share
        .parse::<u8>()
        .ok()
        .filter(|share| is_number && *share < 100);
    share.map(Reserve::Percent).ok_or_else(flaw)
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

/// Bytes of `100MB`, or of `0`, as a command line says it.
///
/// # Errors
/// What is wrong with the text, and what is meant instead.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    if text == "0" {
        return Ok(0);
    }
    parse_size(text).map_err(|flaw| flaw.to_string())
}

/// Seconds of `14d`, `36h`, `2w`, or of `0`, as a command line says it.
///
/// # Errors
/// As [`size`].
pub(crate) fn age(text: &str) -> Result<i64, String> {
    if text == "0" {
        return Ok(0);
    }
    let digits = leading_digits(text);
    let units = AGE_UNITS.iter();
    let factor = units.filter(|(unit, _)| *unit == &text[digits.len()..]);
    factor
        .map(|(_, factor)| *factor)
        .next()
        .zip(digits.parse::<i64>().ok())
        .and_then(|(factor, number)| number.checked_mul(factor))
        .ok_or_else(|| "not an age: write a number with a unit, such as 7d, 36h or 2w".to_owned())
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
        for text in [
            "",
            "d",
            "14",
            "-1d",
            "1.5d",
            "1y",
            "1d2h",
            "99999999999999999999d",
        ] {
            assert!(age(text).is_err(), "{text}");
        }
        for text in [
            "", "%", "-1%", "+1%", "1.5%", "100%", "300%", "10", "10 %", "0GB",
        ] {
            assert!(parse_reserve(text).is_err(), "{text}");
        }
        for text in ["0%", "2%", "99%", "5GB", "64MiB"] {
            let read = parse_reserve(text).map(|reserve| reserve.to_string());
            assert_eq!(read.ok().as_deref(), Some(text));
        }
        assert_eq!(age("0"), Ok(0));
        assert_eq!(size("0"), Ok(0));
        assert_eq!(age("14d"), age("2w"));
        assert_eq!(age("36h"), Ok(129_600));
        assert!(size("20 GB").is_err_and(|why| why.contains("\"100MB\"")));
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
