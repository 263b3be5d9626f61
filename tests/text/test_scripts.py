"""Text in every script: marks, no spaces, what nobody sees, halves of emoji; one text and many."""

import random

import pandas as pd
import pytest

from chatkit import TextProcessor, make_pipeline
from chatkit.explain.highlight import highlight
from chatkit.text.mask import mask
from chatkit.text.messages import texts
from chatkit.text.tokens import normalise, places, split, tokens
from tests.text.test_batch import tokens_of

# A few characters of blocks whose marks, digits and compatibility forms differ, and what a tokenizer treats in its own way.
BLOCKS = [
    (0x20, 0x7F), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x4FF), (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xEFF),
    (0x1000, 0x11FF), (0x1780, 0x17FF), (0x2000, 0x214F), (0x2460, 0x24FF), (0x3000, 0x33FF), (0x4E00, 0x4E20),
    (0xAC00, 0xAC40), (0xD800, 0xDFFF), (0xFB00, 0xFFFF), (0x1F300, 0x1F64F), (0xE0000, 0xE01FF), (0x11000, 0x110FF),
]  # fmt: skip
PIECES = [
    "\u200b", "\u200c", "\u200d", "\u00ad", "\ufe0f", "İ", "'", "`", "’", "@", "5", "1234567", "a1", "www.", "://",
    "me@b.cd", "bank.example/", "DE89 3704 0044 0532 0130 00", "BIC COBADEFF", " ", "\n", "½", "ก", "\u17b7", "中",
    "か\u3099", "가", "ᄀ\u1161", "_", "_email_", "द\u093f", "%40", "/", ".", "\ud83d",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("दिन दान தமிழ் ক্ষমতা", ["दिन", "दान", "தமிழ்", "ক্ষমতা"]),
        ("שָׁלוֹם مَرْحَبًا", ["שָׁלוֹם", "مَرْحَبًا"]),
        ("दी`s दिन123456", ["दी's", "दिन", "_number_"]),
        ("İstanbul ISTANBUL", ["istanbul", "istanbul"]),
        ("soft\u00adhyphen wi\u200bdth می\u200cخواهم \ufeffcard", ["softhyphen", "width", "میخواهم", "card"]),
        ("信用卡，丢了", ["信", "用", "卡", "丢", "了"]),
        ("カードを ﾊﾟｽ", ["カ", "ー", "ド", "を", "パ", "ス"]),
        ("카드를", ["카", "드", "를"]),
        ("วันนี้ ก\u200bข", ["วั", "น", "นี้", "ก", "ข"]),
        ("ខ្ញុំ", ["ខ្", "ញុំ"]),
        ("我2024年买的iPhone15坏了", ["我", "_number_", "年", "买", "的", "iphone", "_number_", "坏", "了"]),
        ("订单AB123456号，看www.bank.example", ["订", "单", "_number_", "号", "看", "_url_"]),
        ("账户DE89 3704 0044 0532 0130 00谢", ["账", "户", *["_number_"] * 6, "谢"]),
    ],
)
def test_tokens_by_hand(text, expected):
    """Vowel signs stay on their letter, what is not seen parts nothing, a clause without spaces is no word."""
    assert tokens(text) == tokens(mask(text)) == expected
    assert [token for token, *_ in places(text)] == split(normalise(text))


def test_any_mixture_of_scripts_is_read_alike():
    """One by one, in one buffer, with places, and masked: the same tokens; each is a token when split again."""
    drawn = random.Random(0)  # noqa: S311 - no secret
    mixed = [
        "".join(
            drawn.choice(PIECES) if drawn.random() < 0.5 else chr(drawn.randint(*drawn.choice(BLOCKS)))
            for _ in range(drawn.randint(1, 12))
        )
        for _ in range(2000)
    ]
    expected = [split(normalise(text)) for text in mixed]
    assert tokens_of(mixed) == expected
    for text, own in zip(mixed, expected, strict=True):
        assert [token for token, *_ in places(text)] == own
        assert [split(token) for token in own] == [[token] for token in own]
        assert tokens(mask(text)) == tokens(text)
        assert mask(mask(text)) == mask(text)


def chats(phrases, n, seed):
    """Chats of two clauses without spaces, one of which tells the category."""
    drawn = random.Random(seed)  # noqa: S311 - no secret
    categories = sorted(phrases)
    rows = [("", "".join([drawn.choice(("请问我的", "今天", "谢谢")), drawn.choice(phrases[one])]), one)
            for at in range(n) for one in [categories[at % len(categories)]]]  # fmt: skip
    return pd.DataFrame(rows, columns=["subject", "body", "category"])


def test_a_language_without_spaces_is_learned():
    """Clauses that were never seen as a whole; a message is explained by its characters."""
    phrases = {"card": ["信用卡丢了", "银行卡被偷", "要挂失卡"], "login": ["密码忘了", "登录不了", "密码被锁"]}
    train = chats(phrases, 60, 0)
    model = make_pipeline("linear_svc").fit(train[["subject", "body"]], train["category"])
    new = pd.DataFrame({"subject": "", "body": ["丢了卡怎么办", "不了解登录密码"]})
    assert model.predict(new).tolist() == ["card", "login"]
    assert "卡" in highlight(model, new.loc[0]).tokens["token"].tolist()


def test_a_word_of_several_characters_cannot_be_dropped():
    """It would never be met, so it is refused; one character is dropped."""
    assert TextProcessor(domain_words=["的"]).transform(["我的卡"])[0] == "我 卡"
    with pytest.raises(ValueError, match="Got '信用卡' as a word to drop, expected words of one character"):
        TextProcessor(domain_words=["信用卡"]).fit(["a"])


def test_half_an_emoji_is_a_text_too():
    """It is masked, explained and shown; no word changes."""
    train = pd.DataFrame(
        {"subject": ["Lost \ud83d", "Hours"] * 9, "body": ["my card\ude00", "open when"] * 9}, dtype=object
    )
    model = make_pipeline("linear_svc").fit(train, ["urgent", "other"] * 9)
    found = highlight(model, {"subject": "Lost", "body": "\ud83dme@b.example my card \ud83d"})
    for shown in (repr(found), found._repr_html_(), mask("a\ud83d 5"), *texts(train)):
        shown.encode()
    assert model.predict(train).tolist() == ["urgent", "other"] * 9
