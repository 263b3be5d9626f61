"""Requests and responses as pydantic models; the OpenAPI document holds their schemas."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from chatkit.project import read_yaml

# PostgreSQL cannot store NUL, nor UTF-8 half a surrogate pair, which a cut emoji leaves behind.
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(text):
    """Replace what cannot be stored by U+FFFD."""
    return _NOT_STORABLE.sub("\ufffd", text) if isinstance(text, str) else text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _text(max_length, min_length=0):
    return Annotated[str, Field(max_length=max_length, min_length=min_length), BeforeValidator(_storable)]


_Name = _text(200, 1)
_WORDS = "with ?words=true: those that contributed most, the strongest first; null from a classifier that weighs none"


def messages_model(settings):
    """Return the model of POST /messages, with the limits of `settings`."""
    text = _text(settings.longest_text)

    class Message(_Strict):
        """A message; the two ids come back with its prediction."""

        message_id: _Name
        conversation_id: _Name
        subject: text
        body: text

    class Messages(_Strict):
        """Messages to classify."""

        messages: Annotated[list[Message], Field(min_length=1, max_length=settings.most_messages)]

    return Messages


class Relabel(_Strict):
    """The category that a prediction should have had."""

    prediction_id: Annotated[str, Field(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    category: _Name
    by: _Name
    reason: _text(1000) | None = None


class Relabels(_Strict):
    """Relabels: all are added or none."""

    relabels: Annotated[list[Relabel], Field(min_length=1, max_length=256)]


class Word(_Strict):
    """A word of a message, or several in a row, as the model counts it."""

    word: str
    contribution: float = Field(description="in units of the model's margin")


class Prediction(_Strict):
    """The model's answer for a message."""

    prediction_id: str = Field(description="to relabel the prediction with")
    message_id: str
    conversation_id: str
    category: str
    probabilities: dict[str, float] | None = Field(description="null from a classifier that gives none")
    model: str = Field(description="SHA-256 of what determines the model's answers")
    audit: bool = Field(description="in the random audit sample: relabel it even where it is right")
    words: Annotated[list[Word], Field(max_length=10)] | None = Field(None, description=_WORDS)


class Predictions(_Strict):
    """One prediction for each message, in their order."""

    predictions: list[Prediction]


class Stored(_Strict):
    """Relabels that were added."""

    relabel_ids: list[str]


class InvalidPart(_Strict):
    """A part of the request that is not valid."""

    path: str = Field(description="JSON pointer (RFC 6901) into the body; a parameter has a ? in front of its name")
    detail: str


class Problem(_Strict):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[InvalidPart] = []


class Write(_Strict):
    """The last attempt to write to the log's database."""

    at: str
    worked: bool
    error: str | None


class SpoolState(_Strict):
    """The files of rows on their way to the database."""

    works: bool
    files_behind: int = Field(description="with rows that are not in memory, and are written later")


class LogState(_Strict):
    """The log of predictions."""

    queue: int = Field(description="rows in memory")
    oldest_seconds: float = Field(description="how long the first of them has waited")
    buffer: int = Field(description="rows that fit into memory")
    dropped: int = Field(description="rows lost since the start")
    spool: SpoolState | None
    last_write: Write | None


class Workers(_Strict):
    """The processes that answer."""

    expected: int
    answering: int = Field(description="one that died is missing until it is replaced")


class Health(_Strict):
    """The state of the service, over all workers."""

    live: bool
    ready: bool
    workers: Workers
    model: str | None = Field(description="as in a prediction; null while the workers have different ones")
    loaded_at: str
    reload_error: str | None = Field(description="why the last reload failed")
    log: LogState


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
    models = [(messages_model(settings), "validation"), (Relabels, "validation")]
    models += [(model, "serialization") for model in (Predictions, Stored, Problem, Health)]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    schemas["$defs"]["Relabel"]["properties"]["category"]["enum"] = classes
    document = read_yaml(Path(__file__).with_name("openapi.yaml"))
    document["info"]["version"] = version
    document["components"]["schemas"] = schemas["$defs"]
    return document
