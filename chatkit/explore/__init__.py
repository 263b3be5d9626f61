"""For people in JupyterLab: no stage uses what is here. `%load_ext chatkit.explore` begins each exploring notebook."""

import sys


def load_ipython_extension(shell):
    """Make a notebook one to explore in: called by ``%load_ext chatkit.explore``.

    Edited modules are loaded anew before each cell (IPython's autoreload), figures have chatkit's style, and a mistake
    that a person can correct is said in a sentence, without a traceback.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
    """
    from pandas import set_option

    from chatkit.plots import notebook_style
    from chatkit.project import InputError

    shell.run_line_magic("load_ext", "autoreload")
    shell.run_line_magic("autoreload", "2")
    notebook_style()
    # A page shows all that a stage chose to show; who explores looks at whole frames.
    set_option("display.max_rows", 60)
    shell.set_custom_exc((InputError,), _say)


def _say(_shell, _kind, error, _traceback, tb_offset=None):  # noqa: ARG001 - IPython's signature
    print(error, file=sys.stderr)
