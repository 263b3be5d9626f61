"""The papermill engine: executes a notebook and removes what differs from run to run."""

import os
import re

from papermill.engines import NBClientEngine
from traitlets.config import Config

# The environment of every kernel: threads, time zone, language and matplotlibrc of this machine change no result.
KERNEL_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "MATPLOTLIBRC": os.devnull,
    "JUPYTER_PREFER_ENV_PATH": "1",
}
INJECTED = "injected-parameters"

_VARYING = (
    (re.compile(r"(?<= at )0x[0-9a-fA-F]{6,}"), "0x..."),
    (re.compile(r"(?<!\S)\S*ipykernel_\d+/\d+\.py"), "cell"),  # from where a word begins: else it is quadratic
)
_STYLER_ID = re.compile(r"\bT_[0-9a-f]{5}(?=_|\b)")


class ReproducibleEngine(NBClientEngine):
    """papermill's own engine without times, random ids, memory addresses and machine paths in the result.

    Registered as ``chatkit``: ``papermill --engine chatkit`` uses it too.
    """

    @classmethod
    def execute_notebook(cls, nb, kernel_name, **kwargs):
        """Execute `nb` and return it normalised; a notebook that failed keeps its marks for papermill."""
        kwargs |= {
            "record_timing": False,
            "coalesce_streams": True,
            # Chats travel between kernel and runner: on a shared machine others could listen on a plain port.
            "config": Config({"KernelManager": {"transport_encryption": "auto"}}),
            # What a notebook writes to stderr is in the notebook; a stopped kernel would print its own traceback.
            "extra_arguments": ["--IPKernelApp.no_stderr=True", "--IPKernelApp.log_level=50"],
        }
        nb = super().execute_notebook(nb, kernel_name, **kwargs)
        return normalise(nb, os.getcwd())  # noqa: PTH109 - a string to replace


def normalise(nb, folder):
    """Remove from an executed notebook, in place, what differs from run to run.

    Parameters
    ----------
    nb : nbformat.NotebookNode
        Executed notebook.
    folder : str
        Absolute path, replaced by ``.`` in outputs.

    Returns
    -------
    nbformat.NotebookNode
        `nb`.
    """
    if not nb.metadata.get("papermill", {}).get("exception"):  # of a failed notebook papermill needs them
        for part in (nb, *nb.cells):
            part.metadata.pop("papermill", None)
    nb.metadata.get("language_info", {}).pop("version", None)
    styler_ids = {}
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        if INJECTED in cell.metadata.get("tags", []):
            cell.id = INJECTED
        for output in cell.get("outputs", []):
            _normalise_output(output, folder, styler_ids)
    return nb


def _normalise_output(output, folder, styler_ids):
    def clean(text):
        for pattern, replacement in _VARYING:
            text = pattern.sub(replacement, text)
        text = _STYLER_ID.sub(lambda match: styler_ids.setdefault(match[0], f"T_{len(styler_ids):05x}"), text)
        return text.replace(folder + "/", "").replace(folder, ".")

    if "text" in output:
        output.text = clean(output.text)
    for kind, content in output.get("data", {}).items():
        if kind.startswith("text/") and isinstance(content, str):
            output.data[kind] = clean(content)
    if "traceback" in output:
        output.traceback = [clean(line) for line in output.traceback]
