"""What is no part of a message, and that neither a mask nor a second cleaning changes what is left."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatkit import MessagePreprocessor, load_model, make_pipeline
from chatkit.explain.highlight import highlight
from chatkit.model.bundle import save_model
from chatkit.text.clean import STEPS, clean, excerpt
from chatkit.text.mask import mask
from chatkit.text.references import dereference
from chatkit.text.tokens import tokens

ALL = [*STEPS]
MAIL = st.lists(
    st.sampled_from([
        "<p>", "</p>", "<b>", "<br>", "<a href='https://x.de/?a=1'>", "</a>", "<h1>", "<style>", "</style>", "<!--", "-->",
        "<script x=1>", "</script>", '<td width=5 class="a">', "<b<", "<i>>", "<", ">", "&nbsp;", "&#39;", "&lt;", "&amp;", "lt;",
        "On Mon, Mar 3, 2025 at 10:30 AM Anna <anna@b.com> wrote:", "wrote:", "On 3/4", "a@b.de", "@anna", "@ b.de", "a @", "5",
        "$5", "DE89 3704 0044 0532 0130 00", "BIC COBADEFF", "BIC", "-----Original Message-----", "From: a@b.c", "To: x", "Sent: 5",
        "-- ", "--", "Sent from my iPhone 5", "Not the intended recipient", "##- x -##", "{{ticket.id}}", "[ref:_00D2:ref]",
        "Ticket #12", "[Case #5]", "has been created", "data:image/png;base64,", "iVBOR5/a+", "写道：", "2025年3月3日", "___", "card",
        "\n", "\n", "\n", "\n\n", " ", " ", ".", ":", "é", "ﷺ", "½", "＜b＞", "\x17",
    ]),
    max_size=30,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(MAIL, st.sampled_from([ALL, ["html"], ["quotes"], ["tickets", "quotes"]]))
@example("{{d}}<i>>F", ALL)  # in what the tags leave there is another thing to cut
@example("<b<b<b<b<b<b<b<i>>>>>>>> y", ["html"])
@example("<b>@anna don&#39;t 5", ["html"])  # an address that begins like a tag; a number that is a character
@example("On x @<b>b.com</b> wrote:\n> x\nlost", ALL)
def test_neither_a_mask_nor_a_second_time_matters(text, names):
    """For any text: the tokens of the cleaned masked text are those of the cleaned text, and to clean it again is in vain."""
    cleaned = clean(text, names)
    assert tokens(clean(mask(text), names)) == tokens(cleaned)
    assert clean(cleaned, names) == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>Dear <b>team</b>,</p>\n<p>my&nbsp;card</p>", "Dear team ,\n\nmy card"),
        ("&lt;p&gt;don&#39;t&lt;/p&gt;", "don't"),
        ("<style type=x>p{color:red}</style>a<!-- b --><SCRIPT>c()</SCRIPT>d <!-- no end", "a\n\nd\nno end"),
        ('<a href="https://x.de/?utm=1&amp;b=2" title="a > b">see</a><img src=cid:1@x>', "see"),
        ("<td width=50% nowrap>x</td><h1 class=a>y</h1><o:p></o:p>", "x\n\ny"),
        ('<p style="font-family:&quot;Arial&quot;,sans">z</p>', "z"),
        ("see data:image/png;base64,iVBORw0KGgoAAA+A5/x7= end", "see\nend"),
        ("AT&amp;T  takes $5", "AT&T  takes $5"),  # nothing is cut: not masked
        *[(same, same) for same in (
            "5 < 6 and a > b", "<3", "<anna@example.com>", "List<String> Map<K,V> Vec<u8>", "a <b and c> d", "a&b; c < d",
            '<order><id>5</id><status>lost</status></order> {"a": "b"}', "[INFO] 10:30 /var/log/x1/y2/z3 -> ok + 5", "<b",
        )],
    ],
)  # fmt: skip
def test_tags_are_no_words(text, expected):
    """Known tags with all that belongs to them; what only looks like a tag, code and data stay as they are."""
    assert clean(text) == expected


@pytest.mark.parametrize(
    "head",
    [
        "On Mon, Mar 3, 2025 at 10:30 AM Anna <a@b.de> wrote:",
        "On Mon, Mar 3, 2025 at 10:30 AM Anna Very Long\n<a@b.de> wrote:",
        "In article <93@b.de> a@b.de (Anna) writes:",
        "Am 03.03.2025 um 10:30 schrieb Anna <a@b.de>:",
        "Le lun. 3 mars 2025 à 10:30, Anna <a@b.de> a écrit :",
        "El lun, 3 mar 2025 a las 10:30, Anna (<a@b.de>) escribió:",
        "Il giorno lun 3 mar 2025 alle ore 10:30 Anna <a@b.de> ha scritto:",
        "Em seg., 3 de mar. de 2025 às 10:30, Anna <a@b.de> escreveu:",
        "Op ma 3 mrt 2025 om 10:30 schreef Anna <a@b.de>:",
        "pon., 3 mar 2025 o 10:30 Anna <a@b.de> napisał(a):",
        "2025年3月3日(月) 10:30 Anna <a@b.de>:",
        "2025/03/03 10:30、Anna <a@b.de>のメール:",
        "Anna <a@b.de> 于2025年3月3日周一 10:30写道：",
        "пн, 3 мар. 2025 г. в 10:30, Anna <a@b.de>:",
        "Anna <a@b.de>, 3 Mar 2025 Pzt, 10:30 tarihinde şunu yazdı:",
        "Den mån 3 mars 2025 kl 10:30 skrev Anna <a@b.de>:",
        "-----Original Message-----",
        "-----Ursprüngliche Nachricht-----",
        "____________________\nVon: Anna <a@b.de>\nGesendet: Montag, 3. März 2025 10:30\nAn: x@y.de\nBetreff: Karte\n",
        "*From:* Anna\n*Sent:* Monday\n*To:* b\n*Subject:* c\n",
    ],
)
def test_a_quoted_reply_goes(head):
    """Ten languages and more; with marks in front of its lines what is below stays, and a message that is only a quote."""
    assert clean(f"It is lost.\n\n{head}\nwhich card", ["quotes"]) == "It is lost."
    alone = f"{head}\nwhich card"
    assert clean(alone, ["quotes"]) == alone
    if not head.startswith(("-", "_", "*")):
        assert clean(f"Lost\n{head}\n> which card\n\n> this?\nit", ["quotes"]).split() == ["Lost", "it"]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Lost\n-- \nAnna\nBank", "signatures", "Lost"),
        *[(f"Lost\n{sent}\nreally", "signatures", "Lost\n\nreally") for sent in (
            "Sent from my iPhone 15", "Get Outlook for iOS", "Von meinem iPhone gesendet", "Envoyé de mon iPhone", "iPhoneから送信",
            "Enviado desde mi iPhone", "Inviato da iPhone", "Verzonden vanaf mijn iPhone", "iPhone'umdan gönderildi",
        )],
        ("Lost\n--\n", "signatures", "Lost"),
        ("Lost\n\nIf you are not the intended\nrecipient, or\n\nit", "disclaimers", None),
        ("Lost\n\nIf you are not the intended recipient,\ngo away.\n\nit", "disclaimers", "Lost\n\nit"),
        ("##- Please type your reply above this line -##\nlost", "tickets", "lost"),
        ("Your request (#123) has been received and is being reviewed.\nlost", "tickets", "lost"),
        ("Lost {{ticket.id}} [ref:_00D20abc._5003abc:ref]", "tickets", "Lost"),
        ("[Ticket #123] Lost", "tickets", "Lost"),
        ("On Friday he wrote:\nhello", "quotes", None),
        ("From: here\nI want my card", "quotes", None),
        ("-- ", "signatures", None),
    ],
)  # fmt: skip
def test_the_rest_goes_by_name(text, name, expected):
    """Line by line or paragraph by paragraph, and only what was asked for; None is a text that stays."""
    assert clean(text, [name]) == (text if expected is None else expected)
    assert clean(text, []) == text


def test_a_forwarded_mail_is_the_message():
    """Where the subject says so, what is below a head is not cut."""
    body = "For you\n-----Original Message-----\nlost"
    rows = [("FW: card", body), ("Re: card", body)]
    assert MessagePreprocessor(clean=["quotes"]).cleaned(rows) == [("FW: card", body), ("Re: card", "For you")]


@pytest.mark.parametrize(
    "repeated", ["<", ">", "On ", "On 5 a@b.c wrote:\n>\n", "<style>", "<b<i>", '<a b="', "&lt;", "ref:/", "/+a1", "\n"]
)
def test_no_text_blocks_who_cleans(repeated):
    """A quarter of a megabyte: where each mark looks at all that follows, it would take minutes."""
    text = repeated * (250_000 // len(repeated)) + " lost"
    assert len(clean(text, ALL)) <= len(mask(text))


@given(st.lists(st.sampled_from(["&", "#", "39", "x27", ";", "lt", "amp", "semi", "num", "a", " "])).map("".join))
@example("&&#35;39;")
@example("&lt&semi;")
def test_no_reference_is_left(text):
    """For any text: to do it again changes nothing, and each character comes from a place in the text."""
    found, spans = dereference(text)
    assert dereference(found)[0] == found
    assert len(spans) == len(found)
    assert all(0 <= start < end <= len(text) for start, end in spans)


def test_a_model_reads_and_keeps_what_it_cleans(tmp_path):
    """One message or many, by words or by rules, from a folder or not; what is shown is the message as it is read."""
    chats = pd.DataFrame({"subject": ["<b>Lost</b>", "Hours"] * 9, "body": ["<p>my card</p>", "open\n-- \nAnna"] * 9})
    model = make_pipeline("linear_svc", clean=["html", "signatures"]).fit(chats, ["urgent", "other"] * 9)
    assert not {"p", "b", "anna"} & {*model[:-1].get_feature_names_out()}
    save_model(model, tmp_path / "model", {})
    loaded, expected = load_model(tmp_path / "model"), model.predict_proba(chats)
    np.testing.assert_array_equal(loaded.predict_proba(chats), expected)
    np.testing.assert_array_equal(np.vstack([loaded.predict_proba(chats[at : at + 1]) for at in range(18)]), expected)
    assert highlight(loaded, chats.loc[1]).message == {"subject": "Hours", "body": "open"}
    assert highlight(loaded, chats.loc[0]).message == {"subject": "Lost", "body": "my card"}
    rules = make_pipeline("rules", {"rules": [("urgent", "^lost")]}).fit(chats, ["urgent", "other"] * 9)
    assert rules.predict(chats).tolist() == ["urgent", "other"] * 9


@pytest.mark.parametrize("names", ["html", None, ["tags"], [["html"]]])
def test_other_names_are_refused(names):
    """In one sentence, when fitting."""
    with pytest.raises(ValueError, match=r"Got clean=.*expected a list of some of html, tickets, quotes"):
        MessagePreprocessor(clean=names).fit([("s", "b")])


def test_an_excerpt_has_no_tags():
    """As a person would read it."""
    assert excerpt("Lost&nbsp;card\n<p>It ends in 4921") == "Lost card It ends in _number_"


@pytest.mark.parametrize(
    "text",
    [
        "+1 555 123 4567 and/or 555 123 4568 call",
        "Invoices 1001 + 1002 + 1003 + 1004 / 1005 + 1006 are wrong",
        "Please cancel my transfer\nFrom: savings\nTo: Anna Smith\nDate: yesterday\nThe card was stolen",
        "Sent the money\nSent from my savings account to the wrong person, please reverse",
        "Hallo\nGesendet mit der Post, aber die Karte ist nie angekommen",
        "ok\nRequest 12 was declined and my card is gone",
    ],
)
def test_what_a_customer_wrote_stays(text):
    """Numbers beside signs, a transfer with a head like a mail's, things that were sent, a request that was declined."""
    assert clean(text, STEPS) == text


