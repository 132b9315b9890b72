from typing import Any

UnpackException: type[Exception]

class ExtType:
    code: int
    data: bytes

class Timestamp:
    seconds: int
    nanoseconds: int

def packb(o: object, /) -> bytes: ...
def unpackb(packed: bytes | bytearray | memoryview, /) -> Any: ...
