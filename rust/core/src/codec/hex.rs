//! Bytes as hex digits in lower case.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The two digits of a byte.
#[must_use]
#[inline]
pub fn digits_of(byte: u8) -> [u8; 2] {
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

/// The 32 digits of an id.
#[must_use]
#[inline]
pub fn hex_of(bytes: [u8; 16]) -> [u8; 32] {
    let mut text = [0; 32];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = digits_of(byte);
    }
    text
}
