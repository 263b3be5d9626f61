"""From a text to its tokens, and from a token to its words.

A text is split the same way whether it comes alone or among a million: `normalise` works on the whole text, and what
stands between two separators afterwards can be split on its own. `chatkit.text.batch` relies on this.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from chatkit.text.lemmatize import get_lemmatizer, languages_of
from chatkit.text.references import dereference, has_reference
from chatkit.text.scripts import INVISIBLE, MARKS, UNSPACED, UNSPACED_LETTER
from chatkit.text.stopwords import ENGLISH

# Between the parts of a message: a token that is in no term, so that no run of words crosses it. Like a letter it is no
# white space to Python, and in no text that people type; where a text has it, it only parts words.
BOUNDARY = "\x17"
# A number with what belongs to it: an amount, a date, a time. As it begins with one class of characters, and not with
# an optional sign, it is found several times as fast.
_AMOUNT = r"[$£€\d](?:(?<=\d)|(?=\d))\d*(?:[.,:/'-]\d+)*"
NUMBER = re.compile(rf"{_AMOUNT}\w*")
# A word has its apostrophes, and ends where a digit begins: AB4921 is a word and a number. So a digit that could tell
# who somebody is stands in a number, whatever is in front of it.
_TOKEN = re.compile(rf"[^\W\d]+(?:'[^\W\d]+)*|{NUMBER.pattern}|{BOUNDARY}")
# The same for any script: a letter has its marks, and one of a script without spaces is a word by itself, so that runs
# of words are runs of characters. ASCII has neither, and is split in less time without them.
_WORD, _TAIL = (rf"(?:[^\W{other}{UNSPACED}]++[{MARKS}]*+)" for other in (r"\d", ""))
_ANY_TOKEN = re.compile(rf"{_WORD}++(?:'{_WORD}++)*+|{_AMOUNT}{_TAIL}*+|(?=[^\W\d])[{UNSPACED}][{MARKS}]*+|{BOUNDARY}")
# Countries as ISO 3166 has them, and Kosovo.
_COUNTRY = (
    "A[D-GILMOQ-UWXZ]|B[ABD-JL-OQ-TVWYZ]|C[ACDF-IK-ORU-Z]|D[EJKMOZ]|E[CEGHRST]|F[IJKMOR]|G[ABD-ILMNP-UWY]|H[KMNRTU]|"
    "I[DEL-OQ-T]|J[EMOP]|K[EGHIMNPRWYZ]|L[ABCIKR-VY]|M[AC-HK-Z]|N[ACEFGILOPRUZ]|OM|P[AE-HK-NRSTWY]|QA|R[EOSUW]|"
    "S[A-EG-ORSTVXYZ]|T[CDFGHJ-ORTVWZ]|U[AGMSYZ]|V[ACEGINU]|W[FS]|XK|Y[ET]|Z[AMW]"
)
# An address ends at quotes and brackets, so that a message inside of code or data keeps its words; one of mail also at
# commas, colons and semicolons, as RFC 5322 has it, and behind its host; what is in front of the @ may stand in quotes
# or brackets, in quotes with spaces. It is looked for only where it can begin: to try each letter of a long run would
# take quadratic time. No address begins in what is left of a run that has one, wherever the run is cut.
_MAIL = r"""[^\s@<>()\[\]{}"“”„«»`,;:|\\]"""
_OPENING, CLOSING = r"""["“„«(\[{<]""", r"""["”»`)\]}>]"""
_QUOTED = r"""(?<!\w)["“„«][^\n@"“”„«»]{1,64}["”»]"""
_HOST = r"\w++(?:[.-]++\w++)*+"
# A host that is known by itself: what follows its last dot begins with two letters. No typed token is a part of one.
_DOTTED = r"(?:(?:-*+[^\W_]++)++\.)+[^\W\d_]{2}\w*+"
# Behind a full stop without a space stands any word, so where nothing else tells a host it ends as those of chats do.
_ENDING = (
    f"(?:com|org|net|edu|gov|mil|int|info|biz|app|dev|online|shop|eu|uk|example|test|local|internal|{_COUNTRY.lower()})"
)
_KNOWN = rf"(?:(?:-*+[^\W_]++)++\.)++{_ENDING}(?!\w)"
_URL = r"""[^\s<>\[\]{}"“”„«»`|\\]"""
# `chatkit.text.mask` puts typed tokens in the place of what is found. So that nothing else is found then, no @ with a
# letter behind it is left over; and an @ with a space behind it counts in front of such a host, whatever is before it.
# A web address begins behind any character of a script without spaces, and with none.
# With a space in front only it could be a handle: it is a host with a known ending, or what is before it is no word.
ADDRESS = re.compile(
    rf"(?<![^\W{UNSPACED}])(?![{UNSPACED}])"
    rf"(?P<url>(?:(?:\w++://|www\.){_URL}|(?<![.-]){_KNOWN}(?::\d{{1,5}})?/){_URL}*(?<![.,:;!?')]))"
    rf"|(?:(?P<email>(?:{_QUOTED}|{_OPENING}{_MAIL}++{CLOSING}|(?<!{_MAIL})(?:{_MAIL}++(?=@)|{_MAIL}*\w{CLOSING}))"
    rf"@++{_HOST}|(?:(?<!{_MAIL}){_MAIL}++|{_MAIL})(?<!_)(?:[ \t]*+@[ \t]++{_DOTTED}|[ \t]++@{_KNOWN})"
    rf"|(?<!{_MAIL})(?=[^\W\d_]*+[.\d_-])\w++(?:[.-]++\w++)*+(?<!_)[ \t]++@{_DOTTED}"
    rf"|(?<!{_MAIL}){_MAIL}*?[^\W_]%40{_DOTTED})|(?P<handle>@(?!\d){_HOST}))(?:{_MAIL}*+{CLOSING}?@++{_HOST})*+"
)
ADDRESSES = frozenset(f"_{kind}_" for kind in ADDRESS.groupindex)
_APART = ("@ ", "@\t", " @", "\t@", '"@', "”@", "»@")  # in an address with spaces
# What is written like a number, although it has letters: an IBAN in groups, with its bank's letters in the second at
# most, of 15 characters or, with these, 18; a run of letters and at least six digits, as the ids of many countries are.
_GROUP, _REST = r"(?: ?(?=[a-z]*\d)[a-z\d]{4})", r" ?(?=[a-z]*\d)[a-z\d]"
_CODE = re.compile(
    rf"()((?<![^\W{UNSPACED}])(?:{_COUNTRY.lower()})\d\d(?: ?[a-z]{{4}}(?={_GROUP}{{2}}{_REST}{{2}})"
    rf"|(?={_GROUP}{{2}}{_REST}{{3}})){_GROUP}{{2,7}}(?:{_REST}{{1,3}})?(?![^\W{UNSPACED}])"
    rf"|(?<![^\W_{UNSPACED}])(?<![{MARKS}])[^\W\d_{UNSPACED}]++(?=(?:\d[^\W\d_{UNSPACED}]*+){{6}})[^\W_{UNSPACED}]++)"
)
# A digit behind a letter is found fast; most of them begin no code.
_CODED = re.compile(r"\d(?<=[^\W\d_]\d)(?:(?:[^\W\d_]*+\d){5}|\d ?[a-z\d]{4} ?[a-z\d]{4})")
# A BIC is letters: they count behind its name on the same line, in capitals and with a country's code. SWIFT is a word
# too, and needs more; BIC IS REQUIRED is a sentence. Digits may follow, or a mask would make one of what is none.
_BIC = re.compile(
    r"(?<![A-Za-z0-9_])((?:(?ai:(?:(?:swift[ /(-]{1,2})?bic\)?(?:[ /(-]{1,2}swift\)?)?(?:[ -](?:code|number))?"
    r"|swift[ -](?:code|number)|swift(?= ?[:=])))(?: is)?)(?:[^\S\n]|[:=#\"'“„«(-]){1,6})"
    rf"([A-Z]{{4}}(?:{_COUNTRY})[A-Z0-9]{{2}}(?:[A-Z0-9]{{3}})?)(?![A-Za-z_])"
)
# Digits of living scripts, and numbers in circles, that NFKC leaves as they are.
_NUMERALS = re.compile("[\u1369-\u137c\u19da\u24eb-\u24ff\u2776-\u2793\u3248-\u324f\U0001f10b\U0001f10c]")
_ACCENTS = 30  # on one letter; no language has more (Unicode's UAX #15), and to sort them takes quadratic time
# What may be accents, in Unicode's blocks: letters of most scripts are left out, so that few texts are searched.
_CROWD = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0590-\u1fff\u20d0-\u20ff\u2c00-\u2fff\u302a-\u302f\u3099\u309a\ua66f-\uabff"
    f"\uf900-\U0010ffff]{{{_ACCENTS + 1}}}"
)
_BACKTICK = re.compile(rf"(?<=[\w{MARKS}])`(?=\w)")  # an apostrophe inside a word, else a quote
_IRREGULAR = {"can't": "can", "won't": "will", "shan't": "shall", "ain't": "is"}
# Written without the apostrophe in half of all chats; the negation must not be lost.
_BARE_NEGATIONS = frozenset(
    "dont doesnt didnt cant couldnt wont wouldnt isnt arent wasnt werent havent hasnt hadnt shouldnt".split()
)


