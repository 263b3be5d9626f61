"""The papermill engine: executes a notebook and removes what differs from run to run."""

import os
import queue
import re
import threading

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine
from papermill.log import logger
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

# ipykernel follows its descriptors in threads of its own: what comes that way lands anywhere in a notebook or nowhere.
# It is told not to; its streams then know no descriptor, for which `subprocess.run(..., stderr=sys.stderr)` asks them.
# Its own log, with times, is for those who ask for it: an option of the one program goes before that of all programs.
_IPYKERNEL_OPTIONS = (
    "--Application.log_level=50",
    "--IPKernelApp.capture_fd_output=False",
    "--IPKernelApp.exec_lines=__import__('sys').stdout.fileno = lambda: 1; __import__('sys').stderr.fileno = lambda: 2",
)
_VARYING = (
    (re.compile(r"(?<= at )0x[0-9a-fA-F]{6,}"), "0x..."),
    (re.compile(r"(?<!\S)\S*ipykernel_\d+/\d+\.py"), "cell"),  # from where a word begins: else it is quadratic
)
# The folder by itself or before a slash, no part of a longer name; a colour or an escaped line break may precede it.
_FOLDER = r"(\x1b\[[\d;]*m|\\[nrt]|(?<![\w.~-])){}(/|(?![\w~+@-]|\.\w))"
_STYLER_ID = re.compile(r"\bT_[0-9a-f]{5}(?=_|\b)")


class ReproducibleEngine(NBClientEngine):
    """papermill's own engine without times, random ids, memory addresses and machine paths in the result.

    Registered as ``chatkit``: ``papermill --engine chatkit`` uses it too. What reaches ipykernel's file descriptors 1
    and 2 past Python stands behind what Python printed in the same cell. With ``record_timing=True`` the times stay.
    """

    @classmethod
    def execute_notebook(cls, nb, kernel_name, **kwargs):
        """Execute `nb` and return it normalised; a notebook that failed keeps its marks for papermill."""
        # Chats travel between kernel and runner: on a shared machine others could listen on a plain port. The caller's
        # values go before ours in all but one: streams are joined, because where they are cut differs from run to run;
        # not by nbclient, which takes quadratic time for a long line.
        config = Config({"KernelManager": {"transport_encryption": "auto"}, "NotebookClient": {"record_timing": False}})
        config.merge(Config(kwargs.get("config") or {}))
        timed = kwargs.setdefault("record_timing", config.NotebookClient.record_timing)
        nb = super().execute_notebook(nb, kernel_name, **kwargs | {"config": config, "coalesce_streams": False})
        return normalise(nb, os.getcwd(), timed)  # noqa: PTH109 - a string to replace

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, start_timeout=60, execution_timeout=None, **kwargs):
        """Execute as papermill does, with a client of our own."""
        kwargs |= {"kernel_name": kernel_name, "startup_timeout": start_timeout, "log": logger}
        kwargs["timeout"] = execution_timeout or kwargs.get("timeout")
        kwargs.pop("input_path", None)
        _Client(nb_man, **kwargs).execute()


class _Client(PapermillNotebookClient):
    """papermill's client; options of ipykernel go to ipykernel alone, whose file descriptors lead into the notebook."""

    def execute(self):
        self._pipes = {"stdout": _Pipe(), "stderr": _Pipe()}
        try:
            return super().execute()
        except Exception as error:
            if said := "".join(self._said().values()):  # why it died, or could not start
                error.add_note(f"The kernel's last words:\n{said}")
            raise
        finally:
            for pipe in self._pipes.values():
                os.close(pipe.entrance)

    def start_new_kernel(self, **kwargs):
        if {"ipykernel", "ipykernel_launcher"} & {*self.km.kernel_spec.argv}:
            kwargs |= {name: pipe.entrance for name, pipe in self._pipes.items()}
            self.extra_arguments = [*_IPYKERNEL_OPTIONS, *self.extra_arguments]
        super().start_new_kernel(**kwargs)

    def process_message(self, msg, cell, cell_index):
        if msg["content"].get("execution_state") == "idle":
            for name, text in self._said().items():
                stream = {"msg_type": "stream", "content": {"name": name, "text": text}}
                super().process_message(msg | stream | {"header": stream}, cell, cell_index)
        return super().process_message(msg, cell, cell_index)

    def _said(self):
        return {name: text for name, pipe in self._pipes.items() if (text := pipe.take())}


