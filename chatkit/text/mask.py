"""Mask personal data: addresses, numbers and ids become the typed tokens that they are to a model anyway.

The predictions for a masked text are those for the text itself: ``tokens(mask(text)) == tokens(text)``. So logs, tables
and pages can be masked, and be training data again. Names stay, and so does what only a person would recognise.
"""

import re
import unicodedata
from bisect import bisect_left

from chatkit.text.references import dereference, has_reference
from chatkit.text.scripts import without_halves
from chatkit.text.tokens import ADDRESSES, CLOSING, NUMBER, cut, has_mark, locate, plain, typed

_GOES_ON = re.compile(rf"{CLOSING}?@|://")  # what makes an address of a word in front of it


def mask(text):
    """Replace addresses, amounts, dates, other numbers and ids by typed tokens.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Without a decimal digit or an address, and with the characters that HTML's references such as ``&#39;`` stand
        for; all else is as it was, but for half an emoji, which becomes �. To mask it again changes nothing. A space
        parts a token from what would become a part of it.

    Examples
    --------
    >>> mask("Card 4921, I paid $20.50 on 3/4; write to Me@bank.example.")
    'Card _number_, I paid _money_ on _date_; write to _email_.'
    >>> mask("IBAN BE68 5390 0754 7034, @anna")
    'IBAN _number_ _number_ _number_ _number_, _handle_'
    """
    text = dereference(text)[0] if has_reference(text) else text
    return without_halves("".join([written for _, _, written in pieces(text)]))


def pieces(text):
    """Cut a text into what is kept and what is masked.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of (int, int, str)
        In order, without a gap: start, end, and what is written there.

    Examples
    --------
    >>> pieces("Card AB49.")
    [(0, 7, 'Card AB'), (7, 9, ' _number_'), (9, 10, '.')]
    """
    done, parts = 0, []
    plain_ascii = text.isascii() and not has_reference(text)
    for start, end, written in _find_in_ascii(text) if plain_ascii else _find_in_any(text):
        if start > done:
            parts.append((done, start, text[done:start]))
        # A token is not to grow together with what is beside it, nor to become an address with it.
        before = " " if parts and written[0] == "_" and _joins_behind(parts[-1][2]) else ""
        after = " " if end < len(text) and written[-1] == "_" and _joins_before(text[end : end + len("://")]) else ""
        parts.append((start, end, f"{before}{written}{after}"))
        done = end
    if done < len(text):
        parts.append((done, len(text), text[done:]))
    return parts


def _joins_behind(text):
    """Whether a token may become a part of the last word of a text, or an address with it."""
    if text[-1].isspace():
        return False
    return _in_words(text[-1]) or has_mark(unicodedata.normalize("NFKC", text.rsplit(None, 1)[-1]).lower())


def _joins_before(text):
    """Whether a token may become a part of the first word of a text, or an address with it."""
    return _in_words(text[0]) or _GOES_ON.match(unicodedata.normalize("NFKC", text)) is not None


def _in_words(character):
    """Whether a word may go on with a character; all that is not ASCII is taken for such a one."""
    return character.isalnum() or character in "_'`" or not (character.isascii() or character.isspace())


def _find_in_ascii(text):
    """Start, end and typed tokens of what is to be masked, in order; normalising such a text keeps its length."""
    text = plain(text)
    for start, end, kind in cut(text):
        numbers = ((*number.span(), typed(number[0])) for number in NUMBER.finditer(text, start, end))
        yield from [(start, end, kind)] if kind else numbers


def _find_in_any(text):
    """The same for any text."""
    normal, spans, found = locate(text)
    # Tokens that come from one character, such as those of ½, go together: a list that grows, since many may hang on
    # each other.
    groups = []  # start, end, tokens with their places in the normalised text, and whether one of them is hidden
    for token, first, last in found:
        start, end, kind = spans[first][0], spans[last - 1][1], typed(token)
        # A text that has been masked has _email_ in it: that is no address.
        hidden = kind != token or (token in ADDRESSES and text[start:end].lower() != token)
        if not groups or start >= groups[-1][1]:
            groups.append([start, end, [], False])
        group = groups[-1]
        group[1] = max(end, group[1])
        group[2].append((kind, first, last, hidden))
        group[3] |= hidden
    return [(start, end, _write(normal, spans, start, end, group)) for start, end, group, hidden in groups if hidden]


def _write(normal, spans, start, end, group):
    """Write a group of tokens; beside a word also marks, since an address could be what is left without them."""
    if all(hidden for *_, hidden in group):
        return " ".join([kind for kind, *_ in group])
    at, stop = bisect_left(spans, (start,)), bisect_left(spans, (end,))
    written = []
    for kind, first, last, hidden in group:
        after = " " if last < stop and _joins_before(normal[last : last + len("://")]) else ""
        written += normal[at:first], f" {kind}{after}" if hidden else kind
        at = last
    return "".join([*written, normal[at:stop]])
