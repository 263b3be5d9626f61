"""Reading dvc.lock: its stages, and the hashes of what they read and wrote."""

import hashlib
import json

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from chatkit.project import InputError


def locked_stages(lock, name="dvc.lock"):
    """Stages of a dvc.lock, given its text or bytes; errors call it by `name`."""
    return parse_yaml(lock, name).get("stages") or {}


def locked_hashes(stages, *kinds):
    """DVC's MD5 by path of what stages of a dvc.lock read (kind "deps") and wrote ("outs")."""
    entries = (entry for stage in stages for kind in kinds for entry in stage.get(kind, []))
    return {entry["path"]: entry.get("md5") for entry in entries}


def locked_outputs(lock):
    """Read the hashes of all outputs from a dvc.lock.

    Parameters
    ----------
    lock : str
        Its text.

    Returns
    -------
    dict of str to str
        DVC's MD5 by path.

    Raises
    ------
    InputError
        When it is no YAML mapping.
    """
    return locked_hashes(locked_stages(lock).values(), "outs")


def parse_yaml(text, name):
    """Parse the text or bytes of a YAML mapping as DVC does; errors call it by `name`."""
    try:
        content = YAML(typ="safe", pure=True).load(text) or {}
    except YAMLError:
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{name} is no valid YAML; mend it, restore it with `git checkout`, or name another revision.")
    return content


def md5(content):
    """MD5 of bytes as DVC writes it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def output_md5(output):
    """DVC's hash of a file, or of a folder: the MD5 over the list of its files and their MD5; None if missing.

    Own code for the format that DVC documents: `dvc.api` has no hash, and DVC's internal one needs an object database.
    """
    if not output.is_dir():
        return md5(output.read_bytes()) if output.is_file() else None
    files = {file.relative_to(output).as_posix(): output_md5(file) for file in output.rglob("*") if file.is_file()}
    listed = [{"md5": digest, "relpath": name} for name, digest in sorted(files.items())]
    return f"{md5(json.dumps(listed).encode())}.dir"
