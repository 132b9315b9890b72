//! Variable-length integers, seven bits a byte, the low ones first: LEB128.

/// Reason why bytes do not begin with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VarintError {
    /// They end within it.
    CutShort,
    /// It has more than 64 bits.
    TooLong,
}

/// Appends a number to bytes.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Reads the number at the start of some bytes, and returns it with its length in bytes.
#[inline]
pub(crate) fn read_varint(bytes: &[u8]) -> Result<(u64, usize), VarintError> {
    let mut number = 0;
    for (place, shift) in (0..64).step_by(7).enumerate() {
        let byte = *bytes.get(place).ok_or(VarintError::CutShort)?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Ok((number, place + 1));
        }
    }
    Err(VarintError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_of_a_number_comes_back_and_a_cut_or_longer_one_is_refused() {
        let of_each_length = (0..64).map(|bits| u64::MAX >> bits).chain((0..64).map(|bit| 1 << bit)).chain([0]);
        for number in of_each_length {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, number);
            assert_eq!(read_varint(&bytes), Ok((number, bytes.len())));
            bytes.pop();
            assert_eq!(read_varint(&bytes), Err(VarintError::CutShort));
        }
        assert_eq!(
            read_varint(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]),
            Err(VarintError::TooLong)
        );
        assert_eq!(read_varint(&[0x80; 11]), Err(VarintError::TooLong));
    }
}
