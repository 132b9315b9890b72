"""The parts of ArcticEventWriter and ArcticEventReader: columns, and the library that holds them."""

from importlib.util import find_spec

if find_spec("arcticdb") is None:
    raise ImportError(
        "a store in ArcticDB needs the package arcticdb: pip install 'trading-events[arcticdb]'", name="arcticdb"
    )
