//! One column in Arrow's memory layout.

use crate::codec::error::DecodeError;

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8, with offsets of 32 bits.
    Text,
    /// Bits.
    Bit,
    /// Floats of 64 bits.
    Float,
    /// Integers of 64 bits.
    Int,
    /// Integers of 8 bits.
    Small,
    /// Integers of 128 bits.
    Decimal,
}

impl ColumnType {
    /// Bytes of a value, if all values have the same size; of texts, of their offset.
    fn width(self) -> usize {
        match self {
            Self::Text => 4,
            Self::Bit => 0,
            Self::Small => 1,
            Self::Float | Self::Int => 8,
            Self::Decimal => 16,
        }
    }
}

/// Memory of a column.
#[derive(Debug)]
pub struct Buffers {
    /// One bit a row, set if there is a value; `None` if there is one in every row.
    pub validity: Option<Vec<u8>>,
    /// The values, or the offsets of texts.
    pub values: Vec<u8>,
    /// The texts, in a column of texts.
    pub texts: Option<Vec<u8>>,
}

/// A column that is being written.
#[derive(Debug)]
pub struct Column {
    value_type: ColumnType,
    rows: usize,
    nulls: usize,
    /// True if the validity and, while all rows are null, the values are not written yet.
    is_lazy: bool,
    expected_rows: usize,
    validity: Vec<u8>,
    values: Vec<u8>,
    texts: Vec<u8>,
}

impl Column {
    pub(super) fn new(value_type: ColumnType, expected_rows: usize) -> Self {
        let values = if value_type == ColumnType::Text { vec![0; 4] } else { Vec::new() };
        Self {
            value_type,
            rows: 0,
            nulls: 0,
            is_lazy: true,
            expected_rows,
            validity: Vec::new(),
            values,
            texts: Vec::new(),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn text_bytes(&self) -> usize {
        self.texts.len()
    }

    #[inline]
    fn bit(bits: &mut Vec<u8>, at: usize, bit: bool) {
        if at.is_multiple_of(8) {
            bits.push(0);
        }
        if let Some(last) = bits.last_mut() {
            *last |= u8::from(bit) << (at % 8);
        }
    }

    /// Writes what was left out because all rows so far were null, or none was.
    #[cold]
    fn materialize(&mut self) {
        self.is_lazy = false;
        let bits = self.rows.div_ceil(8);
        if self.nulls == 0 {
            self.validity = vec![0xff; bits];
            if let Some(last) = self.validity.last_mut().filter(|_| !self.rows.is_multiple_of(8)) {
                *last = (1 << (self.rows % 8)) - 1;
            }
            return;
        }
        self.validity = vec![0; bits];
        self.values = match self.value_type {
            ColumnType::Text => vec![0; (self.rows + 1) * 4],
            ColumnType::Bit => vec![0; bits],
            value_type => vec![0; self.rows * value_type.width()],
        };
    }

    #[inline]
    fn validate(&mut self, valid: bool) {
        if !self.is_lazy {
            Self::bit(&mut self.validity, self.rows, valid);
        }
        self.rows += 1;
    }

    /// Prepares for a value.
    #[inline]
    fn begin(&mut self) {
        if self.nulls < self.rows {
            return;
        }
        // This is the first value.
        if self.is_lazy && self.nulls > 0 {
            self.materialize();
        }
        self.values.reserve((self.expected_rows.saturating_sub(self.rows) + 1) * self.value_type.width());
    }

    #[inline]
    pub(super) fn push_null(&mut self) {
        if self.is_lazy && self.nulls < self.rows {
            self.materialize();
        }
        self.nulls += 1;
        if !self.is_lazy {
            match self.value_type {
                ColumnType::Text => self.end_text(),
                ColumnType::Bit => Self::bit(&mut self.values, self.rows, false),
                _ => self.values.resize(self.values.len() + self.value_type.width(), 0),
            }
        }
        self.validate(false);
    }

    #[inline]
    pub(super) fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        self.begin();
        self.values.extend_from_slice(&bytes);
        self.validate(true);
    }

    pub(super) fn push_bit(&mut self, bit: bool) {
        self.begin();
        Self::bit(&mut self.values, self.rows, bit);
        self.validate(true);
    }

    #[inline]
    pub(super) fn push_text(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.begin();
        write(&mut self.texts);
        self.end_text();
        self.validate(true);
    }

    /// The caller ends the column before its texts exceed 31 bits.
    fn end_text(&mut self) {
        let end = i32::try_from(self.texts.len()).unwrap_or(i32::MAX);
        self.values.extend_from_slice(&end.to_le_bytes());
    }

    /// Number of nulls, and the buffers.
    #[must_use]
    pub fn finish(mut self) -> (usize, Buffers) {
        self.begin();
        let validity = (self.nulls > 0).then_some(self.validity);
        let texts = (self.value_type == ColumnType::Text).then_some(self.texts);
        (self.nulls, Buffers { validity, values: self.values, texts })
    }
}

/// A column that is read.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    validity: Option<&'a [u8]>,
    values: &'a [u8],
    texts: &'a [u8],
    offset: usize,
}

impl<'a> View<'a> {
    /// A view of `rows` rows from `offset` on.
    ///
    /// # Errors
    ///
    /// The buffers are too short.
    pub fn new(
        value_type: ColumnType,
        rows: usize,
        offset: usize,
        buffers: (Option<&'a [u8]>, &'a [u8], &'a [u8]),
    ) -> Result<Self, DecodeError> {
        let (validity, values, texts) = buffers;
        let end = offset + rows;
        let needed = match value_type {
            ColumnType::Bit => end.div_ceil(8),
            ColumnType::Text => (end + 1) * 4,
            _ => end * value_type.width(),
        };
        let is_short = rows > 0 && values.len() < needed;
        if is_short || validity.is_some_and(|bits| bits.len() < end.div_ceil(8)) {
            return Err(DecodeError::new(0, "a column has fewer values than rows"));
        }
        Ok(Self { validity, values, texts, offset })
    }

    #[inline]
    fn bit(bits: &[u8], at: usize) -> bool {
        bits.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    }

    #[inline]
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.validity.is_some_and(|bits| !Self::bit(bits, self.offset + row))
    }

    #[inline]
    pub(super) fn value<const N: usize>(&self, row: usize) -> [u8; N] {
        let at = (self.offset + row) * N;
        self.values.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    pub(super) fn flag(&self, row: usize) -> bool {
        Self::bit(self.values, self.offset + row)
    }

    #[inline]
    pub(super) fn text(&self, row: usize) -> Result<&'a str, DecodeError> {
        let place = |at| usize::try_from(i32::from_le_bytes(self.value(at))).ok();
        let range = place(row).zip(place(row + 1));
        let bytes = range.and_then(|(start, end)| self.texts.get(start..end));
        let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.ok_or_else(|| DecodeError::new(row, "a text is not in UTF-8, or not there"))
    }
}
