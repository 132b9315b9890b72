//! Name and header of a segment.

use super::frame::{u32_at, u64_at};

/// Bytes before the first frame.
pub const HEADER_BYTES: usize = 32;

/// Version of the format.
pub const VERSION: u32 = 1;

/// Version of the format of a segment of quarantined rows. Releases that do not know it refuse the journal.
pub const APART_VERSION: u32 = 2;

/// The first number of segments of quarantined rows. The number tells them from others, so that even one with a
/// damaged header is not taken for the end of an earlier segment.
pub const FIRST_APART: u64 = 1 << 63;

/// Suffix of the name of an incomplete segment.
pub const UNFINISHED: &str = "~";

const MAGIC: &[u8; 8] = b"tejournl";
const SUFFIX: &str = ".segment";

/// Header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Later segments have higher numbers.
    pub number: u64,
    /// The sequence number of its first frame, where an earlier segment ends.
    pub first_seq: u64,
}

/// Reason why a header cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderError {
    /// The file ends within it: the process died while it made the segment.
    Torn,
    /// It is no header, or was changed.
    Damaged,
    /// It was written by a later release.
    Version(u32),
}

impl Header {
    /// The header's bytes: magic, version, number, first sequence number, CRC32C.
    #[must_use]
    pub fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&version_of(self.number).to_le_bytes());
        bytes[12..20].copy_from_slice(&self.number.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.first_seq.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header at the beginning of a segment.
    ///
    /// # Errors
    ///
    /// There is no header that can be read.
    pub fn read(bytes: &[u8]) -> Result<Self, HeaderError> {
        let header = bytes.get(..HEADER_BYTES).ok_or(HeaderError::Torn)?;
        if header[..8] != *MAGIC || crc32c::crc32c(&header[..28]) != u32_at(header, 28) {
            return Err(HeaderError::Damaged);
        }
        let found = Self { number: u64_at(header, 12), first_seq: u64_at(header, 20) };
        match u32_at(header, 8) {
            version if version == version_of(found.number) => Ok(found),
            other => Err(HeaderError::Version(other)),
        }
    }
}

/// True if the segment of this number contains quarantined rows.
#[must_use]
pub fn is_apart(number: u64) -> bool {
    number >= FIRST_APART
}

fn version_of(number: u64) -> u32 {
    if is_apart(number) { APART_VERSION } else { VERSION }
}

/// File name of a segment; names sort as numbers do.
#[must_use]
pub fn name_segment(number: u64) -> String {
    format!("{number:020}{SUFFIX}")
}

/// Number of the segment with this file name, or `None`.
#[must_use]
pub fn read_name(name: &str) -> Option<u64> {
    let number = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (name_segment(number) == name).then_some(number)
}
