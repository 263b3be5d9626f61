"""The service over HTTP: its addresses."""

import contextlib
import logging
import time
from importlib.metadata import version

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, current_app, g, request
from pydantic_core import to_json
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound, ServiceUnavailable, Unauthorized
from werkzeug.local import LocalProxy

from chatkit.service.metrics import CONTENT_TYPE
from chatkit.service.problems import checked, problem, read_body, unexpected
from chatkit.service.schema import Relabels, openapi
from chatkit.service.service import BehindError

LOGGER = logging.getLogger("chatkit.service")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

routes = Blueprint("chatkit", __name__, static_folder="page", static_url_path="/page")
service = LocalProxy(lambda: current_app.extensions["chatkit"])


def create_app(at_work):
    """Make the Flask application of a service.

    Parameters
    ----------
    at_work : chatkit.service.service.Service

    Returns
    -------
    flask.Flask
    """
    app = Flask(__name__, static_folder=None)
    app.extensions["chatkit"] = at_work
    app.config["MAX_CONTENT_LENGTH"] = at_work.settings.largest_body + 1  # read_body says why one more
    app.url_map.merge_slashes = False  # no redirects
    app.register_blueprint(routes)
    app.register_error_handler(HTTPException, problem)
    app.register_error_handler(Exception, unexpected)
    app.before_request(_begin)
    app.after_request(_end)
    return app


def _begin():
    g.begun = time.perf_counter()


def _end(response):
    response.headers.update(HEADERS)
    route = request.url_rule.rule if request.url_rule else "none"
    seconds = time.perf_counter() - g.begun
    service.metrics.answered(route, response.status_code, seconds)
    method = request.method if request.method in METHODS else "other"
    LOGGER.info("%s %s %d in %.1f ms", method, route, response.status_code, 1000 * seconds)
    return response


@contextlib.contextmanager
def _slot():
    """Work on a request, but only on so many at once; who comes too many is told so at once."""
    if not service.slots.acquire(blocking=False):
        raise ServiceUnavailable("Too many requests are being worked on; come again in a second.", retry_after=1)
    try:
        yield
    finally:
        service.slots.release()


def _answer(content, status=200):
    return Response(to_json(content), status, content_type="application/json")


@routes.post("/messages")
def post_messages():
    """Sort chats."""
    words = request.args.getlist("words")
    if words not in ([], ["true"]):
        raise _with_faults(BadRequest("A parameter is not what it must be."), ["?words"], "must be true, or left out")
    data = read_body(service.settings.largest_body)
    with _slot():
        return _answer({"predictions": service.sort(checked(data, service.messages).messages, bool(words))})


@routes.post("/relabels")
def post_relabels():
    """Say which category predictions should have had."""
    allowed = service.may_relabel(request.headers.get("Authorization", ""))
    if allowed is None:
        raise Forbidden("Relabels are switched off; the setting relabel_token_file switches them on.")
    if not allowed:
        raise Unauthorized(
            "Expected the header `Authorization: Bearer` with the token for relabels.",
            www_authenticate=WWWAuthenticate("bearer", {"realm": "relabels"}),
        )
    data = read_body(service.settings.largest_body)
    with _slot():
        relabels = checked(data, Relabels).relabels
        known = set(service.model.classes)
        if wrong := [place for place, relabel in enumerate(relabels) if relabel.category not in known]:
            refused = BadRequest("A category is none of the model's; `errors` says where.")
            raise _with_faults(refused, _fields(wrong, "category"), "is no category of the model")
        try:
            ids, unknown = service.relabel(relabels)
        except sa.exc.SQLAlchemyError as error:
            LOGGER.error("relabels cannot be written (%s)", type(error).__name__)  # noqa: TRY400 - no text of theirs
            raise ServiceUnavailable("The log cannot be written; come again in a while.", retry_after=10) from None
        except BehindError:
            raise ServiceUnavailable("The log is behind; come again in a while.", retry_after=2) from None
        if unknown:
            refused = NotFound("A prediction is not in the log; `errors` says which.")
            raise _with_faults(refused, _fields(unknown, "prediction_id"), "is not in the log")
    return _answer({"relabel_ids": ids}, 201)


def _fields(places, name):
    return [f"/relabels/{place}/{name}" for place in places]


def _with_faults(error, paths, detail):
    error.faults = [{"path": path, "detail": detail} for path in paths]
    return error


@routes.get("/health")
def get_health():
    """Say how the service is."""
    return _answer(service.health())


@routes.get("/metrics")
def get_metrics():
    """Give the metrics."""
    return Response(service.metrics.text(), content_type=CONTENT_TYPE)


@routes.get("/openapi.json")
def get_openapi():
    """Describe all this."""
    return _answer(openapi(service.settings, service.model.classes, version("chatkit")))


@routes.get("/")
def get_page():
    """Give the page to try the model on."""
    return routes.send_static_file("index.html")
