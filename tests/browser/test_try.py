"""The service's page in a real browser: a message in, a category out, by keyboard, on a phone."""

import shutil

import pytest

from tests.service.conftest import Served, chats, save

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on the PATH")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A service with a small model."""
    folder = tmp_path_factory.mktemp("served")
    save(folder / "model")
    served = Served(folder / "service", folder / "model").ready()
    yield served
    served.kill()


@pytest.fixture(scope="module")
def browser():
    """Chromium, which reaches this machine only."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=127.0.0.1"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(params=[(390, 844, "light"), (390, 844, "dark"), (1440, 900, "light")], ids=["phone", "dark", "desk"])
def tab(request, browser, served):
    """The page, with its requests and errors."""
    width, height, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    tab = context.new_page()
    tab.requests, tab.errors = [], []
    tab.on("request", lambda request: tab.requests.append(request.url))
    tab.on("console", lambda logged: tab.errors.append(logged.text))
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.goto(f"http://127.0.0.1:{served.port}/")
    yield tab
    context.close()


def assert_fits(tab):
    """No sideways scrolling."""
    width, room = tab.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= room


def widths(tab, table):
    """How much of its ground each bar of a table fills, in percent."""
    return tab.locator(f"{table} .fill").evaluate_all(
        "bars => bars.map(bar => 100 * bar.getBoundingClientRect().width / bar.parentElement.getBoundingClientRect().width)"
    )


def sort(tab, body):
    """Type a body, and wait for the answer to this one."""
    tab.get_by_label("Body").fill(body)
    with tab.expect_response("**/messages*") as answer:
        tab.get_by_role("button", name="Sort").click()
    tab.locator("#answer h2").wait_for()
    (prediction,) = answer.value.json()["predictions"]
    return prediction


def test_a_message_is_classified_by_keyboard(tab, served):
    """Tab, type, Ctrl + Enter: category, a bar for each probability, no request to anywhere else."""
    tab.keyboard.press("Tab")
    assert tab.locator(":focus").get_attribute("id") == "subject"
    tab.keyboard.type("Lost card")
    tab.keyboard.press("Tab")
    tab.keyboard.type("I lost my card <b>now</b>")
    tab.keyboard.press("Control+Enter")
    tab.locator("#answer h2").wait_for()
    assert tab.locator("#answer h2").text_content() == "urgent"
    rows = tab.locator("#shares tbody tr")
    assert rows.count() == chats()["category"].nunique()
    shares = [float(text.removesuffix(" %")) for text in tab.locator("#shares .share").all_text_contents()]
    assert shares == sorted(shares, reverse=True)
    assert abs(sum(shares) - 100) < 0.2
    assert widths(tab, "#shares") == pytest.approx(shares, abs=1)
    grounds = "[...document.querySelectorAll('.bar, .fill')].map(tag => getComputedStyle(tag).backgroundColor)"
    assert len(set(tab.evaluate(grounds))) == 2  # a bar is seen on its ground
    heights = tab.locator(".share").evaluate_all("shares => shares.map(share => share.clientHeight)")
    assert len(set(heights)) == 1  # no number is broken in two
    assert_fits(tab)
    assert all(url.startswith((f"http://127.0.0.1:{served.port}/", "data:")) for url in tab.requests), tab.requests
    assert tab.errors == []


def test_the_words_that_contributed_are_shown(tab):
    """Strongest first, each with a bar and its number, nothing but what the service says; and none where none contributed."""
    words = sort(tab, "I lost my card, please block my card " + "<i>blocked</i> " * 9)["words"]
    tab.get_by_role("heading", name="Words that contributed most").wait_for()
    assert tab.locator("#words tbody th").all_text_contents() == [one["word"] for one in words]
    values = [one["contribution"] for one in words]
    assert values == sorted(values, reverse=True)
    assert tab.locator("#words .share").all_text_contents() == [f"+{value:.2f}" for value in values]
    assert widths(tab, "#words") == pytest.approx([100 * value / values[0] for value in values], abs=1)
    assert_fits(tab)
    assert sort(tab, "zzz")["words"] == []
    assert tab.locator("#words").inner_text().split("\n")[-1] == "No word of this message contributed."
    assert not tab.locator("#words table").is_visible()
    assert tab.errors == []


def test_keyboard_focus_is_visible(tab):
    """Subject, body, button."""
    stops = []
    for _ in range(3):
        tab.keyboard.press("Tab")
        stops.append(tab.locator(":focus").evaluate("tag => [tag.tagName, getComputedStyle(tag).outlineStyle]"))
    assert stops == [["INPUT", "solid"], ["TEXTAREA", "solid"], ["BUTTON", "solid"]]


def test_errors_are_shown(tab):
    """Too long a text, and a service that is away."""
    tab.get_by_label("Body").fill("x" * 20_001)
    tab.get_by_role("button", name="Sort").click()
    tab.get_by_role("alert").wait_for()
    assert "/messages/0/body is longer than 20000 characters" in tab.get_by_role("alert").text_content()
    assert not tab.locator("#answer").is_visible()
    tab.get_by_label("Body").fill("x")
    tab.context.set_offline(True)
    tab.get_by_role("button", name="Sort").click()
    tab.get_by_text("The service does not answer.").wait_for()
    assert_fits(tab)


def test_the_page_is_accessible(tab):
    """axe finds nothing against WCAG 2.2 A and AA, with and without an answer."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    # The page's own policy forbids what axe needs; it is tested above.
    for answered in (False, True):
        if answered:
            assert sort(tab, "I lost my card")["words"]
        found = axe.Axe().run(tab, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
        assert found.response["violations"] == []
