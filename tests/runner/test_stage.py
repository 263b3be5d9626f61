"""A stage runs its notebook with exactly its parameters, or says in one sentence why not."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from chatkit.project import InputError
from chatkit.runner.stage import run_notebook, stage_parameters

PARAMETERS = """from chatkit.project import parameters

p = parameters("split")
size = p["size"]  # how many
names = p["names"]  # who"""


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A project with one stage `split` and two parameters; returns its folder."""
    (tmp_path / "params.yaml").write_text("split:\n  size: 1e-3\n  names: [a, b]\n")
    (tmp_path / "dvc.yaml").write_text("stages:\n  split:\n    cmd: chatkit run split\n    params: [split]\n")
    write(tmp_path, "print(size, names)")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, *code, parameters=PARAMETERS, tags=("parameters",)):
    """Write the stage's notebook."""
    cells = [
        new_markdown_cell("# Split\n\nWhat it does."),
        new_code_cell(parameters, metadata={"tags": list(tags)}),
        new_markdown_cell("## Work"),
        *map(new_code_cell, code),
    ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    (folder / "notebooks").mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "notebooks" / "split.ipynb")


def test_a_stage_leaves_its_notebook_and_its_page(stage, capsys):
    """The folder is made, the parameters arrive with their types, the sections are told."""
    run_notebook("split")
    assert sorted(file.name for file in (stage / "reports").iterdir()) == ["split.html", "split.ipynb"]
    assert "0.001 ['a', 'b']" in (stage / "reports" / "split.html").read_text()
    assert "split: Work" in capsys.readouterr().out


def test_a_cell_may_speak_to_the_terminal(stage, capsys):
    """What a cell with the tag prints is for who runs the stage, too; what others print is for the page."""
    write(stage, "import sys\nprint('left out: 3')\nprint('no', file=sys.stderr)\n7", "print('for the page')")
    file = stage / "notebooks" / "split.ipynb"
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[3].metadata["tags"] = ["terminal"]
    nbformat.write(notebook, file)
    run_notebook("split")
    said = capsys.readouterr().out
    assert said.endswith("split: done, see reports/split.html\nleft out: 3\n")
    assert "for the page" not in said


def test_the_persons_own_ipython_start_up_has_no_part(stage, monkeypatch):
    """What IPython runs first in their notebooks, or how it is set up, would change every page."""
    profile = stage / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "00-mine.py").write_text("mine = 1")
    (profile / "ipython_kernel_config.py").write_text("c.InteractiveShellApp.exec_lines = ['mine = 1']")
    monkeypatch.setenv("IPYTHONDIR", str(stage / "ipython"))
    write(stage, "print('mine' in globals())", parameters=PARAMETERS)
    run_notebook("split")
    assert "False" in (stage / "reports" / "split.html").read_text()


def test_a_failing_cell_is_named_and_nothing_looks_whole(stage):
    """The section, the first line of the cell, the error, the partial notebook, the way back."""
    run_notebook("split")
    write(stage, "x = 1", "boom = {}\nboom['key']")
    (stage / "reports" / "split.ipynb").unlink()
    (stage / "reports" / "split.html").unlink()
    with pytest.raises(InputError) as error:
        run_notebook("split")
    lines = str(error.value).splitlines()
    assert len(lines) <= 15
    assert lines[0] == "split failed at «Work», in the cell that starts with: boom = {}"
    assert lines[1] == "  KeyError: 'key'"
    assert "reports/split.failed.html" in lines[-2]
    assert sorted(file.name for file in (stage / "reports").iterdir()) == ["split.failed.html", "split.failed.ipynb"]
    assert "boom" in (stage / "reports" / "split.failed.html").read_text()


def test_an_input_error_is_shown_as_its_sentence(stage):
    """The reader needs no class name before it."""
    write(stage, "from chatkit.project import InputError\nraise InputError('Mend this.')")
    with pytest.raises(InputError, match=r"\n  Mend this\.\n"):
        run_notebook("split")


