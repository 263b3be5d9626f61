"""The notebooks for people: thin, without outputs, and no part of a stage."""

import ast
import json

import pytest

from chatkit.fingerprint import fingerprint
from chatkit.project import stages
from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks" / "explore").glob("*.ipynb"))


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_thin_and_without_outputs(file):
    """Imports, calls of a few lines, prose."""
    for cell in json.loads(file.read_text())["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            tree = ast.parse("".join(line for line in cell["source"] if not line.startswith("%")))
            imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            assert len(tree.body) - len(imports) <= 5
            assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.For)]


def test_no_stage_depends_on_them():
    """Neither on the notebooks, which DVC does not see, nor on what only they use."""
    assert "/notebooks/explore" in (ROOT / ".dvcignore").read_text().splitlines()
    assert "explore" not in (ROOT / "dvc.yaml").read_text()
    assert not [name for stage in stages() for name in fingerprint(stage) if name.startswith("chatkit/explore")]
