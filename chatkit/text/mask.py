"""Hide what tells who somebody is: addresses and numbers, as the tokens that they are to a model anyway.

A model says of a masked text what it says of the text itself: ``tokens(mask(text)) == tokens(text)``. So logs, tables
and pages can be masked, and come back as training data. Names stay, and so does what only a person would recognise.
"""

from chatkit.text.tokens import ADDRESS, NUMBER, has_mark, places, straight, typed

SHOWN = 140  # characters of a message in a report


def mask(text):
    """Write typed tokens in the place of addresses, amounts, dates and other numbers.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Without a digit or an address; all else is as it was. To mask it again changes nothing. A space parts a token
        from what would become a part of it.

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
    list of (str, int, str)
        In order, without a gap: start, end, and what is written there.

    Examples
    --------
    >>> pieces("Card AB49.")
    [(0, 7, 'Card AB'), (7, 9, ' _number_'), (9, 10, '.')]
    """
    cut, done = [], 0
    for start, end, kinds in _found(text):
        if start > done:
            cut.append((done, start, text[done:start]))
        # A token is not to grow together with what is beside it, nor to become an address with it.
        last = cut[-1][2][-1] if cut else " "
        before = " " if last == "@" or _joins(last) else ""
        after = " " if text.startswith("://", end) or _joins(text[end : end + 1] or " ") else ""
        cut.append((start, end, f"{before}{kinds}{after}"))
        done = end
    if done < len(text):
        cut.append((done, len(text), text[done:]))
    return cut


def _joins(neighbour):
    """Whether a word may go on with a character; all that is not ASCII is taken for such a one."""
    return neighbour.isalnum() or neighbour in "_'`" or not (neighbour.isascii() or neighbour.isspace())


def _found(text):
    """Start, end and typed tokens of what is to be masked, in order."""
    return _found_in_ascii(text) if text.isascii() else _found_by_places(text)


def _found_in_ascii(text):
    # To normalise such a text does not change its length: nothing has to be followed through.
    text, start, found = straight(text), 0, []
    for address in ADDRESS.finditer(text) if has_mark(text.lower()) else ():
        found += _numbers(text, start, address.start())
        found.append((*address.span(), f"_{address.lastgroup}_"))
        start = address.end()
    return found + _numbers(text, start, len(text))


def _numbers(text, start, end):
    return [(*number.span(), typed(number[0])) for number in NUMBER.finditer(text, start, end)]


def _found_by_places(text):
    groups = []
    for token, start, end in places(text):
        kind = typed(token)
        hidden = kind != token or (token in {"_url_", "_email_"} and text[start:end] != token)
        # Tokens that come from one character, such as those of ½, go together.
        if groups and start < groups[-1][1]:
            first, last, kinds, others = groups.pop()
            groups.append((first, max(last, end), f"{kinds} {kind}", hidden or others))
        else:
            groups.append((start, end, kind, hidden))
    return [(start, end, kinds) for start, end, kinds, hidden in groups if hidden]
