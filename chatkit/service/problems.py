"""What comes in is read here, and every error gets its one form: RFC 9457, without a word of what was sent."""

import json
import logging

from flask import Response, request
from pydantic import ValidationError
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    HTTPException,
    RequestEntityTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
)
from werkzeug.http import HTTP_STATUS_CODES

from chatkit.service.schema import faults

LOGGER = logging.getLogger("chatkit.service")
DETAILS = {
    400: "The request is not what it must be.",
    404: "There is nothing at this address; /openapi.json says what there is.",
    405: "This address does not take this method; the header Allow says which it takes.",
    500: "Something went wrong here; the service's own log says where.",
}


def read_body(largest):
    """Return the request's JSON as Python objects.

    Parameters
    ----------
    largest : int
        Bytes. Flask must be told one more: a body in chunks it cuts off without a word.

    Returns
    -------
    object

    Raises
    ------
    werkzeug.exceptions.HTTPException
        400 without data or where it is no JSON, 408 when it does not come, 413 when it is too large, 415 when it is
        compressed or of another type.
    """
    if request.content_length in {None, 0} and "Transfer-Encoding" not in request.headers:
        raise BadRequest("There is no data; /openapi.json says what to send.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Compressed bodies are not taken; send JSON as it is.")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Expected JSON in UTF-8; send it with the header `Content-Type: application/json`.")
    too_large = RequestEntityTooLarge("The body is larger than this service takes; send fewer messages.")
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise too_large from None
    except (ClientDisconnected, OSError):
        raise RequestTimeout("The body did not come whole, or not in time.") from None
    except Exception:  # noqa: BLE001 - each server has its own for a body that breaks off
        raise BadRequest("The body broke off.") from None
    if len(data) > largest:
        raise too_large
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON in UTF-8.") from None


def checked(data, model):
    """Check data against a pydantic model; what is wrong becomes an error with the places.

    Parameters
    ----------
    data : object
        From `read_body`.
    model : type of pydantic.BaseModel

    Returns
    -------
    pydantic.BaseModel
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        refused = BadRequest("The body is not what it must be; `errors` says where.")
        refused.faults = faults(error, model)
        raise refused from None


def problem(error):
    """Return an HTTP error as RFC 9457 has it."""
    code = error.code or 500
    title = HTTP_STATUS_CODES.get(code, "Error")
    # What werkzeug says by itself may hold what was sent; what is said here does not.
    detail = vars(error).get("description") or DETAILS.get(code, f"{title}.")
    content = {"type": "about:blank", "title": title, "status": code, "detail": detail}
    if hasattr(error, "faults"):
        content["errors"] = error.faults
    response = Response(json.dumps(content), code, content_type="application/problem+json")
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers[name] = value
    return response


def unexpected(error):
    """Say where something went wrong, not with what: an exception's text may hold a chat."""
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    LOGGER.error("%s in %s:%d", type(error).__name__, trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    return problem(HTTPException())
