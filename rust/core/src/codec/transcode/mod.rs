//! From msgpack straight to columns, without an event in between.
//!
//! A [`Transcoder`] accepts less than its class does. What it refuses may still be an event, so the caller then asks
//! the class. What it accepts gives the same columns as the event itself.

mod field_type;
mod json;

pub use field_type::{Check, Choice, FieldType, Text};

use std::mem;

use super::columns::{ColumnSink, Form};
use super::decimal::{Decimal, Parsed};
use super::hex::hex_of;
use super::layout::Layout;
use super::msgpack::MsgpackSource;
use super::token::{Key, Sink as _, Source as _, Token};

/// One field of a class.
#[derive(Debug)]
pub struct Field {
    /// Its type.
    pub field_type: FieldType,
    /// Form of its values in columns.
    pub form: Form,
}

/// Transcodes the events of one class to columns.
#[derive(Debug)]
pub struct Transcoder {
    layout: Layout,
    fields: Vec<Field>,
    places: Vec<usize>,
    type_index: Option<usize>,
    metadata_index: Option<usize>,
}

/// Columns that are being written for the events of one class.
#[derive(Debug)]
pub struct Transcription<'a> {
    transcoder: &'a Transcoder,
    sink: ColumnSink,
    /// Fields of the current event found so far.
    found: Vec<bool>,
    json: Vec<u8>,
}

/// The event is to be read by its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

impl From<super::DecodeError> for Refused {
    fn from(_: super::DecodeError) -> Self {
        Self
    }
}

impl Transcoder {
    /// A transcoder for the class of an event type, with these fields and no others.
    #[must_use]
    pub fn new(event_type: &str, names: &[String], fields: Vec<Field>) -> Self {
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        Self {
            layout: Layout::new(event_type, names),
            places: (0..fields.len()).collect(),
            fields,
            type_index: place("event_type"),
            metadata_index: place("metadata"),
        }
    }

    /// Begins columns with room for so many events.
    #[must_use]
    pub fn begin(&self, rows: usize) -> Transcription<'_> {
        let mut sink = ColumnSink::with_capacity(rows);
        for field in &self.fields {
            sink.add(field.form);
        }
        sink.select(&self.places);
        Transcription { transcoder: self, sink, found: vec![false; self.fields.len()], json: Vec::new() }
    }
}

impl Transcription<'_> {
    /// Adds an event.
    ///
    /// # Errors
    ///
    /// It is refused; its row in the columns is meaningless.
    pub fn push(&mut self, event: &[u8]) -> Result<(), Refused> {
        let Transcoder { layout, type_index, metadata_index, .. } = self.transcoder;
        self.sink.begin(layout, 0);
        self.found.fill(false);
        let mut source = MsgpackSource::new(event);
        if source.begin()?.event_type != layout.event_type() {
            return Err(Refused);
        }
        while let Some(key) = source.next_key(layout)? {
            match key {
                Key::Field(index) => self.push_field(index, &mut source)?,
                Key::Extra(_) | Key::Extras => source.skip()?,
            }
        }
        source.finish()?;
        for (index, text) in [(*type_index, layout.event_type()), (*metadata_index, "{}")] {
            if let Some(index) = index.filter(|index| !self.found[*index]) {
                self.found[index] = true;
                self.sink.field(layout, index);
                self.sink.put(Token::Text(text));
            }
        }
        if self.found.iter().all(|found| *found) { Ok(()) } else { Err(Refused) }
    }

    /// Bytes of the longest column of texts.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.sink.text_bytes()
    }

    /// The columns of each field, or `None` if a value did not fit.
    #[must_use]
    pub fn finish(self) -> Option<Vec<(Form, Vec<super::columns::Column>)>> {
        self.sink.finish()
    }

    fn push_field(&mut self, index: usize, source: &mut MsgpackSource<'_>) -> Result<(), Refused> {
        let field = &self.transcoder.fields[index];
        if mem::replace(&mut self.found[index], true) {
            return Err(Refused);
        }
        self.sink.field(&self.transcoder.layout, index);
        if field.form != Form::Json && self.push_common(&field.field_type, source)? {
            return Ok(());
        }
        let token = source.next()?;
        if field.form == Form::Json {
            let is_empty = token == Token::None;
            self.json.clear();
            field.field_type.write_json(&token, source, 0, &mut self.json)?;
            let text = std::str::from_utf8(&self.json).map_err(|_| Refused)?;
            self.sink.put(if is_empty { Token::None } else { Token::Text(text) });
            return Ok(());
        }
        put(&field.field_type, token, &mut self.sink)
    }

    /// Fast path for the commonest values of the commonest types. Returns false if the value is still to be read.
    #[inline]
    fn push_common(&mut self, field_type: &FieldType, source: &mut MsgpackSource<'_>) -> Result<bool, Refused> {
        match field_type {
            FieldType::Optional(inner) => return self.push_common(inner, source),
            FieldType::Moment => match source.short_moment() {
                Some(micros) => self.sink.put(Token::Moment(micros)),
                None => return Ok(false),
            },
            FieldType::Text(_) | FieldType::Decimal(_) => match source.short_text() {
                Some(text) => put(field_type, Token::Text(text), &mut self.sink)?,
                None => return Ok(false),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn put(field_type: &FieldType, token: Token<'_>, sink: &mut ColumnSink) -> Result<(), Refused> {
    match (field_type, token) {
        (FieldType::Optional(_) | FieldType::None, Token::None) => sink.put(Token::None),
        (FieldType::Optional(inner), token) => return put(inner, token, sink),
        (FieldType::Decimal(limits), token) => sink.put(Token::Decimal(decimal(limits, &token)?)),
        (FieldType::Text(text) | FieldType::Id(text), Token::Text(found)) if text.holds(found) => sink.put(token),
        (FieldType::Id(_), Token::Bytes(bytes)) => {
            let digits = hex_of(bytes.try_into().map_err(|_| Refused)?);
            sink.put(Token::Text(std::str::from_utf8(&digits).map_err(|_| Refused)?));
        }
        (FieldType::Bool, Token::Bool(_)) | (FieldType::Moment, Token::Moment(_)) => sink.put(token),
        (FieldType::Int(limits), Token::Int(int)) if limits.hold_int(int) => sink.put(token),
        (FieldType::Float(limits), Token::Float(float)) if limits.hold_float(float) => sink.put(token),
        (FieldType::Choice(choices), token) if choices.iter().any(|choice| choice.is(&token)) => sink.put(token),
        _ => return Err(Refused),
    }
    Ok(())
}

/// The decimal in a text, if it is within the limits.
fn decimal(limits: &super::limits::Limits, token: &Token<'_>) -> Result<Decimal, Refused> {
    let Token::Text(text) = token else { return Err(Refused) };
    match Decimal::parse(text) {
        Some(Parsed::Decimal(found)) if limits.hold_sign(found.negative, found.mantissa == 0) => Ok(found),
        _ => Err(Refused),
    }
}
