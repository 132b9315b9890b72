from typing import Any

class WritePayload:
    data: Any
    def __init__(self, symbol: str, data: Any, metadata: Any = ...) -> None: ...