def normalise(text):
    """Lower case, Unicode NFKC, straight apostrophes, addresses as typed tokens, IBANs, BICs and ids as digits.

    References of HTML such as ``&amp;`` are the characters that they stand for.

    Nothing depends on what stands elsewhere in the text, or for addresses, IBANs and BICs on another line: so it may be
    cut where tokens are separated, or a token be replaced by another.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> normalise("Mail ME@bank.example")
    'mail  _email_ '
    """
    text = plain(text)
    if has_mark(text):
        text = "".join([f" {kind} " if kind else text[start:end] for start, end, kind in cut(text)])
    return text


def cut(text):
    """Cut a text that is normalised otherwise at its addresses.

    Parameters
    ----------
    text : str

    Yields
    ------
    start, end : int
    kind : str or None
        The typed token of an address, None for what is in front of one or behind the last.
    """
    # To search the pieces that have a mark is several times as fast as the whole; few addresses have a space.
    between, at, done = "\n" if any(mark in text for mark in _APART) else " ", 0, 0
    for piece in text.split(between) if has_mark(text) else ():
        for address in ADDRESS.finditer(text, at, at + len(piece)) if has_mark(piece) else ():
            yield done, address.start(), None
            yield *address.span(), f"_{address.lastgroup}_"
            done = address.end()
        at += len(piece) + len(between)
    yield done, len(text), None


