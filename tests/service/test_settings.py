"""Settings: one file, the environment, the command line; what is wrong is one sentence."""

import subprocess
import sys

import pytest

from chatkit.project import InputError
from chatkit.service.settings import Settings, read_settings

PREFIX = "CHATKIT_SERVE_"


def test_the_nearer_one_wins(tmp_path, monkeypatch):
    """Command line over environment over file over default."""
    file = tmp_path / "service.toml"
    file.write_text('port = 1\nbuffer = 2\nstore_text = "hash"\nspool = false\n')
    monkeypatch.setenv(f"{PREFIX}BUFFER", "3")
    monkeypatch.setenv(f"{PREFIX}PORT", "4")
    settings = read_settings(file, port=5, model=None)
    assert (settings.port, settings.buffer, settings.store_text, settings.spool) == (5, 3, "hash", False)
    assert settings.in_work == Settings().in_work
    monkeypatch.setenv(f"{PREFIX}SPOOL", "false")
    assert read_settings().spool is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ports = 1", r"ports in .*service.toml is no setting of the service; known are model, "),
        ('port = "8000"', r"port in .*service.toml is not what was expected: input should be a valid integer"),
        ("port = 70000", "less than or equal to 65535"),
        ("most_messages = 257", "less than or equal to 256"),
        ('store_text = "some"', "'full', 'masked', 'hash' or 'none'"),
        ('model_sha256 = "abc"', "should match pattern"),
        ('relabel_token = "0123456789abcdef"', "contains a token; write it into a file of its own"),
        ("port =", "cannot be read as TOML"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, text, expected):
    """What, where, and what was expected."""
    file = tmp_path / "service.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=expected) as error:
        read_settings(file)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "many", "CHATKIT_SERVE_PORT is not what was expected"),
        ("PROT", "1", "CHATKIT_SERVE_PROT is no setting"),
    ],
)
def test_a_bad_variable_is_one_sentence(monkeypatch, name, value, expected):
    """The variable's whole name."""
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(InputError, match=expected):
        read_settings()


def test_a_token_is_long_and_never_shown(tmp_path, monkeypatch):
    """From a file or the environment; a short one is refused."""
    file = tmp_path / "token"
    file.write_text("s3cr3t-0123456789\n")
    (tmp_path / "service.toml").write_text(f'relabel_token_file = "{file}"\n')
    assert read_settings(tmp_path / "service.toml").token() == "s3cr3t-0123456789"
    monkeypatch.setenv(f"{PREFIX}RELABEL_TOKEN", "s3cr3t")
    settings = read_settings()
    assert "s3cr3t" not in repr(settings)
    with pytest.raises(InputError, match="has 6 characters, expected at least 16"):
        settings.token()
    assert Settings().token() is None


def test_what_is_not_installed_is_named():
    """Without the extra, the command says how to get it."""
    code = "import sys; sys.modules['flask'] = None; from chatkit.cli import main; sys.exit(main(['serve']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    expected = "chatkit: flask is not installed; the service needs `pip install 'chatkit[service]'`.\n"
    assert (done.returncode, done.stderr) == (1, expected)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"MODEL_SHA256": "0" * 64}, "has the digest"),
        ({"DATABASE": "mysql://host/db"}, "has the dialect mysql"),
        ({"HOST": "192.0.2.1"}, "Cannot listen on 192.0.2.1:[0-9]+ "),
    ],
)  # fmt: skip
def test_a_service_that_cannot_start_says_so(tmp_path, model_folder, settings, expected):
    """One sentence on standard error, exit code 1, nothing that runs on."""
    import os
    import re

    code = "import sys; from chatkit.cli import main; sys.exit(main())"
    environment = {PREFIX + name: value for name, value in settings.items()}
    if "DATABASE" not in settings:
        environment |= {f"{PREFIX}DATABASE": f"sqlite:///{tmp_path}/log.sqlite"}
    done = subprocess.run(
        [sys.executable, "-c", code, "serve", "--model", str(model_folder)],
        env=os.environ | environment | {f"{PREFIX}SPOOL": str(tmp_path / "spool")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert re.fullmatch(f"chatkit: .*{expected}.*\n", done.stderr), done.stderr
