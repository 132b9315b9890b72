"""The part of ArcticDB that trading.events uses."""

from typing import Any

from arcticdb import exceptions as exceptions

class Arctic:
    def __init__(self, uri: str) -> None: ...
    def list_libraries(self) -> list[str]: ...
    def get_library(self, name: str, create_if_missing: bool = ...) -> Any: ...
