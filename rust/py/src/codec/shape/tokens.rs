//! The tokens that values of a shape begin with, by which a reader tells the members of a union apart.

use trading_events_core::codec::Token;

use super::Shape;

impl Shape {
    /// The kinds of tokens that its values begin with, as bits.
    fn tokens(&self) -> u16 {
        const EVERY: u16 = u16::MAX;
        match self {
            Self::None => 1,
            Self::Bool => 2,
            Self::Int(_) | Self::Timedelta => 4,
            Self::Float(_) => 8,
            Self::Text(_) | Self::Decimal(_) | Self::Date | Self::Time => 16,
            Self::Bytes(_) | Self::Uuid => 32,
            Self::Moment => 64,
            Self::Datetime => 16 | 64,
            Self::Id(_) => 16 | 32,
            Self::List(..) | Self::TupleOf(..) | Self::Tuple(_) => 128,
            Self::Metadata | Self::Model(_) => 256,
            Self::Dict(parts, _) => {
                if matches!(parts.0, Self::Text(_)) {
                    256
                } else {
                    128
                }
            }
            Self::Optional(inner) => 1 | inner.tokens(),
            Self::Checked(inner, _) | Self::Proven { inner, .. } => inner.tokens(),
            Self::Any
            | Self::Json
            | Self::Literal(_)
            | Self::Enum { .. }
            | Self::Union { .. }
            | Self::Pydantic { .. }
            | Self::Unstorable(_) => EVERY,
        }
    }

    /// Whether a token may begin one of its values.
    pub(crate) fn may_begin_with(&self, token: &Token<'_>) -> bool {
        let bit = match token {
            Token::None => 1,
            Token::Bool(_) => 2,
            Token::Int(_) | Token::Unsigned(_) | Token::BigInt(_) => 4,
            Token::Float(_) => 8,
            Token::Text(_) | Token::Name(_) | Token::Decimal(_) => 16,
            Token::Bytes(_) | Token::Id(_) => 32,
            Token::Moment(_) => 64,
            Token::List(_) => 128,
            Token::Map(_) => 256,
        };
        self.tokens() & bit != 0
    }
}

/// Whether the first token of a value says which of the shapes it has.
pub(super) fn are_told_apart(members: &[Shape]) -> bool {
    let mut seen = 0;
    members.iter().all(|member| {
        let own = member.tokens();
        let apart = own & seen == 0;
        seen |= own;
        apart
    })
}
