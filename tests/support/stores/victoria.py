"""VictoriaMetrics, which takes what is meant for InfluxDB 2, and keeps of it the numbers, and times in milliseconds."""

import json
from typing import NamedTuple
from urllib.parse import quote

from tests.support.stores.process import ServerProcess


class Sample(NamedTuple):
    """A number."""

    name: str
    exchange: str
    symbol: str
    time_ms: int
    value: float


class VictoriaServer(ServerProcess):
    """A server of VictoriaMetrics."""

    program = "victoria-metrics"
    package = "victoria-metrics"
    health = "/health"

    def command(self) -> list[str]:
        return [f"-httpListenAddr=127.0.0.1:{self.port}", f"-storageDataPath={self.folder}", "-retentionPeriod=100y"]

    def samples(self) -> list[Sample]:
        """Every number that it has."""
        self.request("GET", "/internal/force_flush")
        selector = quote('{__name__!=""}')
        text = self.request("GET", f"/api/v1/export?match[]={selector}").decode()
        found: list[Sample] = []
        for line in map(json.loads, filter(None, text.split("\n"))):
            metric = line["metric"]
            place = metric["__name__"], metric.get("exchange", ""), metric.get("symbol", "")
            found += [Sample(*place, *sample) for sample in zip(line["timestamps"], line["values"], strict=True)]
        return sorted(found)
