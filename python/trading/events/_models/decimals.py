"""The decimal contexts that this package calculates in. The program's own context is left to the program."""

from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, DecimalException, InvalidOperation


def own_context(precision: int, *traps: type[DecimalException]) -> Context:
    """A context of which nothing is left to `decimal.DefaultContext`, which programs may change."""
    return Context(
        prec=precision,
        rounding=ROUND_HALF_EVEN,
        Emin=MIN_EMIN,
        Emax=MAX_EMAX,
        capitals=1,
        clamp=0,
        flags=[],
        traps=list(traps),
    )


WIDE = own_context(1000, InvalidOperation)
"""Adds and multiplies without rounding, reads texts, and writes them as `str` does by default."""
