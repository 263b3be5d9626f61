"""In which languages chats are."""

import pandas as pd
import pytest

from chatkit.data.languages import languages, said_of_languages

ENGLISH, GERMAN = (
    "I lost my card yesterday and cannot find it",
    "Ich habe gestern meine Karte verloren und finde sie nicht",
)
THAI, CHINESE = "บัตรเครดิตหายเมื่อวาน ช่วยอายัดให้หน่อย", "我的信用卡昨天丢了，请帮我挂失"


@pytest.mark.parametrize(
    ("bodies", "rows", "said"),
    [
        ([ENGLISH], [("en", "Latin")], "The chats are in one language, en, in one script, Latin."),
        ([GERMAN], [("de", "Latin")], "set train.language to de, if it is not."),
        (
            [ENGLISH] * 2 + [GERMAN],
            [("en", "Latin"), ("de", "Latin")],
            "several languages; set train.language to [en, de]",
        ),
        ([THAI], [("th", "Thai")], "Thai: without spaces a character is a word"),
        ([CHINESE], [("zh", "Han and kana")], "let train.ngram_range end with 2 or more."),
        ([ENGLISH] * 150 + [GERMAN], [("en", "Latin"), ("other", "other")], "one language, en, in one script, Latin."),
        (["12 !", None], [("other", "other")], "The chats have no letters"),
        (["\ud83d " + ENGLISH], [("en", "Latin")], "one language, en"),
    ],
)
def test_languages_are_counted_and_said(bodies, rows, said):
    """The largest first; what is rare is not told from a mistake; a parameter is named where it must change."""
    found = languages(pd.DataFrame({"subject": "", "body": bodies}, dtype=object))
    assert list(zip(found["language"], found["script"], strict=True)) == rows
    assert found["share"].sum() == pytest.approx(1)
    assert said in said_of_languages(found)
