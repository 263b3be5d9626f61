"""Mask personal data: addresses and numbers become the typed tokens that they are to a model anyway.

The predictions for a masked text are those for the text itself: ``tokens(mask(text)) == tokens(text)``. So logs, tables
and pages can be masked, and be training data again. Names stay, and so does what only a person would recognise.
"""

import re
import unicodedata

from chatkit.text.tokens import ADDRESS, CLOSING, NUMBER, has_mark, places, straight, typed

SHOWN = 140  # characters of a message in a report
_GOES_ON = re.compile(rf"{CLOSING}?@|://")  # what makes an address of a word in front of it


def mask(text):
    """Replace addresses, amounts, dates and other numbers by typed tokens.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Without a decimal digit or an address; all else is as it was. To mask it again changes nothing. A space parts
        a token from what would become a part of it.

    Examples
    --------
    >>> mask("Card 4921, I paid $20.50 on 3/4; write to Me@bank.example.")
    'Card _number_, I paid _money_ on _date_; write to _email_.'
    >>> mask("IBAN DE89 3704 0044")
    'IBAN DE _number_ _number_ _number_'
    """
    return "".join([written for _, _, written in pieces(text)])


def excerpt(text, length=SHOWN):
    r"""Mask a message for a report and shorten it, on one line.

    Parameters
    ----------
    text : str
    length : int, default=140
        Most characters.

    Returns
    -------
    str

    Examples
    --------
    >>> excerpt("Lost card\nIt ends in 4921.")
    'Lost card It ends in _number_.'
    >>> excerpt("Lost card", 6)
    'Lost …'
    """
    text = mask(" ".join(text.split()))
    return text if len(text) <= length else f"{text[: length - 1]}…"


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
    cut, done = [], 0
    for start, end, kinds in _find_in_ascii(text) if text.isascii() else _find_by_places(text):
        if start > done:
            cut.append((done, start, text[done:start]))
        # A token is not to grow together with what is beside it, nor to become an address with it.
        before = " " if cut and _joins_behind(cut[-1][2]) else ""
        after = " " if end < len(text) and _joins_before(text[end : end + len("://")]) else ""
        cut.append((start, end, f"{before}{kinds}{after}"))
        done = end
    if done < len(text):
        cut.append((done, len(text), text[done:]))
    return cut


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
    text, start, found = straight(text), 0, []
    for address in ADDRESS.finditer(text) if has_mark(text.lower()) else ():
        found += _numbers(text, start, address.start())
        found.append((*address.span(), f"_{address.lastgroup}_"))
        start = address.end()
    return found + _numbers(text, start, len(text))


def _numbers(text, start, end):
    return [(*number.span(), typed(number[0])) for number in NUMBER.finditer(text, start, end)]


def _find_by_places(text):
    """The same for any text."""
    # Tokens that come from one character, such as those of ½, go together: a list that grows, since many may hang on
    # each other.
    groups = []  # start, end, typed tokens, and whether to hide them
    for token, start, end in places(text):
        kind = typed(token)
        if not groups or start >= groups[-1][1]:
            groups.append([start, end, [], False])
        group = groups[-1]
        group[1] = max(end, group[1])
        group[2].append(kind)
        # A text that has been masked has _email_ in it: that is no address.
        group[3] |= kind != token or (token in {"_url_", "_email_"} and text[start:end] != token)
    return [(start, end, " ".join(kinds)) for start, end, kinds, hidden in groups if hidden]
