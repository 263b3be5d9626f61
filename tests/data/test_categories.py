"""Names of categories: trimmed, alike ones named, merged only when somebody says so."""

import pytest

from chatkit.data.categories import Renames, doubtful_names, trimmed
from chatkit.data.load import write_sqlite
from chatkit.data.warehouse import extract
from chatkit.project import InputError

URL = "sqlite:///data/warehouse/chats.sqlite"


def extracted(project, **options):
    """What the stage query writes beside the chats."""
    return extract(URL, project / "queries" / "chats.sql", None, project / "data" / "chats.parquet", **options)


@pytest.mark.parametrize("name", ["x", " x\t", "\u3000x\u00a0", "\u200bx \ufeff"])
def test_spaces_around_a_name_are_no_part_of_it(name):
    """Those that nobody sees, too; within it they are left for people to decide."""
    assert trimmed(name) == "x"
    assert trimmed(f"a{name}b") == f"a{name}b"


@pytest.mark.parametrize(
    "names",
    [("Billing", "billing"), ("Sign up", "sign  up"), ("Café", "Cafe\u0301"), ("ABC", "ＡＢＣ"), ("a b", "a\u00a0b"),
     ("Straße", "STRASSE"), ("ﬁx", "fix"), ("Log\u200b in", "log in")],
)  # fmt: skip
def test_names_that_look_the_same_are_listed(names):
    """With counts, and with the line that would merge them, as YAML reads it."""
    from ruamel.yaml import YAML

    (line,) = doubtful_names({names[0]: 7, names[1]: 2, "other": 9})
    assert "(chats: 7)" in line
    assert "(chats: 2)" in line
    said = line.partition("write ")[2].partition(" into")[0]
    assert YAML(typ="safe").load(said) == {"category_map": {names[1]: names[0]}}


def test_other_names_are_left_alone():
    """What differs in a letter is another category; a word for nothing is asked about."""
    assert doubtful_names({"Billing": 7, "Bill": 2, "Sign up": 1, "Sign-up": 1}) == []
    (line,) = doubtful_names({"None": 7, "Bill": 2})
    assert 'category_map: {"None": null}' in line


def test_a_map_merges_renames_and_leaves_out(project, chats):
    """Counted row by row; the chats of a category without a name are left out as those of none."""
    names = ["urgent", "Urgent", "biling", "none", "a", "b"] * 4
    write_sqlite(URL, chats.assign(category=names))
    swapped = {"Urgent": "urgent", "biling": " Billing ", "none": None, "a": "b", "b": "a"}
    facts = extracted(project, category_map=swapped, chunk_size=7)
    assert facts["category_map"] == {
        "Urgent": {"to": "urgent", "rows": 4}, "biling": {"to": "Billing", "rows": 4}, "none": {"to": None, "rows": 4},
        "a": {"to": "b", "rows": 4}, "b": {"to": "a", "rows": 4},
    }  # fmt: skip
    assert (facts["rows"], facts["left_out"]["no_category"]) == (20, 4)
    import pandas as pd

    counts = pd.read_parquet(project / "data" / "chats.parquet")["category"].value_counts().to_dict()
    assert counts == {"urgent": 8, "Billing": 4, "a": 4, "b": 4}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            {"Urgnet": "x"},
            r"names the category 'Urgnet', which no chat has; correct or remove it; did you mean urgent\?",
        ),
        ({"zzz": "x"}, r"names the category 'zzz', which no chat has; correct or remove it"),
        (["urgent"], r"query.category_map in params.yaml is \['urgent'\], expected old and new names"),
        ({"urgent": ["a"]}, "expected old and new names"),
        ({"urgent": ""}, "expected old and new names"),
    ],
)
def test_a_map_that_does_not_fit_is_one_sentence(project, chats, names, said):
    """And nothing is written."""
    write_sqlite(URL, chats)
    with pytest.raises(InputError, match=said) as error:
        extracted(project, category_map=names)
    assert "\n" not in str(error.value)
    assert not (project / "data" / "chats.parquet").exists()


def test_a_name_that_is_a_number_is_one(project, chats):
    """YAML reads it as a number."""
    renames = Renames({1: "one"})
    assert renames.apply({"category": ["1", None]}) == {"category": ["one", None]}
    assert renames.facts() == {"1": {"to": "one", "rows": 1}}
