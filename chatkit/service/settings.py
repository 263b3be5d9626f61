"""What the service is run with: a TOML file, environment variables, the command line."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from chatkit.project import InputError, path

# Not CHATKIT_SERVICE_: Kubernetes sets CHATKIT_SERVICE_HOST and _PORT by itself where a service is called chatkit.
PREFIX = "CHATKIT_SERVE_"
SHORTEST_TOKEN = 16


class Settings(BaseModel):
    """Every choice of the service, with its default.

    A relative path is taken from the project's root, on the command line from the current folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "models/chats"
    model_sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None = None  # the digest the model must have
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    database: str = "sqlite:///data/service/log.sqlite"  # $NAME stands for an environment variable
    store_text: Literal["full", "masked", "hash", "none"] = "masked"  # what the log keeps of subject and body
    spool: str | Literal[False] = "data/service/spool"  # folder for rows on their way to the database
    buffer: int = Field(10_000, ge=1)  # rows in a worker's memory while the database is away
    audit_share: float = Field(0.02, ge=0, le=1)  # of the predictions: drawn at random for people to look at
    relabel_token_file: str | None = None
    relabel_token: SecretStr | None = None  # by environment only
    workers: int = Field(2, ge=1, le=64)  # processes that answer
    in_work: int = Field(8, ge=1, le=256)  # requests that a worker works on at once; one more is told to come again
    largest_body: int = Field(2**20, ge=1)  # bytes
    most_messages: int = Field(256, ge=1, le=256)
    longest_text: int = Field(20_000, ge=1)  # characters of a subject or body

    def token(self):
        """Return the token that relabels must carry, None where they are switched off."""
        if self.relabel_token is not None:
            token = self.relabel_token.get_secret_value().strip()
        elif self.relabel_token_file is not None:
            try:
                token = place(self.relabel_token_file).read_text(encoding="utf-8").strip()
            except (OSError, ValueError):
                raise InputError(
                    f"relabel_token_file {self.relabel_token_file} cannot be read; write the token into it, or name "
                    "another file."
                ) from None
        else:
            return None
        if len(token) < SHORTEST_TOKEN or not token.isascii():
            raise InputError(
                f"The token for relabels has {len(token)} characters, expected at least {SHORTEST_TOKEN}, all ASCII; "
                "`openssl rand -hex 32` makes a good one."
            )
        return token


def read_settings(file=None, **given):
    """Put the settings together.

    Parameters
    ----------
    file : path-like, optional
        TOML with keys of `Settings`.
    **given
        From the command line, stronger than ``CHATKIT_SERVE_...`` in the environment, which is stronger than the file;
        None counts as not given.

    Returns
    -------
    Settings

    Raises
    ------
    InputError
        When the file cannot be read, a key is unknown, or a value has the wrong type.
    """
    layers = []
    if file is not None:
        try:
            content = tomllib.loads(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise InputError(f"{file} cannot be read as TOML ({reason}); mend it, or name another file.") from None
        if "relabel_token" in content:
            raise InputError(
                f"{file} contains a token; write it into a file of its own and name that in relabel_token_file, or "
                f"export {PREFIX}RELABEL_TOKEN."
            )
        layers.append(_checked(content, str(file), strict=True))
    names = {name: name.removeprefix(PREFIX).lower() for name in os.environ if name.startswith(PREFIX)}
    layers.append(_checked({key: os.environ[name] for name, key in names.items()}, f"{PREFIX}…", strict=False))
    layers.append(_checked({key: value for key, value in given.items() if value is not None}, "chatkit", strict=True))
    chosen = {}
    for layer in layers:
        chosen |= {key: getattr(layer, key) for key in layer.model_fields_set}
    return Settings.model_construct(**chosen)


def _checked(values, source, strict):
    # "false" in the environment is a text.
    if not strict and values.get("spool") == "false":
        values["spool"] = False
    try:
        return Settings.model_validate(values, strict=strict)
    except ValidationError as error:
        (key, *_), kind, message = ((first := error.errors()[0])["loc"], first["type"], first["msg"])
    name = f"{PREFIX}{key.upper()}" if source == f"{PREFIX}…" else f"{key} in {source}"
    if kind == "extra_forbidden":
        raise InputError(f"{name} is no setting of the service; known are {', '.join(Settings.model_fields)}.")
    raise InputError(f"{name} is not what was expected: {message[0].lower()}{message[1:]}; mend it.")


def place(name):
    """Return the path that a setting means; relative ones start at the project's root.

    Examples
    --------
    >>> place("/srv/model").as_posix()
    '/srv/model'
    """
    return Path(name) if Path(name).is_absolute() else path(name)
