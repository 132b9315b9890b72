//! The first tokens of values, which identify the members of a union.

use trading_events_core::codec::Token;

use super::Shape;

impl Shape {
    /// The kinds of tokens that its values may begin with, as bits.
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

    /// Tells if a value may begin with a token.
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

/// Tells if the first token of a value identifies its shape.
pub(super) fn are_distinguishable(members: &[Shape]) -> bool {
    let mut seen = 0;
    members.iter().all(|member| {
        let own = member.tokens();
        let apart = own & seen == 0;
        seen |= own;
        apart
    })
}
