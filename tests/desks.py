"""Exports as help desks and people write them: their columns, dates and quirks, with the simulator's texts."""

import csv
import io
import json
from xml.sax.saxutils import escape

from chatkit.data.simulate import simulate
from tests.data.test_formats import workbook

# What each calls the simulator's categories.
ZENDESK = {"urgent": "Urgent - cards", "incident": "App problems", "new product": "Sales", "other": "Other"}
INTERCOM = {"urgent": "p1", "incident": "bug", "new product": "sales", "other": "feedback"}
FRESHDESK = {"urgent": "Card problem", "incident": "App", "new product": "Lead", "other": "Feedback"}
JIRA = {"urgent": "Cards", "incident": "Mobile App", "new product": "mobile app", "other": "Misc"}
PERSON = {"urgent": "Karte gesperrt", "incident": "App", "new product": "Vertrieb", "other": "Sonstiges"}


def _csv(columns, rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return out.getvalue().encode()


def zendesk_csv(chats):
    """The CSV export of a view, with "-" for nothing and a custom field."""
    columns = (
        "Summation column,Id,Requester,Requester id,Requester email,Assignee,Group,Subject,Description,Tags,Status,"
        "Priority,Via,Ticket type,Created at,Solved at,Category [list]"
    ).split(",")
    return _csv(
        columns,
        [
            {"Summation column": 1, "Id": 71000 + number, "Requester": "Ann", "Requester id": chat["customer_id"],
             "Group": ZENDESK.get(chat["category"], "Help"), "Subject": chat["subject"], "Description": chat["body"],
             "Assignee": "-", "Priority": "-", "Created at": chat["created_at"].strftime("%Y-%m-%d %H:%M")}
            for number, chat in enumerate(chats)
        ],
    )  # fmt: skip


def zendesk_json(chats):
    """The full JSON export: one ticket a line, people and groups within it."""
    return "\n".join(
        json.dumps(
            {"url": "x", "id": 71000 + number, "created_at": chat["created_at"].strftime("%Y-%m-%dT%H:%M:%SZ"),
             "type": None, "subject": chat["subject"] or None, "raw_subject": chat["subject"] or None,
             "description": chat["body"], "tags": ["a"] * (number % 2), "custom_fields": [{"id": 1, "value": None}],
             "requester": {"id": number // 2, "name": "Ann"},
             "group": {"id": 4, "name": ZENDESK.get(chat["category"], "Help")}, "comments": [{"id": 1, "body": "a"}]}
        )
        for number, chat in enumerate(chats)
    ).encode()  # fmt: skip


def intercom_json(chats):
    """The list of conversations of the API: HTML, seconds since 1970, no title."""
    conversations = [
        {"type": "conversation", "id": str(1911149811 + number), "created_at": int(chat["created_at"].timestamp()),
         "title": None, "source": {"type": "conversation", "id": str(number), "subject": "",
             "body": f"<p>{chat['subject']}</p>\n<p>{chat['body'].replace('&', '&amp;').replace('<', '&lt;')}</p>",
             "author": {"type": "user", "id": chat["customer_id"]}},
         "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "5"}]},
         "tags": {"type": "tag.list", "tags": []}, "custom_attributes": {"priority": "High"},
         "topics": {"type": "topic.list", "topics": [{"name": INTERCOM.get(chat["category"], "how to")}]}}
        for number, chat in enumerate(chats)
    ]  # fmt: skip
    return json.dumps({"type": "conversation.list", "pages": {"page": 1}, "conversations": conversations}).encode()


def freshdesk_csv(chats):
    """The CSV export of tickets; some have no type, and no group is one."""
    columns = (
        "Ticket ID,Subject,Description,Status,Priority,Source,Type,Agent,Group,Created time,Due by Time,Closed time,"
        "Tags,Full name,Email,Contact ID"
    ).split(",")
    return _csv(
        columns,
        [
            {"Ticket ID": number + 1, "Subject": chat["subject"], "Description": chat["body"], "Priority": "Urgent",
             "Type": FRESHDESK.get(chat["category"], "Question") if number % 17 else "", "Agent": "No Agent",
             "Group": "No Group", "Created time": chat["created_at"].strftime("%Y-%m-%d %H:%M:%S"),
             "Contact ID": chat["customer_id"]}
            for number, chat in enumerate(chats)
        ],
    )  # fmt: skip


def jira_csv(chats):
    """All fields: columns twice, 14/Jul/25 3:42 PM, None for nobody, a component of one issue, one in two spellings."""
    columns = (
        "Summary,Issue key,Issue id,Issue Type,Status,Priority,Reporter,Reporter Id,Created,Component/s,Component/s,"
        "Labels,Labels,Description,Comment,Comment"
    ).split(",")
    rows = [
        [chat["subject"] or "None", f"SUP-{number}", 10000 + number, "Task", "Done", "Medium", "ann",
         "None" if number % 3 else chat["customer_id"], chat["created_at"].strftime("%d/%b/%y %I:%M %p"),
         JIRA.get(chat["category"], "Docs") if number else "Legacy", "", "x", "", chat["body"], "bo;hello", ""]
        for number, chat in enumerate(chats)
    ]  # fmt: skip
    return _csv(columns, []) + b"".join(_csv(row, []) for row in rows)


def person_xlsx(chats):
    """A spreadsheet: numbers for ids, a word where a conversation is not known."""
    return workbook(
        [
            ["ID", "Subject", "Body", "Category", "Conversation_id", "created_at"],
            *(
                [number, escape(chat["subject"]), escape(chat["body"]), PERSON.get(chat["category"], "Frage"),
                 "unknown" if number % 4 else f"k{number}", str(chat["created_at"])]
                for number, chat in enumerate(chats)
            ),
        ]
    )  # fmt: skip


DESKS = {
    "zendesk.csv": zendesk_csv,
    "zendesk.json": zendesk_json,
    "intercom.json": intercom_json,
    "freshdesk.csv": freshdesk_csv,
    "jira.csv": jira_csv,
    "person.xlsx": person_xlsx,
}


def write_export(folder, name, number):
    """Write an export with so many chats; return its path."""
    chats, _ = simulate(number, 5)
    file = folder / name
    file.write_bytes(DESKS[name](chats.to_dict("records")))
    return file