def plain(text):
    """Normalise all but addresses; a text in ASCII without HTML's references keeps its length."""
    if has_reference(text):
        text, _ = dereference(text)
    if not text.isascii():
        text = INVISIBLE.sub("", text.replace("İ", "I"))
    text = _bic_as_number(text).lower()
    if not text.isascii():
        if _CROWD.search(text):
            text = "".join([text[at] for at in _uncrowded(text)])
        # Compatibility characters such as ℡ become capitals, so lower case comes twice.
        text = unicodedata.normalize("NFKC", text).lower()
    return _even(text)


def _even(text):
    """Write one apostrophe, one small sigma (which of the two it is depends on its neighbours), codes as digits."""
    if "`" in text:
        text = _BACKTICK.sub("'", text)
    if not text.isascii():
        text = _NUMERALS.sub("0", text.replace("’", "'").replace("‘", "'").replace("ʼ", "'").replace("ς", "σ"))
    if _CODED.search(text):
        text = "\n".join([_CODE.sub(_as_number, line) if _CODED.search(line) else line for line in text.split("\n")])
    return text


def _as_number(code):
    return code[1] + re.sub(r"\w", "0", code[2])


def _bic_as_number(text):
    # Nearly all texts have neither word, and these are found faster than the pattern.
    small = text.lower()
    return _BIC.sub(_as_number, text) if "bic" in small or "swift" in small else text


def _uncrowded(text):
    """Positions of the characters, without accents that are too many for one letter."""
    positions, accents = [], 0
    for at, character in enumerate(text):
        accents = accents + 1 if _is_accent(character) else 0
        if accents <= _ACCENTS:
            positions.append(at)
    return positions


@lru_cache(maxsize=2**12)
def _is_accent(character):
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) > 0


def has_mark(text):
    """Whether a text in lower case may hold an address; most do not."""
    return "@" in text or "%40" in text or "www." in text or ("/" in text and ("." in text or "://" in text))


