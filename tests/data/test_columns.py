"""Whose columns a file has: ours in any case, those of --map, or a help desk's."""

import json
from pathlib import Path

import pytest

from chatkit.data import columns
from chatkit.data.columns import OURS, read_mapping
from chatkit.data.load import read_export
from chatkit.project import InputError, read_yaml

# What the help desks' exports look like, with invented chats; each is told by its own columns.
ZENDESK_CSV = (
    "Id,Requester,Requester id,Group,Subject,Description,Tags,Status,Ticket type,Created at\n"
    "71,Ann,8,Cards,Lost card,I lost it,vip,Open,Incident,2026-03-01 10:00\n"
)
ZENDESK_JSON = {
    "tickets": [
        {"id": 71, "url": "x", "subject": "Lost card", "raw_subject": "Lost card", "description": "I lost it",
         "requester_id": 8, "group_id": 4, "type": "Cards", "created_at": "2026-03-01T10:00:00Z", "custom_fields": [{"id": 1, "value": None}]}
    ],
    "next_page": None,
}  # fmt: skip
INTERCOM_JSON = {
    "type": "conversation.list",
    "conversations": [
        {"type": "conversation", "id": "71", "created_at": 1772359200, "title": None,
         "source": {"subject": "Lost card", "body": "<p>I lost it</p>", "author": {"type": "user", "id": "8"}},
         "tags": {"type": "tag.list", "tags": [{"name": "Cards"}]}}
    ],
}  # fmt: skip
FRESHDESK_CSV = (
    "Ticket ID,Subject,Description,Status,Type,Agent,Group,Created time,Contact ID\n"
    "71,Lost card,I lost it,Open,Cards,Bo,First,2026-03-01 10:00:00,8\n"
)
JIRA_CSV = (
    "Summary,Issue key,Issue id,Issue Type,Status,Reporter Id,Created,Component/s,Comment,Comment,Description\n"
    "Lost card,71,1,Bug,Open,8,01/Mar/26 10:00 AM,Cards,a,b,I lost it\n"
)
DESKS = {
    "Zendesk names them: id=Id, customer_id=Requester id, created_at=Created at, subject=Subject, body=Description, category=Group": (
        "a.csv",
        ZENDESK_CSV,
    ),
    "Zendesk names them: id=id, customer_id=requester_id, created_at=created_at, subject=subject, body=description, category=type": (
        "a.json",
        json.dumps(ZENDESK_JSON),
    ),
    "Intercom names them: id=id, customer_id=source.author.id, created_at=created_at, subject=source.subject, body=source.body, category=tags.tags": (
        "a.json",
        json.dumps(INTERCOM_JSON),
    ),
    "Freshdesk names them: id=Ticket ID, customer_id=Contact ID, created_at=Created time, subject=Subject, body=Description, category=Type": (
        "a.csv",
        FRESHDESK_CSV,
    ),
    "Jira names them: id=Issue key, customer_id=Reporter Id, created_at=Created, subject=Summary, body=Description, category=Component/s": (
        "a.csv",
        JIRA_CSV,
    ),
}


def export(folder, text, name="a.csv", **mapping):
    """What is read of a file with a text."""
    (folder / name).write_text(text)
    return read_export(folder / name, mapping)


@pytest.mark.parametrize("said", DESKS)
def test_the_export_of_a_help_desk_is_mapped_by_itself(tmp_path, said):
    """And says how."""
    name, text = DESKS[said]
    found = export(tmp_path, text, name)
    assert found.notes[1] == f"columns as {said}"
    (chat,) = found.chats[["id", "customer_id", "subject", "body", "category"]].to_numpy().tolist()
    assert chat == ["71", "8", "Lost card", "I lost it", "Cards"]
    assert str(found.chats["created_at"][0]) == "2026-03-01 10:00:00"


def test_a_conversation_needs_no_title(tmp_path):
    """Nor does a category that is empty throughout count: the next one does."""
    text = "Conversation ID,First message,Topic,Tags,Started at\n7,Hi,,Cards,1772359200\n"
    found = export(tmp_path, text)
    assert found.chats.loc[0, ["id", "subject", "body", "category"]].tolist() == ["7", "", "Hi", "Cards"]
    found = export(tmp_path, text + "8,Hi,Loans,Cards,1772359200\n")
    assert found.chats["category"].tolist() == ["", "Loans"]


def test_names_may_differ_in_case(tmp_path):
    """As spreadsheets write them; other columns keep theirs."""
    found = export(tmp_path, " ID ,SUBJECT,Body,category,Created_At,Agent\n7,a,b,x,2026-03-01,Bo\n")
    assert list(found.chats.columns) == [*OURS, "Agent"]
    assert len(found.notes) == 1


def test_map_names_the_columns(tmp_path):
    """Ours where it says nothing; one column may be two of ours; a name that is taken gets a number."""
    text = "Nr,Title,body,Text,Topic,id\n7,a,old,new,x,9\n"
    found = export(tmp_path, text, id="Nr", subject="title", body="Text", category="Topic", split="Topic")
    assert found.chats.loc[0, ["id", "subject", "body", "category", "split"]].tolist() == ["7", "a", "new", "x", "x"]
    assert found.chats.loc[0, ["body 2", "id 2"]].tolist() == ["old", "9"]
    assert found.notes[1] == "columns as --map says: id=Nr, subject=Title, body=Text, category=Topic, split=Topic"


def test_map_speaks_before_the_help_desk(tmp_path):
    """What it names is taken from there, the rest as before."""
    found = export(tmp_path, ZENDESK_CSV, category="Ticket type")
    assert found.chats.loc[0, ["id", "category"]].tolist() == ["71", "Incident"]


@pytest.mark.parametrize(
    ("header", "mapping", "said"),
    [
        ("Id,id,subject,body,category", {}, "has the columns Id and id, of which either could be id"),
        ("id,subject,subject,body,category", {}, "has the columns subject and subject, of which"),
        ("id,subject,text,category,z", {}, "has the columns id, subject, text, category, z, but body is missing; .* --map body=NAME"),
        ("id,subject,text,category,z", {"body": "txt"}, "says that body is 'txt', but a.csv has the columns id"),
        ("id,subject,Text,TEXT,category", {"body": "text"}, "has the columns Text and TEXT, of which either could be body"),
        (",".join(f"c{n}" for n in range(2000)), {}, "c19 and 1980 more, but id, subject, body, category is missing"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_one_sentence(tmp_path, header, mapping, said):
    """Twice the same, none, or another name."""
    with pytest.raises(InputError, match=said):
        export(tmp_path, f"{header}\n{','.join('1' * (header.count(',') + 1))}\n", **mapping)


@pytest.mark.parametrize("text", ["subject", "subject=", "=x", "title=Subject", "subject=a,subject=b", ""])
def test_a_map_that_says_nothing_is_one_sentence(text):
    """What was received, and an example."""
    with pytest.raises(InputError, match="--map has .*, expected each of id, "):
        read_mapping([text])


def test_exports_name_columns_of_ours():
    """A slip in the table would never be found by a file."""
    for one in read_yaml(Path(columns.__file__).with_name("exports.yaml")):
        assert set(one) == {"tool", "marks", "names"}
        assert set(one["names"]) <= set(OURS)
        names = [name for names in (*one["names"].values(), *one["marks"]) for name in names]
        assert names == [columns._folded(name) for name in names]
