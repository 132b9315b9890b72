"""Suggestions for names that nothing has, as when one is mistyped."""

from collections.abc import Iterable
from difflib import get_close_matches

_SIMILARITY = 0.65
_MOST = 3


def suggest(name: str, known: Iterable[str]) -> str:
    """`; did you mean trade or trades?` with the known names nearest to one, or nothing where none is near."""
    spellings = {_plain(each): each for each in sorted(known, reverse=True)}
    plain = _plain(name)
    found = [plain] if plain in spellings else get_close_matches(plain, spellings, n=_MOST, cutoff=_SIMILARITY)
    near = [spellings[each] for each in found]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _plain(name: str) -> str:
    """A name without what people spell differently: case and separators."""
    return "".join(filter(str.isalnum, name)).casefold() or name
