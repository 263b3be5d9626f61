"""Settings of the service: a TOML file, environment variables, the command line."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from chatkit.project import InputError, path

# Not CHATKIT_SERVICE_: Kubernetes sets CHATKIT_SERVICE_HOST and _PORT by itself where a service is called chatkit.
PREFIX = "CHATKIT_SERVE_"
MIN_TOKEN_LENGTH = 16


def _false(value):
    return False if value == "false" else value  # an environment variable is a string


class Settings(BaseModel):
    """Every setting of the service, with its default.

    A relative path is taken from the project's root, on the command line from the current folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "models/chats"
    model_sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None = None  # the digest the model must have
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    database: str = "sqlite:///data/service/log.sqlite"  # $NAME stands for an environment variable
    store_text: Literal["full", "masked", "hash", "none"] = "masked"  # what the log stores of what people write
    spool: Annotated[str | Literal[False], BeforeValidator(_false)] = "data/service/spool"  # folder, see Spool
    buffer: int = Field(10_000, ge=1)  # rows in a worker's memory while the database is unavailable
    audit_share: float = Field(0.02, ge=0, le=1)  # of the predictions: a random sample for people to look at
    relabel_token_file: str | None = None
    relabel_token: SecretStr | None = None  # by environment only
    workers: int = Field(2, ge=1, le=64)  # processes that answer
    in_work: int = Field(8, ge=1, le=256)  # concurrent requests of a worker; one more is refused
    largest_body: int = Field(2**20, ge=1)  # bytes
    most_messages: int = Field(256, ge=1, le=256)
    longest_text: int = Field(20_000, ge=1)  # characters of a subject or body

    def token(self):
        """Return the token that relabels must carry, None where they are switched off."""
        if self.relabel_token is not None:
            token = self.relabel_token.get_secret_value()
        elif self.relabel_token_file is None:
            return None
        else:
            try:
                token = path(self.relabel_token_file).read_text(encoding="utf-8")
            except (OSError, ValueError):
                raise InputError(
                    f"relabel_token_file {self.relabel_token_file} cannot be read; write the token into it, or name "
                    "another file."
                ) from None
        token = token.strip()
        if len(token) < MIN_TOKEN_LENGTH or not token.isascii():
            raise InputError(
                f"The token for relabels has {len(token)} characters, expected at least {MIN_TOKEN_LENGTH}, all ASCII; "
                "`openssl rand -hex 32` makes a good one."
            )
        return token


def read_settings(file=None, **given):
    """Read the settings from all sources.

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
    in_file = {} if file is None else _read_toml(file)
    if "relabel_token" in in_file:
        raise InputError(
            f"{file} contains a token; write it into a file of its own and name that in relabel_token_file, or "
            f"export {PREFIX}RELABEL_TOKEN."
        )
    in_environment = {
        name.removeprefix(PREFIX).lower(): value for name, value in os.environ.items() if name.startswith(PREFIX)
    }
    given = {key: value for key, value in given.items() if value is not None}
    chosen = {
        **_validate(in_file, lambda key: f"{key} in {file}"),
        **_validate(in_environment, lambda key: f"{PREFIX}{key.upper()}", strict=False),
        **_validate(given, lambda key: f"--{key}"),
    }
    return Settings.model_construct(**chosen)


def _read_toml(file):
    try:
        return tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(f"{file} cannot be read as TOML ({reason}); mend it, or name another file.") from None


def _validate(values, name_of, strict=True):
    """Return validated settings by key; `name_of` says how an error names a key."""
    try:
        layer = Settings.model_validate(values, strict=strict)
    except ValidationError as error:
        first = error.errors()[0]
        name, message = name_of(first["loc"][0]), first["msg"]
        if first["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            raise InputError(f"{name} is no setting of the service; known are {known}.") from None
        raise InputError(f"{name} is not what was expected: {message[0].lower()}{message[1:]}; mend it.") from None
    return {key: getattr(layer, key) for key in layer.model_fields_set}
