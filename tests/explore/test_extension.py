"""What `%load_ext chatkit.explore` does to a notebook."""

import pytest
from IPython.terminal.interactiveshell import TerminalInteractiveShell


@pytest.fixture
def shell(own_figures):
    """An IPython shell of its own, which is the current one."""
    TerminalInteractiveShell.clear_instance()
    shell = TerminalInteractiveShell.instance()
    shell.run_line_magic("load_ext", "chatkit.explore")
    yield shell
    TerminalInteractiveShell.clear_instance()


def test_a_mistake_is_one_sentence(shell, capsys):
    """Without a traceback; the cell has failed all the same, so that those behind it do not run."""
    cell = "from chatkit.project import InputError\nraise InputError('There is no model; make it with `dvc repro`.')"
    assert not shell.run_cell(cell).success
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "There is no model; make it with `dvc repro`.\n")


def test_another_error_keeps_its_traceback(shell, capsys):
    """It is a defect, of chatkit or of the cell, and must be found."""
    assert not shell.run_cell("1 / 0").success
    assert "Traceback" in capsys.readouterr().out


def test_edited_modules_are_loaded_anew(shell, tmp_path, monkeypatch):
    """By IPython's autoreload."""
    import os

    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "edited_module.py"
    module.write_text("value = 1")
    shell.run_cell("import edited_module; before = edited_module.value")
    module.write_text("value = 2")
    os.utime(module, (2e9, 2e9))
    shell.run_cell("after = edited_module.value")
    assert (shell.user_ns["before"], shell.user_ns["after"]) == (1, 2)
