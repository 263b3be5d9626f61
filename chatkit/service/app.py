"""The service over HTTP: its routes."""

import contextlib
import logging
import time
from http import HTTPMethod
from importlib.metadata import version

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic_core import to_json
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound, ServiceUnavailable, Unauthorized
from werkzeug.local import LocalProxy

from chatkit.service.problems import problem, read_body, unexpected, validate, with_errors
from chatkit.service.schema import Relabels, openapi
from chatkit.service.service import PendingError

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

routes = Blueprint("chatkit", __name__, static_folder="page", static_url_path="/page")
service = LocalProxy(lambda: current_app.extensions["chatkit"])


def create_app(running):
    """Make the Flask application of a service.

    Parameters
    ----------
    running : chatkit.service.service.Service

    Returns
    -------
    flask.Flask
    """
    app = Flask(__name__, static_folder=None)
    app.extensions["chatkit"] = running
    app.config["MAX_CONTENT_LENGTH"] = running.settings.largest_body + 1  # read_body says why one more
    app.url_map.merge_slashes = False  # no redirects
    app.register_blueprint(routes)
    app.register_error_handler(HTTPException, problem)
    app.register_error_handler(Exception, unexpected)
    app.before_request(_start_timer)
    app.after_request(_finish)
    return app


def _start_timer():
    g.started = time.perf_counter()


def _finish(response):
    response.headers.update(HEADERS)
    route = request.url_rule.rule if request.url_rule else "none"
    seconds = time.perf_counter() - g.started
    service.metrics.count_request(route, response.status_code, seconds)
    method = request.method if request.method in HTTPMethod.__members__ else "other"
    LOGGER.info("%s %s %d in %.1f ms", method, route, response.status_code, 1000 * seconds)
    return response


@contextlib.contextmanager
def _limited():
    """Limit the requests that are worked on at once: one more is refused without waiting."""
    if not service.slots.acquire(blocking=False):
        raise ServiceUnavailable("Too many requests at once; try again in a second.", retry_after=1)
    try:
        yield
    finally:
        service.slots.release()


def _json(content, status=200):
    return Response(to_json(content), status, content_type="application/json")


@routes.post("/messages")
def post_messages():
    """Classify messages."""
    words = request.args.getlist("words")
    if words not in ([], ["true"]):
        raise with_errors(BadRequest("A parameter is not valid."), {"?words": "must be true, or left out"})
    data = read_body(service.settings.largest_body)
    with _limited():
        return _json({"predictions": service.classify(validate(data, service.messages).messages, bool(words))})


@routes.post("/relabels")
def post_relabels():
    """Add relabels to the log."""
    allowed = service.may_relabel(request.headers.get("Authorization", ""))
    if allowed is None:
        raise Forbidden("Relabels are switched off; the setting relabel_token_file switches them on.")
    if not allowed:
        raise Unauthorized(
            "Expected the header `Authorization: Bearer` with the token for relabels.",
            www_authenticate=WWWAuthenticate("bearer", {"realm": "relabels"}),
        )
    data = read_body(service.settings.largest_body)
    with _limited():
        relabels = validate(data, Relabels).relabels
        if errors := {
            f"/relabels/{index}/category": "is no category of the model"
            for index, relabel in enumerate(relabels)
            if relabel.category not in service.model.classes
        }:
            raise with_errors(BadRequest("The model does not have a category; `errors` says which."), errors)
        try:
            ids, unknown = service.relabel(relabels)
        except sa.exc.SQLAlchemyError as error:
            LOGGER.error("relabels cannot be written (%s)", type(error).__name__)  # noqa: TRY400 - no text of theirs
            raise ServiceUnavailable("The log cannot be written; try again later.", retry_after=10) from None
        except PendingError:
            raise ServiceUnavailable("The log is behind; try again later.", retry_after=2) from None
        if unknown:
            errors = {f"/relabels/{index}/prediction_id": "is not in the log" for index in unknown}
            raise with_errors(NotFound("A prediction is not in the log; `errors` says which."), errors)
    return _json({"relabel_ids": ids}, 201)


@routes.get("/health")
def get_health():
    """Return the state of the service."""
    return _json(service.health())


@routes.get("/metrics")
def get_metrics():
    """Return the metrics."""
    return Response(service.metrics.text(), content_type=CONTENT_TYPE_LATEST)


@routes.get("/openapi.json")
def get_openapi():
    """Return the OpenAPI document."""
    return _json(openapi(service.settings, service.model.classes, version("chatkit")))


@routes.get("/")
def get_page():
    """Return the page to try the model on."""
    return routes.send_static_file("index.html")
