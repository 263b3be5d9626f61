"""Request bodies are read and validated, and every error gets the form of RFC 9457, without a word of the request."""

import json
import logging
import traceback

from flask import abort, request
from pydantic import ValidationError
from werkzeug.exceptions import BadRequest, ClientDisconnected, InternalServerError
from werkzeug.http import HTTP_STATUS_CODES

LOGGER = logging.getLogger("chatkit.service")
DETAILS = {
    400: "The request is not valid.",
    404: "There is nothing at this address; /openapi.json lists the addresses.",
    405: "This address does not allow this method; the header Allow lists those that it does.",
    408: "The body did not arrive whole, or not in time.",
    413: "The body is larger than this service allows; send fewer messages.",
    500: "Internal error; the service's own log says where.",
}
# By the type of pydantic's error, whose own message could hold a value that was sent.
ERROR_TEXTS = {
    "missing": "is missing",
    "string_type": "must be a string",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "must not be empty",
    "list_type": "must be an array",
    "too_long": "has more than {max_length} entries",
    "too_short": "must not be empty",
    "model_type": "must be an object",
    "extra_forbidden": "has an unknown field",
}


def read_body(largest):
    """Return the request's JSON as Python objects.

    Parameters
    ----------
    largest : int
        Bytes. Flask's own limit must be one more: it cuts off a chunked body without an error.

    Returns
    -------
    object

    Raises
    ------
    werkzeug.exceptions.HTTPException
        400 when it is empty or no JSON, 408 when it does not arrive in time, 413 when it is too large, 415 when it is
        compressed or of another type.
    """
    if request.content_length in {None, 0} and "Transfer-Encoding" not in request.headers:
        abort(400, "The body is empty; /openapi.json says what to send.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        abort(415, "Compressed bodies are not supported; send JSON without Content-Encoding.")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in {"utf-8", "utf8"}:
        abort(415, "Expected JSON in UTF-8; send it with the header `Content-Type: application/json`.")
    if (request.content_length or 0) > largest:
        abort(413)
    try:
        data = request.get_data(cache=False)
    except (ClientDisconnected, OSError):
        abort(408)
    except Exception:  # noqa: BLE001 - each server raises its own for a body that breaks off
        abort(400, "The body breaks off.")
    if len(data) > largest:
        abort(413)
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        abort(400, "The body is not valid JSON in UTF-8; /openapi.json says what to send.")


def validate(data, model):
    """Validate data with a pydantic model.

    Parameters
    ----------
    data : object
        From `read_body`.
    model : type of pydantic.BaseModel

    Returns
    -------
    pydantic.BaseModel

    Raises
    ------
    werkzeug.exceptions.BadRequest
        With the first ten errors.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        details = {}
        for one in error.errors(include_url=False, include_input=False)[:10]:
            # The name of an unknown field was sent, so it is left out.
            location = one["loc"][:-1] if one["type"] == "extra_forbidden" else one["loc"]
            detail = ERROR_TEXTS.get(one["type"], "is not valid").format(**one.get("ctx", {}))
            details["".join(f"/{part}" for part in location)] = detail
    raise with_errors(BadRequest("The body is not valid; `errors` says where."), details)


def with_errors(error, details):
    """Return an HTTP error that names the places that are wrong: `details` by JSON pointer."""
    error.members = {"errors": [{"path": path, "detail": detail} for path, detail in details.items()]}
    return error


def problem_json(status, detail=None, **members):
    """Return the content of an error as RFC 9457 has it."""
    title = HTTP_STATUS_CODES.get(status, "Error")
    detail = detail or DETAILS.get(status, f"{title}.")
    return json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail, **members})


def problem(error):
    """Return the response for an HTTP error."""
    response, given = error.get_response(), vars(error)
    # werkzeug's own description may hold what was sent; one that was given in this package does not.
    response.data = problem_json(response.status_code, given.get("description"), **given.get("members", {}))
    response.content_type = "application/problem+json"
    return response


def unexpected(error):
    """Log where an exception was raised, not its text, which may hold a chat; returns the response."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    LOGGER.error("%s in %s:%d", type(error).__name__, frame.filename, frame.lineno)
    return problem(InternalServerError())
