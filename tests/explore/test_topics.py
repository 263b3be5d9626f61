"""Topics and the map: what belongs together is together, the same every time."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from chatkit.explore.chats import Chats
from chatkit.project import InputError
from tests.conftest import word

WORDS = 6  # of a subject matter


@pytest.fixture(scope="module")
def planted():
    """Chats on four matters with words of their own; two categories cut across them, and two chats have no word."""
    draw = np.random.default_rng(0)
    matters = draw.permutation(np.repeat(np.arange(4), [60, 50, 40, 30]))
    bodies = [" ".join(word(9, matter, one) for one in draw.choice(WORDS, 4)) for matter in matters]
    frame = pd.DataFrame({"subject": "", "body": [*bodies, "", "?"], "category": "a"})
    frame.loc[::3, "category"] = "b"
    return Chats(frame), np.append(matters, [-1, -1])


def test_topics_are_what_was_planted(planted):
    """The largest first, stable, told by their own words; chats without a word are in none."""
    chats, matters = planted
    topics = chats.topics(4)
    assert adjusted_rand_score(matters, topics.labels) == 1
    assert topics.table["chats"].tolist() == [60, 50, 40, 30]
    assert topics.labels[-2:].tolist() == [0, 0]
    assert "2 have no word in common" in repr(topics)
    for topic, words in zip(topics.table["topic"], topics.table["words"], strict=True):
        (matter,) = set(matters[topics.labels == topic])
        assert set(words.split(", ")) == {word(9, matter, one) for one in range(WORDS)}
        assert set(topics.chats_of(topic, 99)["id"]) == set(np.flatnonzero(matters == matter))
    assert topics.by_category().loc[1:].sum(axis=1).tolist() == [60, 50, 40, 30]


def test_what_chance_decides_is_called_unstable(planted):
    """Four matters are not nine: some of the nine topics are hardly found again, and this is said by number."""
    topics = planted[0].topics(9)
    unstable = topics.table.loc[topics.table["stable"] < 0.6, "topic"].astype(str)
    assert len(unstable)
    assert f"Hardly found again: {', '.join(unstable)}." in repr(topics)
    assert "Hardly found again: none." in repr(planted[0].topics(4))


def test_topics_and_map_are_the_same_on_any_number_of_threads(planted):
    """Every bit of them; another seed gives another map."""
    chats = planted[0]
    with threadpool_limits(4):
        many = chats.topics(5).table, chats.map().points
    with threadpool_limits(1):
        one = chats.topics(5).table, chats.map().points
    for frame, other in zip(many, one, strict=True):
        pd.testing.assert_frame_equal(frame, other, check_exact=True)
    assert not np.array_equal(Chats(chats.frame, seed=1).map().points["x"], one[1]["x"])


@pytest.mark.parametrize("n", [0, 1000, "many", 2.5])
def test_another_number_of_topics_is_refused(planted, n):
    """What was received, and how many there can be."""
    with pytest.raises(InputError, match=rf"^Got n={n!r}, expected a number from 1 to \d+"):
        planted[0].topics(n)
    with pytest.raises(InputError, match="^Got the topic 99, expected a number from 1 to 3"):
        planted[0].topics(3).chats_of(99)


def test_few_chats_have_few_topics(chats):
    """Two texts, again and again: one topic by default, two when asked for, no third, and no map."""
    explored = Chats(chats)
    assert len(explored.topics().table) == 1
    assert explored.topics(2).table["chats"].tolist() == [12, 12]
    with pytest.raises(InputError, match="1 to 2"):
        explored.topics(3)
    with pytest.raises(InputError, match="^Got chats with 2 different texts, expected 10"):
        explored.map()


def test_alike_chats_are_near_each_other_on_the_map(planted):
    """The nearest point of nearly every chat is one on the same matter."""
    chats, matters = planted
    points = chats.map().points
    places, matters = points[["x", "y"]].to_numpy(), matters[points["id"]]
    assert places.min() == 0
    assert places.max() == 1
    distance = ((places[:, None] - places) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (matters[distance.argmin(axis=1)] == matters).mean() > 0.95


def test_a_region_has_the_chats_inside(planted):
    """With the words that tell them from the others; an empty one is refused."""
    chat_map = planted[0].map()
    center = chat_map.points.iloc[0]
    region = chat_map.region(center.x - 0.01, center.x + 0.01, center.y - 0.01, center.y + 0.01)
    assert center["id"] in region.points["id"].tolist()
    assert region.points["x"].between(center.x - 0.01, center.x + 0.01).all()
    matter = planted[1][center["id"]]
    assert region.words.split(", ")[0] in {word(9, matter, one) for one in range(WORDS)}
    with pytest.raises(InputError, match="^No chat of the map is in this rectangle"):
        chat_map.region(left=2)


def test_what_is_selected_on_the_map_is_read_below(planted):
    """The positions that the browser sends give the chats' table; none, nothing."""
    chat_map = planted[0].map()
    canvas, read = chat_map.widget().children
    assert len(canvas.points) == len(chat_map.points)
    canvas.selected = [3, 5]
    assert read.value.startswith("<p>2 chats: ")
    assert all(message in read.value for message in chat_map.points["message"].iloc[[3, 5]])
    canvas.selected = []
    assert read.value == ""
