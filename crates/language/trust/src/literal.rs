//! The values that are more than text: numbers, dates, addresses, binaries.

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A decimal number of any length, compared exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Decimal {
    /// An optional sign, digits, and optionally a point and digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self {
            negative: negative && !zero,
            whole,
            fraction,
        })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let magnitude = self
            .whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(&other.whole))
            .then_with(|| self.fraction.cmp(&other.fraction));
        match (self.negative, other.negative) {
            (false, false) => magnitude,
            (true, true) => magnitude.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

/// Milliseconds since the epoch: the W3C profile of ISO 8601 (a year alone, up to fractions of a
/// second; without a zone it is UTC), or whole seconds since the epoch.
pub(crate) fn date(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits && text.len() != 4 {
        return text.parse::<i64>().ok()?.checked_mul(1000);
    }
    let day = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    if day.len() < 10 || day.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    if day.len() == 10 {
        let date: jiff::civil::Date = day.parse().ok()?;
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        return Some(zoned.timestamp().as_millisecond());
    }
    if day.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    if let Ok(timestamp) = day.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    let time: jiff::civil::DateTime = day.parse().ok()?;
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// `true` or `false` in any letter case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The bytes of a base64 text (RFC 4648 §4).
pub(crate) fn binary(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The one base64 text that [`binary`] reads as these bytes.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// An IP address; an IPv4 address mapped into IPv6 is the IPv4 address.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    })
}

/// A range of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Range {
    V4 { network: u32, mask: u32 },
    V6 { network: u128, mask: u128 },
}

impl Range {
    /// CIDR notation; a bare address is itself. Host bits are dropped in IPv4; an IPv6 range that
    /// has any is kept and contains nothing, as AWS does.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => {
                if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                (address, Some(length.parse::<u32>().ok()?))
            }
            None => (text, None),
        };
        if let Ok(four) = address.parse::<Ipv4Addr>() {
            let length = length.unwrap_or(32);
            let mask = u32::MAX
                .checked_shl(32_u32.checked_sub(length)?)
                .unwrap_or(0);
            let network = u32::from(four) & mask;
            return Some(Self::V4 { network, mask });
        }
        let six: Ipv6Addr = address.parse().ok()?;
        let length = length.unwrap_or(128);
        let shift = 128_u32.checked_sub(length)?;
        let mask = u128::MAX.checked_shl(shift).unwrap_or(0);
        let network = u128::from(six);
        Some(Self::V6 { network, mask })
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { network, mask }, IpAddr::V4(four)) => u32::from(four) & mask == *network,
            (Self::V6 { network, mask }, IpAddr::V6(six)) => u128::from(six) & mask == *network,
            _ => false,
        }
    }
}
