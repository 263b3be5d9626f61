"""What goes in and what comes out, as pydantic models; the OpenAPI document is made of them."""

import re
from functools import cache
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import models_json_schema

_HALF = re.compile("[\ud800-\udfff]")
LONGEST_NAME, LONGEST_REASON = 200, 1000
# Other texts of pydantic could hold what was sent.
SAYINGS = {
    "missing": "is missing",
    "string_type": "must be a string",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "must not be empty",
    "list_type": "must be an array",
    "too_long": "has more than {max_length} entries",
    "too_short": "must not be empty",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "extra_forbidden": "has a field that is not known here",
}


def _whole(text):
    """Half a surrogate pair, as a cut emoji leaves it behind, is no character."""
    return _HALF.sub("\ufffd", text) if isinstance(text, str) and not text.isascii() else text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _text(longest, shortest=0):
    return Annotated[str, Field(max_length=longest, min_length=shortest), BeforeValidator(_whole)]


_Name = _text(LONGEST_NAME, 1)


def messages_model(settings):
    """Return the model of POST /messages, with the limits of `settings`."""
    text = _text(settings.longest_text)

    class Message(_Strict):
        """A chat; the two ids come back with its prediction."""

        message_id: _Name
        conversation_id: _Name
        subject: text
        body: text

    class Messages(_Strict):
        """Chats to sort."""

        messages: Annotated[list[Message], Field(min_length=1, max_length=settings.most_messages)]

    return Messages


