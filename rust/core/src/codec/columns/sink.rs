//! Writing columns.

use super::column::Column;
use super::{DIGITS, Form, SCALE};
use crate::codec::decimal::{Decimal, POWERS};
use crate::codec::layout::Layout;
use crate::codec::token::{Sink, Token};

/// Columns for the fields of several event classes. They are null where an event has no such field.
#[derive(Debug, Default)]
pub struct ColumnSink {
    fields: Vec<FieldColumns>,
    /// Columns of each field of the current event's class.
    places: Box<[usize]>,
    current: usize,
    rows: usize,
    expected_rows: usize,
    is_wrong: bool,
}

#[derive(Debug)]
struct FieldColumns {
    form: Form,
    columns: Vec<Column>,
}

impl ColumnSink {
    /// Columns with room for so many rows.
    #[must_use]
    pub fn with_capacity(rows: usize) -> Self {
        Self { expected_rows: rows, ..Self::default() }
    }

    /// Adds the columns of a field, and returns their index.
    pub fn add(&mut self, form: Form) -> usize {
        let columns =
            form.column_types().iter().map(|column_type| Column::new(*column_type, self.expected_rows)).collect();
        self.fields.push(FieldColumns { form, columns });
        self.fields.len() - 1
    }

    /// Sets the columns of the fields of the events to come.
    pub fn select(&mut self, places: &[usize]) {
        if *self.places != *places {
            self.places = places.into();
        }
    }

    /// Bytes of the longest column of texts; Arrow's limit is 31 bits.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.fields.iter().flat_map(|field| &field.columns).map(Column::text_bytes).max().unwrap_or(0)
    }

    /// Number of events.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns of each field, or `None` if a value did not fit the form of its field.
    #[must_use]
    pub fn finish(mut self) -> Option<Vec<(Form, Vec<Column>)>> {
        for field in &mut self.fields {
            field.fill(self.rows);
        }
        (!self.is_wrong).then(|| self.fields.into_iter().map(|field| (field.form, field.columns)).collect())
    }
}

impl FieldColumns {
    fn fill(&mut self, rows: usize) {
        for column in &mut self.columns {
            while column.rows() < rows {
                column.push_null();
            }
        }
    }

    fn put(&mut self, token: Token<'_>) -> Option<()> {
        match (self.form, &mut self.columns[..], token) {
            (_, columns, Token::None) => columns.iter_mut().for_each(Column::push_null),
            (Form::Text | Form::Json, [texts], Token::Text(text) | Token::Name(text)) => {
                texts.push_text(|out| out.extend_from_slice(text.as_bytes()));
            }
            (Form::Bool, [bits], Token::Bool(truth)) => bits.push_bit(truth),
            (Form::Float, [floats], Token::Float(float)) => floats.push(float.to_le_bytes()),
            (Form::Utc, [moments], Token::Moment(micros)) => moments.push(micros.to_le_bytes()),
            (Form::Int, [numbers, exact], Token::Int(number))
            | (Form::Time, [numbers, exact], Token::Moment(number)) => {
                numbers.push(number.to_le_bytes());
                exact.push_null();
            }
            (Form::Int | Form::Time, [numbers, exact], Token::Text(text)) => {
                numbers.push_null();
                exact.push_text(|out| out.extend_from_slice(text.as_bytes()));
            }
            (Form::Decimal, [numbers, exponents, exact], Token::Decimal(decimal)) => {
                if let Some((number, exponent)) = scale(&decimal) {
                    numbers.push(number.to_le_bytes());
                    exponents.push(exponent.to_le_bytes());
                    exact.push_null();
                } else {
                    numbers.push_null();
                    exponents.push_null();
                    exact.push_text(|out| decimal.write(out));
                }
            }
            (Form::Decimal, [numbers, exponents, exact], Token::Text(text)) => {
                numbers.push_null();
                exponents.push_null();
                exact.push_text(|out| out.extend_from_slice(text.as_bytes()));
            }
            _ => return None,
        }
        Some(())
    }
}

/// A decimal as an integer for its column, with its exponent; `None` if it does not fit.
fn scale(decimal: &Decimal) -> Option<(i128, i8)> {
    let exponent = i8::try_from(decimal.exponent).ok()?;
    let power = usize::try_from(decimal.exponent + SCALE).ok().filter(|power| *power < DIGITS)?;
    // Zero has a digit too.
    if decimal.mantissa >= POWERS[DIGITS - power] {
        return None;
    }
    let number = i128::try_from(decimal.mantissa * POWERS[power]).ok()?;
    match (decimal.negative, number) {
        (true, 0) => None,
        (true, number) => Some((-number, exponent)),
        (false, number) => Some((number, exponent)),
    }
}

impl Sink for ColumnSink {
    const COLUMNS: bool = true;
    const SPARSE: bool = false;
    const LASTING: bool = false;

    fn begin(&mut self, _: &Layout, _: usize) {
        self.rows += 1;
    }

    #[inline]
    fn field(&mut self, _: &Layout, index: usize) {
        self.current = self.places[index];
        let before = self.rows - 1;
        let field = &mut self.fields[self.current];
        if field.columns[0].rows() < before {
            field.fill(before);
        }
    }

    fn extra(&mut self, _: &str) {
        self.is_wrong = true;
    }

    #[inline]
    fn put(&mut self, token: Token<'_>) {
        if self.fields[self.current].put(token).is_none() {
            self.is_wrong = true;
        }
    }

    fn end(&mut self) {}
}
