//! Values as JSON text, as Pydantic writes it.

use super::{FieldType, Refused, decimal};
use crate::codec::MAX_DEPTH;
use crate::codec::hex::digits_of;
use crate::codec::msgpack::MsgpackSource;
use crate::codec::token::{Source as _, Token};

impl FieldType {
    /// Appends the text of a value whose first token has been read.
    pub(super) fn write_json(
        &self,
        token: &Token<'_>,
        source: &mut MsgpackSource<'_>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        if depth > MAX_DEPTH {
            return Err(Refused);
        }
        match (self, token) {
            (Self::None | Self::Optional(_), Token::None) => out.extend_from_slice(b"null"),
            (Self::Optional(inner), token) => inner.write_json(token, source, depth, out)?,
            (Self::Json, Token::Map(count)) => write_map(*count, source, depth, out)?,
            (Self::List(inner, limits), Token::List(count)) if limits.hold_length(*count) => {
                write_list(*count, source, out, |token, source, out| inner.write_json(token, source, depth + 1, out))?;
            }
            (Self::Tuple(parts), Token::List(count)) if parts.len() == *count => {
                let mut parts = parts.iter();
                write_list(*count, source, out, |token, source, out| {
                    parts.next().ok_or(Refused)?.write_json(token, source, depth + 1, out)
                })?;
            }
            (Self::Model(fields), Token::Map(count)) if fields.len() == *count => {
                write_model(fields, source, depth, out)?;
            }
            (Self::Decimal(limits), token) => {
                out.push(b'"');
                decimal(limits, token)?.write(out);
                out.push(b'"');
            }
            (Self::Text(text), Token::Text(found)) if text.holds(found) => write_text(found, out),
            (Self::Choice(choices), token) if choices.iter().any(|choice| choice.is(token)) => write_plain(token, out)?,
            (Self::Int(limits), Token::Int(int)) if limits.hold_int(*int) => write_plain(token, out)?,
            (Self::Float(limits), Token::Float(float)) if limits.hold_float(*float) => write_plain(token, out)?,
            (Self::Bool, Token::Bool(_)) => write_plain(token, out)?,
            _ => return Err(Refused),
        }
        Ok(())
    }
}

fn write_model(
    fields: &[(String, FieldType)],
    source: &mut MsgpackSource<'_>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    out.push(b'{');
    for (index, (name, field_type)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match source.next()? {
            Token::Text(found) if found == name => write_text(name, out),
            _ => return Err(Refused),
        }
        out.push(b':');
        let token = source.next()?;
        field_type.write_json(&token, source, depth + 1, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_list<'a>(
    count: usize,
    source: &mut MsgpackSource<'a>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(&Token<'a>, &mut MsgpackSource<'a>, &mut Vec<u8>) -> Result<(), Refused>,
) -> Result<(), Refused> {
    out.push(b'[');
    for index in 0..count {
        if index > 0 {
            out.push(b',');
        }
        let token = source.next()?;
        write(&token, source, out)?;
    }
    out.push(b']');
    Ok(())
}

/// Appends a map of plain values. One with a repeated name is refused, because it would not come back as it is.
fn write_map(count: usize, source: &mut MsgpackSource<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), Refused> {
    let mut names = Vec::new();
    out.push(b'{');
    for index in 0..count {
        if index > 0 {
            out.push(b',');
        }
        let Token::Text(name) = source.next()? else { return Err(Refused) };
        if names.contains(&name) || names.len() > MOST_NAMES {
            return Err(Refused);
        }
        names.push(name);
        write_text(name, out);
        out.push(b':');
        let token = source.next()?;
        write_any(&token, source, depth + 1, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// Number of names in a map up to which it is not left to the class.
const MOST_NAMES: usize = 64;

fn write_any(
    token: &Token<'_>,
    source: &mut MsgpackSource<'_>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    if depth > MAX_DEPTH {
        return Err(Refused);
    }
    match token {
        Token::Map(count) => write_map(*count, source, depth, out),
        Token::List(count) => {
            write_list(*count, source, out, |token, source, out| write_any(token, source, depth + 1, out))
        }
        token => write_plain(token, out),
    }
}

fn write_plain(token: &Token<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    match token {
        Token::None => out.extend_from_slice(b"null"),
        Token::Bool(true) => out.extend_from_slice(b"true"),
        Token::Bool(false) => out.extend_from_slice(b"false"),
        Token::Int(int) => out.extend_from_slice(int.to_string().as_bytes()),
        Token::Unsigned(int) => out.extend_from_slice(int.to_string().as_bytes()),
        Token::Float(float) if float.is_finite() => write_float(*float, out),
        Token::Text(text) => write_text(text, out),
        _ => return Err(Refused),
    }
    Ok(())
}

/// Appends the shortest digits that come back as the same number, with an exponent instead of many zeros.
fn write_float(float: f64, out: &mut Vec<u8>) {
    let is_plain = float == 0.0 || (1e-5..1e16).contains(&float.abs());
    // Rust's own limit for exponents is 1e-4.
    let text = if is_plain && float.fract() != 0.0 { format!("{float}") } else { format!("{float:?}") };
    out.extend_from_slice(text.as_bytes());
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits_of(byte));
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