class Relabel(_Strict):
    """What a person says of a prediction."""

    prediction_id: Annotated[str, Field(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    category: _Name
    by: _Name
    reason: _text(LONGEST_REASON) | None = None


class Relabels(_Strict):
    """Relabels, taken together or not at all."""

    relabels: Annotated[list[Relabel], Field(min_length=1, max_length=256)]


class Word(_Strict):
    """A word of a chat, or a run of words, as the model counts it."""

    word: str
    contribution: float = Field(description="in units of the model's margin")


class Prediction(_Strict):
    """What the model says of a chat."""

    prediction_id: str = Field(description="to relabel the prediction with")
    message_id: str
    conversation_id: str
    category: str
    probabilities: dict[str, float] | None = Field(description="null from a classifier that gives none")
    model: str = Field(description="SHA-256 of what determines the model's answers")
    audit: bool = Field(description="drawn at random: let a person look, and relabel it even where it is right")
    words: Annotated[list[Word], Field(max_length=10)] | None = Field(
        None,
        description="with ?words=true: those that spoke for the category, the strongest first; null from a classifier "
        "that weighs no words",
    )


class Predictions(_Strict):
    """One prediction for each chat, in their order."""

    predictions: list[Prediction]


class Stored(_Strict):
    """Relabels that were added."""

    relabel_ids: list[str]


class Fault(_Strict):
    """A place in the request that is not what it must be."""

    path: str = Field(description="JSON pointer (RFC 6901) into the body; a parameter has a ? in front of its name")
    detail: str


class Problem(_Strict):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = []


class Write(_Strict):
    """The last time that the log's database was written, or was tried to."""

    at: str
    worked: bool
    error: str | None


class SpoolState(_Strict):
    """The files of rows on their way to the database."""

    works: bool
    files_behind: int = Field(description="whose rows are not in memory, and are written when there is time")


class LogState(_Strict):
    """The log of predictions."""

    queue: int = Field(description="rows in memory")
    oldest_seconds: float = Field(description="how long the first of them has waited")
    buffer: int = Field(description="rows that memory takes")
    dropped: int = Field(description="rows lost since the start")
    spool: SpoolState | None
    last_write: Write | None


class Workers(_Strict):
    """The processes that answer."""

    expected: int
    answering: int = Field(description="one that has died is missing until another has taken its place")


class Health(_Strict):
    """How the service is: its workers together."""

    live: bool
    ready: bool
    workers: Workers
    model: str | None = Field(
        description="SHA-256 of what determines the model's answers; null while not all workers have the same"
    )
    loaded_at: str
    reload_error: str | None = Field(description="why the last model that was to be taken was not")
    log: LogState


def pointer(place, known):
    """Write a place in a body as a JSON pointer; names that came in with the body are left out.

    Examples
    --------
    >>> pointer(("messages", 0, "body"), {"messages", "body"})
    '/messages/0/body'
    >>> pointer(("messages", 0, "password"), {"messages"})
    '/messages/0'
    """
    return "".join(f"/{part}" for part in place if isinstance(part, int) or part in known)


def faults(error, model):
    """Say what is wrong with a body, without a word of the body.

    Parameters
    ----------
    error : pydantic.ValidationError
    model : type of pydantic.BaseModel

    Returns
    -------
    list of dict
        path and detail of the first ten.
    """
    known = _names_of(model)
    said = []
    for one in error.errors(include_url=False, include_context=True, include_input=False)[:10]:
        saying = SAYINGS.get(one["type"], "is not what it must be").format(**one.get("ctx", {}))
        said.append({"path": pointer(one["loc"], known), "detail": saying})
    return said


@cache
def _names_of(model):
    return names(model.model_json_schema())


def names(schema):
    """Names of all fields in a JSON schema."""
    found = set(schema.get("properties", ()))
    for part in schema.get("$defs", {}).values():
        found |= names(part)
    return found


def openapi(settings, classes, version):
    """Describe the service as OpenAPI 3.1.

    Parameters
    ----------
    settings : chatkit.service.settings.Settings
    classes : list of str
        Categories that a relabel may name.
    version : str
        Of chatkit.

    Returns
    -------
    dict
    """
    messages = messages_model(settings)
    used = [(messages, "validation"), (Relabels, "validation")]
    used += [(model, "serialization") for model in (Predictions, Stored, Problem, Health)]
    _, schemas = models_json_schema(used, ref_template="#/components/schemas/{model}")
    schemas["$defs"]["Relabel"]["properties"]["category"]["enum"] = classes

    def content(name, kind="application/json"):
        return {"content": {kind: {"schema": {"$ref": f"#/components/schemas/{name}"}}}}

    def answers(good, meaning, name, problems):
        texts = {
            400: "The body is not what it must be", 401: "No token, or the wrong one", 403: "Relabels are switched off",
            404: "No such prediction", 408: "The body did not come in time", 413: "The body is too large",
            415: "The body is no JSON in UTF-8", 503: "Too busy, or the log is away; come again",
        }  # fmt: skip
        found = {str(code): {"description": texts[code], **content("Problem", "application/problem+json")}
                 for code in problems}  # fmt: skip
        return {str(good): {"description": meaning, **content(name)}, **found}

    def post(summary, body, responses, **more):
        return {"post": {"summary": summary, "requestBody": {"required": True, **content(body)}, "responses": responses,
                         **more}}  # fmt: skip

    def get(summary, response):
        return {"get": {"summary": summary, "responses": {"200": response}}}

    text = {"description": "Text", "content": {"text/plain": {"schema": {"type": "string"}}}}
    page = {"description": "A page", "content": {"text/html": {"schema": {"type": "string"}}}}
    document = {"description": "This document", "content": {"application/json": {"schema": {"type": "object"}}}}
    said = "also say which words spoke for the category"
    words = {"name": "words", "in": "query", "description": said, "schema": {"type": "string", "enum": ["true"]}}
    refused = (400, 408, 413, 415, 503)
    return {
        "openapi": "3.1.0",
        "info": {"title": "chatkit", "version": version, "description": "Sorts support chats into categories."},
        "paths": {
            "/messages": post(
                "Sort chats", "Messages", answers(200, "Predictions", "Predictions", refused), parameters=[words],
            ),
            "/relabels": post(
                "Say which category predictions should have had", "Relabels",
                answers(201, "Added", "Stored", (*refused, 401, 403, 404)), security=[{"token": []}],
            ),
            "/health": get("How the service is", {"description": "Alive", **content("Health")}),
            "/metrics": get("Metrics for Prometheus", text),
            "/openapi.json": get("This document", document),
            "/": get("A page to try the model on", page),
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip
