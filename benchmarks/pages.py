"""Measurements on the pages of docs."""


def put_between(file, begin, end, text):
    """Put a text between two marks of a page, in place of what stands there.

    Parameters
    ----------
    file : pathlib.Path
    begin, end : str
        The first stands in the page once.
    text : str

    Raises
    ------
    ValueError
        When a mark is not there.
    """
    before, rest = file.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end, 1)
    file.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
