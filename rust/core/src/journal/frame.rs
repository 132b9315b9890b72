//! One frame: `crc: u32 | length: u32 | seq: u64 | payload`. The CRC32C covers all that follows it.

/// Bytes before the payload.
pub const FRAME_HEADER_BYTES: usize = 16;

/// Greatest length of a payload; a greater one is damage.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 28;

/// A complete frame at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its sequence number.
    pub seq: u64,
    /// The appended bytes.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Bytes of the frame.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.payload.len()
    }
}

/// Appends a frame to a buffer. The payload is at most [`MAX_PAYLOAD_BYTES`] long.
///
/// # Panics
///
/// The payload is longer.
pub fn push_frame(buffer: &mut Vec<u8>, seq: u64, payload: &[u8]) {
    assert!(payload.len() <= MAX_PAYLOAD_BYTES, "a payload of {} bytes", payload.len());
    let length = u32::try_from(payload.len()).expect("it is within MAX_PAYLOAD_BYTES");
    let start = buffer.len();
    buffer.reserve(FRAME_HEADER_BYTES + payload.len());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&seq.to_le_bytes());
    buffer.extend_from_slice(payload);
    let crc = crc32c::crc32c(&buffer[start + 4..]);
    buffer[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// Sequence number and length in the header of a frame, if so many bytes can follow it.
pub(super) fn peek(bytes: &[u8]) -> Option<(u64, usize)> {
    let header = bytes.get(..FRAME_HEADER_BYTES)?;
    let length = u32_at(header, 4) as usize;
    let fits = length <= MAX_PAYLOAD_BYTES && length <= bytes.len() - FRAME_HEADER_BYTES;
    fits.then(|| (u64_at(header, 8), length))
}

/// The frame at the start of some bytes, or `None` if it is not complete or its checksum is wrong.
#[must_use]
pub fn read_frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let (seq, length) = peek(bytes)?;
    let end = FRAME_HEADER_BYTES + length;
    (crc32c::crc32c(&bytes[4..end]) == u32_at(bytes, 0))
        .then(|| Frame { seq, payload: &bytes[FRAME_HEADER_BYTES..end] })
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
