"""Where the project is, and what its parameters are."""

import pytest

from chatkit.project import InputError, parameters, path, replacing, root


def test_root_is_found_from_any_folder_inside(project, monkeypatch):
    """A notebook works from whichever folder its kernel starts in."""
    monkeypatch.chdir(project / "notebooks")
    assert root() == project
    assert path("data", "chats.parquet") == project / "data" / "chats.parquet"


def test_root_outside_a_project_is_that_of_the_installation(tmp_path, monkeypatch):
    """Outside any project the one that chatkit is installed from counts."""
    monkeypatch.chdir(tmp_path)
    assert (root() / "chatkit" / "project.py").is_file()


def test_root_says_what_it_looked_for(tmp_path, monkeypatch):
    """Neither here nor where chatkit is installed: one sentence."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("chatkit.project.__file__", str(tmp_path / "a" / "b.py"))
    with pytest.raises(InputError, match=r"No chatkit project at or above .*params\.yaml and dvc\.yaml"):
        root()


@pytest.mark.parametrize("content", ["query: {}\n", "split:\n", "", "- split\n"])
def test_a_missing_section_is_named(project, content):
    """A missing or empty section gives one sentence with the remedy."""
    (project / "params.yaml").write_text(content)
    with pytest.raises(InputError, match=r"params\.yaml has no section 'split' .*add `split:`"):
        parameters("split")


def test_broken_yaml_names_the_line(project):
    """What cannot be parsed is located."""
    (project / "params.yaml").write_text("query:\n  a: [1\n")
    with pytest.raises(InputError, match=r"params\.yaml is not valid YAML in line \d"):
        parameters("query")


def test_numbers_are_read_as_dvc_reads_them(project):
    """YAML 1.2: 1e-3 is a number, no is a word."""
    (project / "params.yaml").write_text("train:\n  rate: 1e-3\n  word: no\n")
    assert parameters("train") == {"rate": 0.001, "word": "no"}


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    """A file is replaced whole or not at all, and nothing is left lying about."""
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(RuntimeError, match="half"), replacing(file) as beside:
        beside.write_text("ne")
        raise RuntimeError("half-way")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_date_without_quotes_is_text(project):
    """As people write it; a notebook's parameter cannot be a date."""
    content = 'query:\n  as_of: 2026-02-01\n  others: ["2026-02-01", 2026-02-01T03:00:00]\n'
    (project / "params.yaml").write_text(content)
    assert parameters("query") == {"as_of": "2026-02-01", "others": ["2026-02-01", "2026-02-01T03:00:00"]}