def split(text):
    """Tokens of a normalised text.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> split("i can't pay $1,250.50 - why?")
    ['i', "can't", 'pay', '$1,250.50', 'why']
    """
    if text.isascii():
        return [text] if text.isalpha() else _TOKEN.findall(text)
    return _ANY_TOKEN.findall(text)


def typed(token):
    """Return what a token counts as: amounts, dates and times, and other numbers count alike.

    Parameters
    ----------
    token : str
        Of `split`.

    Returns
    -------
    str

    Examples
    --------
    >>> [typed(token) for token in ["$1,250.50", "3/4", "10:30", "2nd", "card"]]
    ['_money_', '_date_', '_date_', '_number_', 'card']
    """
    if token[0] in "$£€":
        return "_money_"
    if token[0].isdecimal():
        return "_date_" if any(mark in token for mark in ":/-") else "_number_"
    return token


def tokens(text):
    """Tokens of a text as a model knows them, before words are replaced by their dictionary form.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> tokens("I can't find card AB4921, mail ME@bank.example")
    ['i', "can't", 'find', 'card', 'ab', '_number_', 'mail', '_email_']
    """
    return list(map(typed, split(normalise(text))))


def places(text):
    """Tokens of a text as it was written, and where each stands in it.

    To normalise a text changes its length: ℡ becomes three letters, a letter and its accent one, an address a token.
    Each character is followed through all of it.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of (str, int, int)
        The tokens that `split` gives for the normalised text, in order, each with the first character that it comes
        from and the one after the last. Two tokens may come from the same character, such as those of ½.

    Examples
    --------
    >>> places("Mail ME@bank.example")
    [('mail', 0, 4), ('_email_', 5, 20)]
    """
    _, spans, found = locate(text)
    return [(token, spans[start][0], spans[end - 1][1]) for token, start, end in found]


def locate(text):
    """Normalise a text but for addresses; say where each character comes from, and where each token stands in it."""
    text, spans = dereference(text)
    if not text.isascii():
        text = text.replace("İ", "I")
        kept = [at for at in range(len(text)) if not INVISIBLE.match(text, at)]
        text, spans = "".join([text[at] for at in kept]), [spans[at] for at in kept]
    text, spans = _lower(_bic_as_number(text), spans)
    if not text.isascii():
        if _CROWD.search(text):
            positions = _uncrowded(text)
            text, spans = "".join([text[at] for at in positions]), [spans[at] for at in positions]
        text, spans = _lower(*_compose(text, spans))
    text, found = _even(text), []
    for start, end, kind in cut(text):
        between = [(token[0], *token.span()) for token in _ANY_TOKEN.finditer(text, start, end)]
        found += [(kind, start, end)] if kind else between
    return text, spans, found


def _lower(text, spans):
    # Only the lower case of a sigma depends on its neighbours, and it is one character in any case.
    return text.lower(), [span for character, span in zip(text, spans, strict=True) for _ in character.lower()]


def _compose(text, spans):
    """Unicode NFKC, in pieces that do not touch each other: a piece ends before a character that starts a new one."""
    pieces, origins, start = [], [], 0
    for at in range(1, len(text) + 1):
        piece = unicodedata.normalize("NFKC", text[start:at])
        if at < len(text):
            after = unicodedata.normalize("NFKC", text[at])
            # Accents change places among themselves, and two letters may become one, as ᄀ and ᅡ do; no space does.
            joined = _is_accent(text[at]) or unicodedata.normalize("NFKC", text[start : at + 1]) != piece + after
            if joined and not piece.isspace():
                continue
        pieces.append(piece)
        origins += [(spans[start][0], spans[at - 1][1])] * len(piece)
        start = at
    return "".join(pieces), origins