def test_a_long_error_is_cut(stage):
    """At most fifteen lines, whatever the error says."""
    write(stage, "raise ValueError('line\\n' * 100)")
    with pytest.raises(InputError) as error:
        run_notebook("split")
    assert len(str(error.value).splitlines()) <= 15


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ("split: {size: 1}", "Section split of params.yaml and the parameters cell of .*ipynb differ in names; both"),
        ("split: {size: 1, names: [], seed: 3}", "cell of notebooks/split.ipynb differ in seed; both need the same names"),
        ("train: {}", "params.yaml has no section 'split'"),
    ],
)  # fmt: skip
def test_parameters_must_fit_exactly(stage, params, said):
    """papermill only warns of an unknown one and says nothing of a missing one."""
    (stage / "params.yaml").write_text(params)
    with pytest.raises(InputError, match=said) as error:
        run_notebook("split")
    assert "\n" not in str(error.value)
    assert not (stage / "reports").exists()


def test_only_the_sections_that_are_listed_are_passed(stage):
    """DVC watches no others; a single key of a section is none."""
    (stage / "params.yaml").write_text("split: {size: {a: 1}}\ncommon: {names: []}\ntrain: {seed: 3}")
    dvc = "stages:\n  split:\n    cmd: chatkit run split\n    params: "
    (stage / "dvc.yaml").write_text(f"{dvc}[split, common]\n")
    assert stage_parameters("split") == {"size": {"a": 1}, "names": []}
    (stage / "dvc.yaml").write_text(f"{dvc}[split.size]\n")
    with pytest.raises(InputError, match=r"params\.yaml has no section 'split\.size' \(it has: split, common, train\)"):
        stage_parameters("split")


def test_a_notebook_that_is_no_stage(stage):
    """It takes values from elsewhere for its constants, stands behind the stages, and DVC has no part in it."""
    write(stage, "print(size)", parameters=f"{PARAMETERS}\nuntil = None  # when")
    (stage / "notebooks" / "split.ipynb").rename(stage / "notebooks" / "watch.ipynb")
    with pytest.raises(InputError, match="the parameters cell of notebooks/watch.ipynb differ in until; both"):
        run_notebook("watch", {"size": 1, "names": []})
    run_notebook("watch", {"size": 7, "names": [], "until": "today"}, eyebrow="Beside the stages")
    page = (stage / "reports" / "watch.html").read_text()
    assert "Beside the stages" in page
    assert page.index('href="split.html"') < page.index('href="watch.html"')
    assert "today" in page
    write(stage, "print(nothing)", parameters=PARAMETERS)
    (stage / "notebooks" / "split.ipynb").rename(stage / "notebooks" / "watch.ipynb")
    with pytest.raises(InputError) as error:
        run_notebook("watch", {"size": 1, "names": []}, eyebrow="Beside the stages")
    assert "dvc" not in str(error.value)
    assert "Beside the stages" in (stage / "reports" / "watch.failed.html").read_text()


def test_an_unknown_stage_lists_the_known(stage):
    """A typo on the command line."""
    with pytest.raises(InputError, match=r"no stage 'spilt' in dvc\.yaml \(it has: split\)"):
        run_notebook("spilt")


@pytest.mark.parametrize(("tags", "count"), [((), 0)])
def test_the_tag_must_be_there(stage, tags, count):
    """Editors lose it; papermill would then put the parameters on top."""
    write(stage, tags=tags)
    with pytest.raises(InputError, match=f"has {count} cells with the tag 'parameters', expected one"):
        run_notebook("split")


def test_a_missing_or_broken_notebook_is_named(stage):
    """One sentence instead of a parser's."""
    (stage / "notebooks" / "split.ipynb").write_text("{")
    with pytest.raises(InputError, match=r"notebooks/split\.ipynb is no notebook that can be read"):
        run_notebook("split")
    (stage / "notebooks" / "split.ipynb").unlink()
    with pytest.raises(InputError, match=r"notebooks/split\.ipynb is no notebook that can be read \(.*No such file"):
        run_notebook("split")


def test_a_folder_with_braces_and_spaces_works(stage, tmp_path_factory, monkeypatch):
    """papermill formats paths like templates; ours are relative."""
    odd = tmp_path_factory.mktemp("odd") / "a {b} c"
    stage.rename(odd)
    monkeypatch.chdir(odd / "notebooks")
    run_notebook("split")
    assert (odd / "reports" / "split.html").exists()
