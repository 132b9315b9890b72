"""Tables that are written into a document, between markers."""

import re


def replace_between_markers(document: str, text: str, *, name: str) -> str:
    """The document with this text between `<!-- name: begin -->` and `<!-- name: end -->`.

    Raises:
        ValueError: The document does not hold these markers once.
    """
    markers = re.compile(rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", re.DOTALL)
    written, count = markers.subn(lambda found: f"{found[1]}{text}\n{found[2]}", document)
    if count != 1:
        raise ValueError(f"the document must hold `<!-- {name}: begin -->` and `<!-- {name}: end -->` once")
    return written
