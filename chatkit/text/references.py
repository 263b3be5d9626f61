"""HTML's references to characters, such as ``&nbsp;`` and ``&#39;``: other ways to write a character."""

import re
from html import unescape
from html.entities import html5

_LONGEST = max(map(len, html5))
_BY_NUMBER = re.compile(r"#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6})")


def has_reference(text):
    """Whether a text may hold a reference; most do not."""
    return "&" in text and ";" in text


def dereference(text):
    """Put characters in the place of all references, also of those that come about by it, in linear time.

    Parameters
    ----------
    text : str

    Returns
    -------
    text : str
    spans : list of (int, int)
        For each of its characters the first that it comes from and the one after the last.

    Examples
    --------
    >>> dereference("it&#39;s &amp;lt;")[0]
    "it's <"
    """
    characters, spans, at = [], [], 0
    *closed, rest = text.split(";")
    for part in closed:
        characters += part
        spans += zip(range(at, at + len(part)), range(at + 1, at + len(part) + 1), strict=True)
        at += len(part) + 1
        meaning, start = ";", at - 1
        # A reference ends with a semicolon, so only another one can make a reference of what is already there.
        while meaning == ";":
            tail = "".join(characters[-_LONGEST:])
            size = len(tail) - tail.rfind("&")
            found = _character(tail[1 - size :]) if size <= len(tail) and size > 1 else None
            if found is None:
                break
            meaning, start = found, spans[-size][0]
            del characters[-size:], spans[-size:]
        characters += meaning
        spans += [(start, at)] * len(meaning)
    characters += rest
    spans += zip(range(at, len(text)), range(at + 1, len(text) + 1), strict=True)
    return "".join(characters), spans


def _character(name):
    """What a reference stands for, None for a name that there is not; a space may be broken in HTML only."""
    meaning = unescape(f"&{name};") if _BY_NUMBER.fullmatch(name) else html5.get(f"{name};")
    return meaning and meaning.replace("\xa0", " ")
