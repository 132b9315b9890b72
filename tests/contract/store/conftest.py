"""A fresh store of every kind, for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stores.influxdb import InfluxServer
from tests.support.stores.kinds import ArcticStore, InfluxStore, ParquetStore, Store


@pytest.fixture(autouse=True)
def _forget_classes(classes_are_forgotten: None) -> None:
    """Classes that a test defines are not known to others."""


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """One server for all tests here; each has a database of its own."""
    server = InfluxServer(tmp_path_factory.mktemp("influx"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["parquet", "influx", "arctic"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """The store that is tested."""
    if request.param == "influx":
        return InfluxStore(request.getfixturevalue("influx_server"))
    if request.param == "arctic":
        return ArcticStore(tmp_path / "store")
    return ParquetStore(tmp_path / "store")
