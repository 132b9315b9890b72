//! Decimals of up to 38 digits, with their exponent: 1.10 differs from 1.1.

use std::fmt;

/// A finite decimal: `mantissa` times ten to the power of `exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// True for a number below zero and for a negative zero.
    pub negative: bool,
    /// Its digits; below 10^38.
    pub mantissa: u128,
    /// Power of ten by which the mantissa is multiplied.
    pub exponent: i32,
}

/// One above the greatest mantissa.
pub const MANTISSA_END: u128 = 10_u128.pow(38);

/// The powers of ten.
pub const POWERS: [u128; 39] = {
    let mut powers = [1; 39];
    let mut power = 1;
    while power < 39 {
        powers[power] = powers[power - 1] * 10;
        power += 1;
    }
    powers
};

/// Room for the digits of any number of 128 bits.
const DIGITS: usize = 39;

/// Result of parsing a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// A decimal.
    Decimal(Decimal),
    /// A number with too many digits or too large an exponent.
    Long,
    /// Not finite: `Infinity`, `NaN` or `sNaN`, perhaps with a sign, perhaps with digits.
    Special,
}

impl Decimal {
    /// Parses a text as Python writes decimals.
    #[must_use]
    pub fn parse(text: &str) -> Option<Parsed> {
        let bytes = text.as_bytes();
        if let Some(found) = parse_short(bytes) {
            return Some(Parsed::Decimal(found));
        }
        let (negative, rest) = match bytes {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, bytes),
        };
        let Digits { mantissa, count, point, long, rest } = Digits::read(rest);
        if count == 0 {
            return is_special(rest).then_some(Parsed::Special).filter(|_| point.is_none());
        }
        let fraction = point.map_or(0, |before| count - before);
        let power = match rest {
            [] => 0,
            [b'e' | b'E', power @ ..] => parse_power(power)?,
            _ => return None,
        };
        let exponent = i64::try_from(fraction).ok().and_then(|fraction| i32::try_from(power - fraction).ok());
        Some(match exponent {
            Some(exponent) if !long => Parsed::Decimal(Self { negative, mantissa, exponent }),
            _ => Parsed::Long,
        })
    }

    /// Appends its text, as Python writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut room = [0; DIGITS];
        let digits = write_digits(self.mantissa, &mut room);
        if self.negative {
            out.push(b'-');
        }
        let exponent = i64::from(self.exponent);
        // Number of digits before the point.
        let whole = i64::try_from(digits.len()).unwrap_or(i64::MAX) + exponent;
        if exponent > 0 || whole <= -6 {
            write_scientific(out, digits, whole - 1);
        } else if exponent == 0 {
            out.extend_from_slice(digits);
        } else if let Ok(whole @ 1..) = usize::try_from(whole) {
            let (whole, fraction) = digits.split_at(whole);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(fraction);
        } else {
            out.extend_from_slice(b"0.");
            out.extend((whole..0).map(|_| b'0'));
            out.extend_from_slice(digits);
        }
    }
}

/// The digits that a text begins with, and perhaps a point.
struct Digits<'a> {
    mantissa: u128,
    count: usize,
    /// Number of digits before the point.
    point: Option<usize>,
    /// True if there are more digits than a mantissa has.
    long: bool,
    /// The text after them.
    rest: &'a [u8],
}

impl<'a> Digits<'a> {
    fn read(text: &'a [u8]) -> Self {
        let mut found = Self { mantissa: 0, count: 0, point: None, long: false, rest: text };
        while let [byte, rest @ ..] = found.rest {
            match byte {
                b'0'..=b'9' => {
                    found.count += 1;
                    found.long |= found.mantissa >= MANTISSA_END / 10;
                    if !found.long {
                        found.mantissa = found.mantissa * 10 + u128::from(byte - b'0');
                    }
                }
                b'.' if found.point.is_none() => found.point = Some(found.count),
                _ => break,
            }
            found.rest = rest;
        }
        found
    }
}

/// Parses a decimal of up to 18 digits without an exponent, as most are, with 64 bits.
#[inline]
fn parse_short(text: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 18 {
        return None;
    }
    let (mut mantissa, mut exponent, mut pointed) = (0_u64, 0, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                exponent -= i32::from(pointed);
            }
            b'.' if !pointed => pointed = true,
            _ => return None,
        }
    }
    let has_digits = digits.len() > usize::from(pointed);
    has_digits.then_some(Decimal { negative, mantissa: u128::from(mantissa), exponent })
}

/// The digits of a number, at the end of `room`.
fn write_digits(mut number: u128, room: &mut [u8; DIGITS]) -> &[u8] {
    const CHUNK: u128 = 10_u128.pow(18);
    let mut at = room.len();
    // In chunks of 64 bits, because division of 128 bits is slow.
    while number > u128::from(u64::MAX) {
        let (rest, chunk) = (number / CHUNK, number % CHUNK);
        let end = at - 18;
        at = write_chunk(u64::try_from(chunk).unwrap_or_default(), room, at);
        room[end..at].fill(b'0');
        (number, at) = (rest, end);
    }
    at = write_chunk(u64::try_from(number).unwrap_or_default(), room, at);
    &room[at..]
}

/// Writes the digits of a number, at least one, to end at an index; returns the index of the first.
fn write_chunk(mut number: u64, room: &mut [u8], mut at: usize) -> usize {
    loop {
        at -= 1;
        room[at] = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
        if number == 0 {
            return at;
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

fn write_scientific(out: &mut Vec<u8>, digits: &[u8], power: i64) {
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    out.extend_from_slice(format!("E{power:+}").as_bytes());
}

/// The exponent after an E, saturated.
fn parse_power(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let power = digits
        .iter()
        .fold(0_i64, |power, digit| power.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(i64::MAX / 2));
    Some(if text[0] == b'-' { -power } else { power })
}

fn is_special(text: &[u8]) -> bool {
    let payload = text.strip_prefix(b"NaN").or_else(|| text.strip_prefix(b"sNaN"));
    text == b"Infinity" || payload.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}
