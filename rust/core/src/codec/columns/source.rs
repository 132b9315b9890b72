//! Reading columns.

use super::column::View;
use super::{DIGITS, Form, SCALE};
use crate::codec::decimal::{Decimal, MANTISSA_END, POWERS};
use crate::codec::error::DecodeError;
use crate::codec::layout::Layout;
use crate::codec::time::{FIRST_US, LAST_US};
use crate::codec::token::{Key, Source, Token};

/// Reads events from columns, row by row.
#[derive(Debug)]
pub struct ColumnSource<'a> {
    fields: Vec<(Form, Vec<View<'a>>)>,
    row: usize,
    /// Columns of each field of the current event's class.
    places: Vec<(Key<'a>, usize)>,
    next: usize,
    current: usize,
}

impl<'a> ColumnSource<'a> {
    /// A source over these columns.
    #[must_use]
    pub fn new(fields: Vec<(Form, Vec<View<'a>>)>) -> Self {
        Self { fields, row: 0, places: Vec::new(), next: 0, current: 0 }
    }

    /// Sets the columns of the fields of the events to come.
    pub fn select(&mut self, places: Vec<(Key<'a>, usize)>) {
        self.places = places;
    }

    /// Begins the event of a row.
    pub fn begin(&mut self, row: usize) {
        (self.row, self.next) = (row, 0);
    }

    /// The text of a row in the columns at an index.
    ///
    /// # Errors
    ///
    /// The row has none.
    pub fn text(&self, row: usize, place: usize) -> Result<&'a str, DecodeError> {
        match self.fields.get(place).map(|(_, columns)| columns.as_slice()) {
            Some([texts]) if !texts.is_null(row) => texts.text(row),
            _ => Err(DecodeError::new(row, "its event type is missing")),
        }
    }

    /// True if the values of the current field are JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.fields[self.current].0 == Form::Json
    }

    fn wrong(&self, reason: &str) -> DecodeError {
        DecodeError::new(self.row, reason)
    }

    fn moment(&self, micros: i64) -> Result<Token<'a>, DecodeError> {
        match micros {
            FIRST_US..=LAST_US => Ok(Token::Moment(micros)),
            _ => Err(self.wrong("a moment is not between the years 1 and 9999")),
        }
    }

    fn decimal(&self, number: i128, exponents: &View<'a>) -> Result<Token<'a>, DecodeError> {
        let exponent = i32::from(i8::from_le_bytes(exponents.value(self.row)));
        let power = usize::try_from(exponent + SCALE).ok().filter(|power| *power < DIGITS);
        let Some(power) = power.filter(|_| !exponents.is_null(self.row)) else {
            return Err(self.wrong("a decimal has no possible exponent"));
        };
        let unit = POWERS[power];
        let mantissa = number.unsigned_abs() / unit;
        if mantissa * unit != number.unsigned_abs() || mantissa >= MANTISSA_END {
            return Err(self.wrong("a decimal has more digits than its exponent says"));
        }
        Ok(Token::Decimal(Decimal { negative: number < 0, mantissa, exponent }))
    }
}

impl<'a> Source<'a> for ColumnSource<'a> {
    const COLUMNS: bool = true;

    fn next_key(&mut self, _: &Layout) -> Result<Option<Key<'a>>, DecodeError> {
        let Some((key, place)) = self.places.get(self.next) else {
            return Ok(None);
        };
        (self.current, self.next) = (*place, self.next + 1);
        Ok(Some(*key))
    }

    #[inline]
    fn next(&mut self) -> Result<Token<'a>, DecodeError> {
        let row = self.row;
        let (form, columns) = &self.fields[self.current];
        match (form, columns.as_slice()) {
            (_, [.., exact]) if columns.len() > 1 && !exact.is_null(row) => exact.text(row).map(Token::Text),
            (_, [own, ..]) if own.is_null(row) => Ok(Token::None),
            (Form::Text | Form::Json, [texts]) => texts.text(row).map(Token::Text),
            (Form::Bool, [bits]) => Ok(Token::Bool(bits.flag(row))),
            (Form::Float, [floats]) => Ok(Token::Float(f64::from_le_bytes(floats.value(row)))),
            (Form::Int, [ints, _]) => Ok(Token::Int(i64::from_le_bytes(ints.value(row)))),
            (Form::Utc | Form::Time, [moments, ..]) => self.moment(i64::from_le_bytes(moments.value(row))),
            (Form::Decimal, [numbers, exponents, _]) => {
                self.decimal(i128::from_le_bytes(numbers.value(row)), exponents)
            }
            _ => Err(self.wrong("a field has not the columns of its form")),
        }
    }

    fn offset(&self) -> usize {
        self.row
    }
}