class _Pipe:
    """A pipe that is emptied at all times: who writes into a full one waits. A file is emptied by ``> /dev/stderr``."""

    def __init__(self):
        self._exit, self.entrance = os.pipe()
        self._chunks, self._mark = queue.SimpleQueue(), os.urandom(16)
        threading.Thread(target=self._empty, daemon=True).start()

    def _empty(self):
        while chunk := os.read(self._exit, 1 << 16):
            self._chunks.put(chunk)
        os.close(self._exit)

    def take(self):
        """Text that was written until now: a mark follows it through the pipe."""
        os.write(self.entrance, self._mark)
        text, end = bytearray(), -1
        while end < 0:
            new = max(0, len(text) - len(self._mark))  # where the mark may begin: all before was looked through
            text += self._chunks.get()
            end = text.find(self._mark, new)
        del text[end : end + len(self._mark)]  # behind it may be what another process wrote meanwhile
        return text.decode(errors="replace")


def normalise(nb, folder, timed=False):
    """Remove from an executed notebook, in place, what differs from run to run.

    Parameters
    ----------
    nb : nbformat.NotebookNode
        Executed notebook.
    folder : str
        Absolute path, replaced by ``.`` in outputs.
    timed : bool, default False
        Whether the times of the run stay.

    Returns
    -------
    nbformat.NotebookNode
        `nb`.
    """
    if not (timed or nb.metadata.get("papermill", {}).get("exception")):  # of a failed notebook papermill needs them
        for part in (nb, *nb.cells):
            part.metadata.pop("papermill", None)
            part.metadata.pop("execution", None)
    nb.metadata.get("language_info", {}).pop("version", None)
    styler_ids, folder = {}, re.compile(_FOLDER.format(re.escape(folder)))
    for cell in nb.cells:
        if INJECTED in cell.metadata.get("tags", []):
            cell.id = INJECTED
        if "outputs" in cell:
            cell.outputs = _join_streams(cell.outputs)
        for output in cell.get("outputs", []):
            _normalise_output(output, folder, styler_ids)
    return nb


def _join_streams(outputs):
    """Join what a cell printed on each stream, as nbclient does: a carriage return lets a line begin anew."""
    streams, joined = {}, []
    for output in outputs:
        if output.output_type != "stream" or output.name not in streams:
            joined.append(output)
        if output.output_type == "stream":
            streams.setdefault(output.name, []).append(output.text)
    for number, output in enumerate(joined):
        if output.output_type == "stream":
            lines = "".join(streams[output.name]).split("\n")
            output.text = "\n".join(line[line.rfind("\r", 0, -1) + 1 :] for line in lines)
            if output.name == "stdout" and number and joined[number - 1].get("name") == "stderr":
                joined[number - 1 : number + 1] = output, joined[number - 1]  # which comes first differs, too
    return joined


def _normalise_output(output, folder, styler_ids):
    def clean(text):
        for pattern, replacement in _VARYING:
            text = pattern.sub(replacement, text)
        text = _STYLER_ID.sub(lambda match: styler_ids.setdefault(match[0], f"T_{len(styler_ids):05x}"), text)
        return folder.sub(lambda match: match[1] + ("" if match[2] else "."), text)

    if "text" in output:
        output.text = clean(output.text)
    for kind, content in output.get("data", {}).items():
        if kind.startswith("text/") and isinstance(content, str):
            output.data[kind] = clean(content)
    if "traceback" in output:
        output.traceback = [clean(line) for line in output.traceback]
