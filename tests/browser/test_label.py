"""The frame in which chats are labelled, with a stand-in for the kernel: what each key sends."""

import pytest

from tests.browser.test_pages import ARGUMENTS, CHROMIUM
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on the PATH")
STATE = {
    "turn": 1, "error": "", "left": 3, "can_undo": True, "progress": {"labels": 2, "per_hour": 90, "counts": {"urgent": 2}},
    "subject": "<img src=x onerror=window.ran=1>", "body": "one\n<script>window.ran=1</script>", "alike": ["<b>copy</b>"],
    "guess": "",
}  # fmt: skip
SHOW = """async ([source, categories, state]) => {
    const code = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
    const listeners = [];
    window.sent = [];
    const model = {get: name => ({categories, state: window.state})[name], send: one => window.sent.push(one),
                   on: (_, call) => listeners.push(call), off() {}};
    window.state = state;
    window.next = more => { window.state = {...window.state, ...more, turn: window.state.turn + 1}; listeners.forEach(call => call()) };
    document.body.replaceChildren();
    code.default.render({model, el: document.body});
}"""


@pytest.fixture(scope="module")
def page():
    """An empty page with the style sheet."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.add_style_tag(path=ROOT / "chatkit/explore/labelling.css")
        yield page
        browser.close()


def sent(page, keys, categories, **changes):
    """What keys send, and the kernel's next chat after each."""
    source = (ROOT / "chatkit/explore/labelling.js").read_text()
    page.evaluate(SHOW, [source, categories, STATE | changes])
    page.locator(".top").click()
    for key in keys:
        before = len(page.evaluate("window.sent"))
        page.keyboard.press(key)
        if len(page.evaluate("window.sent")) > before:
            page.evaluate("window.next({})")
    return [(one["do"], one.get("category"), one.get("alike")) for one in page.evaluate("window.sent")]


def test_each_category_has_a_key(page):
    """Digits, then letters; not sure, skip, guess, back and the near copies have theirs."""
    names = [f"category {number}" for number in range(35)]
    keys = ["1", "a", "z", "Z", "0", "ArrowRight", " ", "Backspace", "Control+a", "F5", "+", "2", "3"]
    given = [("label", "category 0", False), ("label", "category 9", False), *[("label", "category 34", False)] * 2]
    given += [(what, None, None) for what in ("not sure", "skip", "guess", "undo")]
    assert sent(page, keys, names) == [*given, ("label", "category 1", True), ("label", "category 2", False)]
    assert sent(page, ["4", "b"], ["urgent", "other"]) == []


def test_one_of_many_categories_is_found_by_typing(page):
    """Parts of words in any order, without regard to case, marks and underscores; keys in a text edit it."""
    names = [
        *(f"topic_{number}" for number in range(70)),
        "Réclamation",
        "card_arrival",
        "card_lost",
        "Lost_card_abroad",
    ]
    typed = [*"reclam", "Enter"], [*"lo ca", "Enter"], [*"card", "2"], [*"lostx", "Backspace", "Enter"]
    found = [sent(page, keys, names)[0][:2] for keys in typed]
    assert found == [("label", name) for name in ("Réclamation", "card_lost", "card_lost", "card_lost")]
    assert sent(page, ["Enter", "x", "x", "Enter"], names) == []
    assert [one[0] for one in sent(page, ["Backspace", "ArrowRight", " ", "0"], names)] == [
        "undo",
        "skip",
        "guess",
        "not sure",
    ]


def test_a_chat_gets_one_answer(page):
    """However often a key is pressed before the next one is there."""
    sent(page, [], ["urgent", "other"])
    for _ in range(3):
        page.keyboard.press("1")
    assert len(page.evaluate("window.sent")) == 1
    page.evaluate("window.next({body: 'next'})")
    page.keyboard.press("2")
    assert [one["turn"] for one in page.evaluate("window.sent")] == [1, 2]
    page.evaluate("window.next({left: 0})")
    page.keyboard.press("1")
    assert len(page.evaluate("window.sent")) == 2


def test_texts_are_shown_as_they_are(page):
    """Nothing in a chat or a category is run, line breaks stay."""
    sent(page, [], ["<i>urgent</i>", "other"])
    assert page.locator(".body").inner_text() == STATE["body"]
    assert page.locator(".keys .name").all_inner_texts() == ["<i>urgent</i>", "other"]
    assert page.locator(".alike li").inner_text() == "<b>copy</b>"
    assert page.evaluate("window.ran") is None
    assert page.locator("img, i, .alike b").count() == 0