class Words(dict):
    """From a token to its words, computed once for each distinct token.

    Stop words become "", amounts, dates and other numbers "_money_", "_date_" and "_number_", in English "can't"
    becomes "can not", any other word its dictionary form.

    Parameters
    ----------
    stop_words : {"english", None} or tuple of str
    lemmatizer : str
        See `chatkit.text.lemmatize.get_lemmatizer`.
    domain_words : tuple of str
        More words to drop.
    languages : tuple of str
        ISO codes.

    Examples
    --------
    >>> words = Words("english", "simplemma", ("Harbor",))
    >>> [words[token] for token in ["the", "harbor", "cards", "can't", "$5"]]
    ['', '', 'card', 'can not', '_money_']
    """

    # Tokens to remember between two calls; typos and numbers must not fill the memory of a service.
    LIMIT = 200_000

    def __init__(self, stop_words, lemmatizer, domain_words, languages=("en",)):
        super().__init__()
        dropped = ENGLISH if stop_words == "english" else stop_words or ()
        for word in (*dropped, *domain_words):
            if re.search(r"\d", word):
                # By itself it would be dropped from a text, but not from the same text masked.
                raise ValueError(
                    f"Got {word!r} as a word to drop, expected words without digits: numbers count alike; take it "
                    "out, or name _number_, _money_ or _date_ to drop all of these."
                )
            if (letters := split(normalise(word)))[1:] and UNSPACED_LETTER.search(word):
                raise ValueError(
                    f"Got {word!r} as a word to drop, expected words of one character in a script without spaces: it "
                    f"is read as {' '.join(letters)}; take it out."
                )
        # What is not lemmatised: a token that is dropped is dropped, whatever else it is.
        self._english = "en" in languages  # in French "dont" is no negation
        self._fixed = dict.fromkeys(_BARE_NEGATIONS if self._english else (), "not")
        self._fixed |= dict.fromkeys((word.lower() for word in (*dropped, *domain_words)), "")
        self._fixed[BOUNDARY] = BOUNDARY
        self._lemma = get_lemmatizer(lemmatizer, languages)
        self.forget()

    def forget(self):
        """Forget all tokens but those that are not lemmatised."""
        self.clear()
        self.update(self._fixed)

    def __missing__(self, token):
        self[token] = words = self._replace(token)
        return words

    def learn(self, tokens):
        """Lemmatise many tokens that are letters only, in a fraction of the time that they would take one by one.

        Parameters
        ----------
        tokens : iterable of str
        """
        new = [token for token in tokens if token not in self]
        self.update(zip(new, map(self._lemma, new), strict=True))

    def _replace(self, token):
        if token.isalpha():
            return self._lemma(token)
        if (kind := typed(token)) != token:
            return self[kind]
        # No word ends so twice; to remove one n't after the other would go as deep as a token is long.
        if self._english and token.endswith("n't") and not token.endswith("n'tn't"):
            verb = self[_IRREGULAR.get(token) or token[:-3]] if token != "n't" else ""
            return f"{verb} not".strip()
        return token if token.startswith("_") else self._lemma(token.removesuffix("'s"))


@lru_cache(maxsize=16)
def _words_for(stop_words, lemmatizer, domain_words, languages):
    return Words(stop_words, lemmatizer, domain_words, languages)


def _listed(name, words, expected):
    """Copy a list of words: one that was changed in place is another parameter."""
    a_list = isinstance(words, Collection) and not isinstance(words, str)
    if not a_list or not all(isinstance(word, str) for word in words):
        raise ValueError(f"Got {name}={words!r}, expected {expected}.")
    return tuple(words)


@dataclass(eq=False, repr=False)
class WordsMixin:
    """Gives an estimator the parameters stop_words, lemmatizer, domain_words and language, and its words.

    Estimators with the same parameters share them in a process: the folds of a cross-validation lemmatise a word once.
    """

    stop_words: str | Collection | None = None
    lemmatizer: str = "simplemma"
    domain_words: Collection = ()
    language: str | Collection = "en"

    def _words(self):
        if not isinstance(self.lemmatizer, str):
            get_lemmatizer(self.lemmatizer)  # says what was expected
        stop_words = self.stop_words
        if stop_words is not None and not (isinstance(stop_words, str) and stop_words == "english"):
            stop_words = _listed("stop_words", stop_words, "'english', None or a list of words")
        domain_words = _listed("domain_words", self.domain_words, "a list of words, which may be empty")
        words = _words_for(stop_words, self.lemmatizer, domain_words, languages_of(self.language))
        if len(words) > Words.LIMIT:
            words.forget()
        return words

    def word_places(self, text):
        """Words of a text as it was written, and where each stands in it.

        Parameters
        ----------
        text : str

        Returns
        -------
        list of (str, int, int)
            In order, each word with the first character of its token and the one after the last.
        """
        words = self._words()
        return [(word, start, end) for token, start, end in places(text) for word in words[token].split()]
