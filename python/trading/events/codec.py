"""Events as bytes and back, exactly.

The bytes are msgpack, which any msgpack library reads; `docs/wire-format.md` says what stands in them. Nothing that is
read is trusted: whatever bytes are given, the answer is an event or an EventDecodeError.
"""

from trading.events._core import decode_batch, decode_event, encode_batch, encode_event
from trading.events.description import describe

__all__ = ["decode_batch", "decode_event", "describe", "encode_batch", "encode_event"]
