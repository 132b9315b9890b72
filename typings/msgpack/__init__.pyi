from collections.abc import Callable
from typing import Any

UnpackException: type[Exception]

class ExtType:
    code: int
    data: bytes
    def __init__(self, code: int, data: bytes) -> None: ...

class Timestamp:
    seconds: int
    nanoseconds: int
    def __init__(self, seconds: int, nanoseconds: int = 0) -> None: ...

class Unpacker:
    def __init__(self, *, max_buffer_size: int = ...) -> None: ...
    def feed(self, next_bytes: bytes, /) -> None: ...
    def read_array_header(self) -> int: ...
    def skip(self) -> None: ...
    def tell(self) -> int: ...

def packb(o: object, /, *, datetime: bool = ...) -> bytes: ...
def unpackb(
    packed: bytes | bytearray | memoryview,
    /,
    *,
    timestamp: int = ...,
    object_pairs_hook: Callable[[list[tuple[Any, Any]]], object] | None = ...,
    ext_hook: Callable[[int, bytes], object] = ...,
) -> Any: ...
