"""In which languages and scripts chats are, and what that asks of the parameters."""

import unicodedata
from collections import Counter
from functools import lru_cache

import pandas as pd

from chatkit.text.lemmatize import LANGUAGES
from chatkit.text.scripts import without_halves
from chatkit.text.validation import as_frame, as_texts

SAMPLE, CHARACTERS = 2000, 1000  # chats, and characters of each, that are looked at
SHOWN, ADVISED = 0.01, 0.1  # share from which on a language is more than a detector's mistake, and worth a parameter
_TOGETHER = {"Cjk": "Han and kana", "Hiragana": "Han and kana", "Katakana": "Han and kana"}
_WITHOUT_SPACES = ("Han and kana", "Thai", "Lao", "Khmer", "Myanmar")
# The detector's codes of what simplemma knows by another.
_CODES = {"no": "nb", "bs": "hbs", "hr": "hbs", "sr": "hbs"}


def languages(chats):
    """Count the languages and scripts of chats, of 2,000 evenly drawn ones where there are more.

    Parameters
    ----------
    chats : pandas.DataFrame
        With subject and body.

    Returns
    -------
    pandas.DataFrame
        language (its ISO code), script, share; the largest first. Languages below 1 % are together "other", and so is
        a chat without letters.

    Examples
    --------
    >>> languages(pd.DataFrame({"subject": [""], "body": ["Ich habe gestern meine Karte verloren"]}))
      language script  share
    0       de  Latin    1.0
    """
    from py3langid import classify

    chats = as_frame(chats)
    drawn = chats.iloc[:: -(-len(chats) // SAMPLE) or 1]
    # Not by `chatkit.text.messages.texts`: the stage query has nothing to do with how a model reads them.
    parts = zip(as_texts(drawn["subject"]), as_texts(drawn["body"]), strict=True)
    drawn = [without_halves("\n".join(part)).strip()[:CHARACTERS] for part in parts]
    found = pd.DataFrame({"language": [classify(text)[0] for text in drawn], "script": list(map(_script, drawn))})
    found["language"] = found["language"].replace(_CODES)
    size = found["language"].map(found["language"].value_counts())
    found[(size < SHOWN * len(found)) | (found["script"] == "other")] = "other"
    counts = found.value_counts().rename("share").reset_index()
    counts = counts.sort_values(["share", "language", "script"], ascending=[False, True, True], ignore_index=True)
    return counts.assign(share=counts["share"] / len(found))


def said_of_languages(found):
    """Say in a sentence or two in which languages chats are, and which parameters that asks for.

    Parameters
    ----------
    found : pandas.DataFrame
        From `languages`.

    Returns
    -------
    str

    Examples
    --------
    >>> said_of_languages(pd.DataFrame({"language": ["de"], "script": ["Latin"], "share": [1.0]}))
    'The chats are in one language, de, in one script, Latin; set train.language to de, if it is not.'
    """
    named = found[found["language"] != "other"]
    if named.empty:
        return "The chats have no letters by which to know a language."
    first, single = named.iloc[0], len(named) == 1
    said = f"one language, {first['language']}, in one script, {first['script']}" if single else "several languages"
    much = named[named["share"] >= ADVISED]
    codes = [code for code in dict.fromkeys(much["language"]) if code in LANGUAGES]
    if codes not in ([], ["en"]):
        listed = f"[{', '.join(codes)}]"
        said += f"; set train.language to {codes[0] if len(codes) == 1 else listed}, if it is not"
    if scripts := [script for script in dict.fromkeys(much["script"]) if script in _WITHOUT_SPACES]:
        said += (
            f"; {', '.join(scripts)}: without spaces a character is a word, so let train.ngram_range end with 2 or more"
        )
    return f"The chats are in {said}."


def _script(text):
    """Name the script of most letters, as the names of Unicode's characters begin."""
    scripts = Counter(filter(None, map(_script_of, unicodedata.normalize("NFKC", text))))
    return min(scripts, key=lambda script: (-scripts[script], script), default="other")


@lru_cache(maxsize=2**14)
def _script_of(character):
    script = unicodedata.name(character, "").split(" ")[0].split("-")[0].capitalize() if character.isalpha() else ""
    return _TOGETHER.get(script, script)
