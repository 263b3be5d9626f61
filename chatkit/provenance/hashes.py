"""What the stages of a dvc.lock name: hashes and parameters; and the hashes of files and folders as they are."""

import hashlib
import json


def locked_hashes(stages, *kinds):
    """DVC's MD5 by path of what stages of a dvc.lock read (kind "deps") and wrote ("outs")."""
    entries = (entry for stage in stages for kind in kinds for entry in stage.get(kind, []))
    return {entry["path"]: entry.get("md5") for entry in entries}


def locked_parameters(stages):
    """Sections of params.yaml as stages of a dvc.lock ran with them."""
    ran = (stage.get("params", {}).get("params.yaml", {}) for stage in stages)
    return {section: values for sections in ran for section, values in sections.items()}


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
