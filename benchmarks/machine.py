"""On what it was measured."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

PROCESS = Path("/proc/self")


def describe_machine() -> str:
    """A sentence with the processor, the interpreter and the day."""
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores of {_processor()}, with "
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} and asyncio's own loop."
    )


def resident_bytes() -> int:
    """The memory that this process holds now."""
    return _status_bytes("VmRSS")


def peak_resident_bytes() -> int:
    """The most that it has held since `forget_peak`."""
    return _status_bytes("VmHWM")


def forget_peak() -> None:
    """Begins a new peak."""
    (PROCESS / "clear_refs").write_text("5", encoding="ascii")


def _status_bytes(name: str) -> int:
    return int(_facts(PROCESS / "status")[name].removesuffix("kB")) * 1024


def _processor() -> str:
    facts = _facts(Path("/proc/cpuinfo"))
    return f"{facts['model name']} (family {facts['cpu family']}, model {facts['model']})"


def _facts(file: Path) -> dict[str, str]:
    lines = (line.partition(":") for line in file.read_text(encoding="utf-8").splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}
