"""Nothing is measured on a debug build."""

from trading.events import _core


def refuse_debug_build() -> None:
    """Ends the program, with the way out, where the native module was built without optimisation."""
    if _core.DEBUG_BUILD:
        raise SystemExit("trading.events._core is a debug build, on which nothing may be measured: make build")