def test_line_ends_of_windows_are_line_ends():
    """As mail has them."""
    mail = "Hi\r\n\r\nI lost my card.\r\n\r\nIf you are not the intended recipient, delete it."
    assert clean(mail, ["disclaimers"]) == "Hi\n\nI lost my card."
    assert clean("##- Please type your reply above this line -##\r\nMy card is lost", ["tickets"]) == "My card is lost"


def test_a_disclaimer_takes_its_own_lines_alone():
    """The sentence above it in the same paragraph stays, its own sentence goes from its first line."""
    above = "Hello team\n\nI lost my card, please block it.\n"
    assert clean(above + "If you are not the intended recipient, delete this.", ["disclaimers"]) == above.strip()
    wrapped = above + "This mail is confidential and\nintended solely for those named in it."
    assert clean(wrapped, ["disclaimers"]) == above.strip()


def test_a_forward_is_one_however_its_subject_is_written():
    """Escaped, in tags, or masked: the mail below its head is the message."""
    body = "see below\n-----Original Message-----\nFrom: a@b.example\nmy card is stolen"
    step = MessagePreprocessor(clean=["html", "quotes"])
    for subject in ("Fwd: card", "Fwd&#58; card", "&nbsp;Fwd: card", "<b>Fwd: card</b>"):
        assert "my card is stolen" in step.transform([{"subject": subject, "body": body}])[0], subject
    assert "my card is stolen" not in step.transform([{"subject": "card", "body": body}])[0]
