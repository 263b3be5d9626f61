"""What is masked, and that a model does not notice."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatkit import TextProcessor, make_pipeline
from chatkit.data.simulate import simulate
from chatkit.text.clean import excerpt
from chatkit.text.counts import FEW, TermCounter
from chatkit.text.mask import _find_in_any, _find_in_ascii, mask, pieces
from chatkit.text.references import has_reference
from chatkit.text.tokens import ADDRESS, plain, tokens
from tests.text.test_tokens import ANY, HOSTILE

N = "_number_"
ROOT = Path(__file__).resolve().parents[2]
# Numbers and addresses among what they could grow together with.
NEAR = st.lists(
    st.sampled_from([
        "1", "23", "$", "£5", "½", "①", "㎡", "℡", "⒀", "﹊", "\u1ffd", "／", "：", "🉐", "٣", "a", "AB", "é", "Σ", "ᄀ", "\u1161", "\u0301", "\uff9e", "www.", "://", "http",
        "me", "@", "＠", ".x", "_", "_email_", "_number_", "t?}@_", "]@", " @ ", "@ ", " @", "@@", "bank.example", "a.b", "x-y", "/", "%40", ".xx",
        "X1234567L", "123456", "DE89 ", "NO12 ", "1234", "WEST ", "3704 ", "BIC ", "swift code is ", "SWIFT: ", "COBADEFF", "XXX", '"an na"', "❶", "㏂", *".,:;!?/-'`’\"()[]{}<>|\\^+= \n",
    ]),
    max_size=14,
).map("".join)  # fmt: skip
TEXTS = st.one_of(ANY, NEAR)


@settings(max_examples=1500, deadline=None)
@example("a@1,2.c")  # a token in the place of the number would make an address of it
@example("x@$5")
@example("a@b.c.@d.e")  # what is left of an address would be another one
@example("www.x^a@b.c")
@example("a@b://c")
@example("don`t £5")  # without the £ the text is all ASCII
@example("ΑΣ:me@bank.example")  # which sigma it is depends on what comes next
@example("℡5 ½ ㎡ x㎡")
@example("p://﹊@h")  # one character that is a space and an accent, ends what would else be an address with the token
@example("www.‾@1")
@example("⒀@手")  # one character that is a number in brackets
@example("a@🉐:/／e")
@example("S://:\u1ffd@a")
@example('https://x"@c 5)@c a"b"@c')
@example("p://0']@t")
@example("0`t?}@_")  # behind a token the backtick is no apostrophe any more
@example("card_4921 o'5 5's")
@example("`@0 5`a a`5 a`b@0 `www.x`")
@example("x @ $5.com")  # a token in the place of the number would be the host
@example("x @ a-$5.com")
@example("x @ bank.example5")  # the space behind the host would make it one
@example("a@b.c!d @ bank.example")  # what is left of an address, with a token in front of it, would be another one
@example("www.x @ bank.example")
@example("5 @bank.example $5 @bank.example 5_ @bank.example")
@example("a@b!x-y @bank.foo a@b'x-y @bank.foo")
@example("www.x. @bank.example")
@example("5_.bank.example/x")
@example("it&#39;s &#52;&#57; M&uuml;ller&amp;#64;b.c &lt;5")
@example("BIC COBADEFF5")  # without the digit it has the length of one
@example("BIC COBADEFF½")
@example("BIC 5 COBADEFF")
@example("me%40$5.com")
@example("❶%40www.xa㏂ @ bank.example")  # an address ends inside of a character, whose full stop must stay
@example("12_x㏂㏂bank.example/")
@example("GB82 WEST 1234 5698 7654 32@bank.example")
@example('"an 5 na"@bank.example "a@b c"@d')
@given(TEXTS)
def test_a_model_does_not_notice(text):
    """For any text: the tokens of the masked text are those of the text; no digit or address is left; once is enough."""
    masked = mask(text)
    assert tokens(masked) == tokens(text)
    assert not re.search(r"\d", masked)
    assert not ADDRESS.search(plain(masked))
    assert mask(masked) == masked


@settings(max_examples=500, deadline=None)
@example("BIC", "COBADEFFXXX")
@example("DE89 3704", "0044 0532 0130 00")
@example("me @", "bank.example")
@example('"an', 'na"@bank.example')
@given(TEXTS, TEXTS)
def test_nor_that_subject_and_body_are_masked_one_by_one(subject, body):
    """For any two texts: the tokens of both together, each on its line, are those of both masked."""
    assert tokens(f"{mask(subject)}\n{mask(body)}") == tokens(f"{subject}\n{body}")


@settings(max_examples=300, deadline=None)
@given(NEAR)
def test_nor_does_one_that_reads_many_texts_at_once(text):
    """For any text: the same words and counts, by either way to count."""
    pair, among = [text, mask(text)], ["lost card"] * FEW
    assert len(set(TextProcessor().transform(pair))) == 1
    counter = TermCounter(min_df=1).fit([*pair, *among])
    for counts in (counter.transform(pair), counter.transform([*pair, *among])):  # one by one, as one buffer
        assert (counts[0] != counts[1]).nnz == 0


@settings(max_examples=500, deadline=None)
@given(TEXTS.filter(lambda text: text.isascii() and not has_reference(text)))
def test_both_ways_to_find_agree(text):
    """For any text in ASCII: what is found by patterns is what is found character by character."""
    assert [*_find_in_ascii(text)] == _find_in_any(text)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_pieces_cover_the_text(text):
    """For any text: one piece after the other, and what is kept is as it was."""
    found = pieces(text)
    assert [0, *(end for _, end, _ in found)] == [*(start for start, _, _ in found), len(text)]
    assert all(text[start:end] == written or "_" in written for start, end, written in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Card 4921 was charged $20.50 on 3/4.", "Card _number_ was charged _money_ on _date_."),
        ("Ring +49 170 555-0199!", "Ring +_number_ _number_ _date_!"),
        ("IBAN DE89370400440532013000", "IBAN _number_"),
        ("DE89 3704 0044 0532 0130 00 is", "_number_ _number_ _number_ _number_ _number_ _number_ is"),
        ("gb82\u00a0west\u00a01234\u00a05698\u00a07654\u00a032", "\u00a0".join(["_number_"] * 6)),
        ("it is AT40 this 1904 time", "it is AT _number_ this _number_ time"),
        ("BIC: COBADEFFXXX, my SWIFT code is DEUTDEFF500", "BIC: _number_, my SWIFT code is _number_"),
        ("BIC (SWIFT): COBADEFFXXX, SWIFT/BIC COBADEFF", "BIC (SWIFT): _number_, SWIFT/BIC _number_"),
        ('BIC: "COBADEFF" SWIFT: COBADEFF', 'BIC: "_number_" SWIFT: _number_'),
        ("BIC (COBADEFF), bic number   COBADEFFXXX", "BIC (_number_), bic number   _number_"),
        ("SWIFT TRANSFER, swift delivery, BIC\nCOBADEFFXXX", "SWIFT TRANSFER, swift delivery, BIC\nCOBADEFFXXX"),
        *[(text, text) for text in ("SWIFT DELIVERY", "Taylor Swift CONCERTS", "BIC IS REQUIRED, THE SWIFT BUSINESS")],
        *[(text, text) for text in ("card lost.please/help", "I paid.Then/now", "node.js/express a.txt/b.txt")],
        (
            "is10 card 2020 1999, 12 days AB12 bank",
            "is _number_ card _number_ _number_, _number_ days AB _number_ bank",
        ),
        ("no12 visa 4111 1111 or NO93 8601 1117 947", f"no {N} visa {N} {N} or {N} {N} {N} {N}"),
        ("GB82 WEST 1234 5698 7654 32", " ".join([N] * 6)),
        ("RSSMRA85T10A562S X1234567L AB123456C C01X00T47", "_number_ _number_ _number_ _number_"),
        ("AB49210 covid19 v2 INC00123", "AB _number_ covid _number_ v _number_ INC _number_"),
        ("①② x² H₂O ❹❾ ٣٤ ४५ １２", "_number_ x _number_ H _number_ _number_ _number_ _number_ _number_"),
        ("ａｎｎａ＠bank．example or anna﹫bank.example", "_email_ or _email_"),
        ("anna%40bank.example, 20%40 off", "_email_, _number_%_number_ off"),
        ("a.b @ bank.example or a@ bank.example", "_email_ or _email_"),
        ("I am anna @bank.example or anna.b @bank.foo, b5 @b.foo", "I am _email_ or _email_, _email_"),
        ("ask @anna.foo or see anna @bank, anna.b @bank", "ask _handle_ or see anna _handle_, anna.b _handle_"),
        ("anna@@bank.example", "_email_"),
        ("2 @ 5, meet @ noon, @ 5pm @5pm", "_number_ @ _number_, meet @ noon, @ _number_ @ _number_"),
        ("bank.example/login?x=1 (mail.bank.example:8080/).", "_url_ (_url_)."),
        ("and/or 24/7 e.g./i.e. km/h U.S./Canada 1.5/2.0", "and/or _date_ e.g./i.e. km/h U.S./Canada _date_"),
        ("ask @anna.b_5 or @anna@bank.example!", "ask _handle_ or _handle_!"),
        ("my iPhone15, h1n1", "my iPhone _number_, h _number_"),
        ("(me@bank.example) or 'x@localhost'", "(_email_) or _email_ '"),
        ("see HTTPS://Bank.example/a?b=1, ftp://x/y and www.bank.example.", "see _url_, _url_ and _url_."),
        ("anna＠bank.example ⑤ ½", "_email_ _number_ _number_ _number_"),
        ("카드4921번", "카드 _number_ 번"),
        ('"me"@bank.example, (me)@bank.example or me`@bank.example', "_email_, _email_ or _email_"),
        ('{"from":"me@bank.example"}', '{"from":"_email_"}'),
        ('"anna b"@bank.example “anna b”@bank.example', "_email_ _email_"),
        ("Line one\n\n  4921\tend", "Line one\n\n  _number_\tend"),
    ],
)
def test_masks_by_hand(text, expected):
    """Numbers with and without letters, addresses of several kinds, other scripts; white space stays."""
    assert mask(text) == expected


@pytest.mark.parametrize(
    "repeated",
    [
        *HOSTILE,
        "1",
        "a1",
        "a@b!",
        "x://",
        "5'",
        "½",
        "ﷺ",
        '"a',
        '"a"@b',
        "(a)",
        "a @ ",
        "a @",
        "a.b @",
        "a-",
        "a @b.c",
        "@@",
        "a.b/",
        "no12 ",
        "%40",
        "ab12 3456 ",
    ],
)
def test_no_text_blocks_who_masks(repeated):
    """Half a million letters without a space: where they are looked at from each of them, minutes to hours."""
    text = repeated * (500_000 // len(unicodedata.normalize("NFKC", repeated))) + "@ lost"
    assert tokens(mask(text)) == tokens(text)


def test_what_is_left_is_what_the_docs_say():
    """Line by line of the tables in docs/service.md."""
    page = (ROOT / "docs" / "service.md").read_text().split("**What `masked` leaves:**")[1].split("\nIds are kept")[0]
    found = re.findall(r"^\|[^|]+\| `(.+)` \| `(.+)` \|$", page, re.MULTILINE)
    assert len(found) == page.count("\n| ") - 2
    assert [mask(sent) for sent, _ in found] == [stored for _, stored in found]


def test_an_excerpt_is_one_short_line():
    """Masked first: a number that is cut is not shown."""
    assert excerpt("Card\n\n4921  is lost", 14) == "Card _number_…"
    assert excerpt("Card\n\n4921  is lost") == "Card _number_ is lost"


@pytest.mark.parametrize("classifier", ["boosted_linear", "xgboost"])
def test_a_fitted_model_says_the_same(classifier):
    """Of masked chats as of the chats, bit for bit; and fitted on masked chats it is the same model, without a digit."""
    chats = simulate(1200, seed=3)[0]
    messages, truth = chats[["subject", "body"]], chats["category"]
    masked = messages.map(mask)
    assert (masked != messages).any(axis=1).mean() > 0.2, "the chats have something to mask"
    model, other = (make_pipeline(classifier).fit(side, truth) for side in (messages, masked))
    terms = model[1].get_feature_names_out()
    assert not [term for term in terms if re.search(r"\d", term)]
    assert terms.tolist() == other[1].get_feature_names_out().tolist()
    expected = model.predict_proba(messages)
    for said in (model.predict_proba(masked), other.predict_proba(messages)):
        assert (said == expected).all()
