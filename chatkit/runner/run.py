"""What `chatkit run` does: run a stage, then write the overview.

No stage depends on this module, so none depends on the code of the overview.
"""

from chatkit.fingerprint import fingerprint_file, write_fingerprints
from chatkit.project import root, stages
from chatkit.runner.stage import run_notebook
from chatkit.scores.usage import record_test_set_use


def run(stage):
    """Run a stage, write the overview, and say where the test set was used often.

    Parameters
    ----------
    stage : str
        Name of a stage of dvc.yaml.

    Raises
    ------
    InputError
        As `chatkit.runner.stage.run_notebook`; the overview then names the page of the failed run.
    """
    deps = stages().get(stage, {}).get("deps", [])
    if fingerprint_file(stage) in deps:
        # DVC looks at the dependencies after the run: dvc.lock names the code that runs, whatever edit came before.
        write_fingerprints(stage)
    try:
        run_notebook(stage)
    finally:
        # Here and not above: the code of the overview is loaded when the stage is done: it is no part of it.
        from chatkit.site.index import write_index

        write_index(root())
    if message := record_test_set_use(stage, deps):
        print(message)
