"""`pratique partner call` asks for what it needs, and never takes a key as an argument."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pratique.interfaces.cli import partner
from pratique.partner_client.fields import METHODS

HERE = ["--url", "http://127.0.0.1:9", "--client-id", "demo_x"]
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


def run(*arguments, **environment):
    return CliRunner().invoke(partner.app, ["call", *arguments], env=environment)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["getUser", "code"], "Fields are written key=value"),
        (["getUser", "=x"], "Fields are written key=value"),
        (["getUser", "code=1", "code=2"], "code is given twice"),
        (["createUser", "dateOfBirth=soon"], "dateOfBirth is a number of milliseconds"),
    ],
)
def test_a_field_that_cannot_be_read(arguments, told):
    done = run(*arguments, *HERE, PRATIQUE_PARTNER_KEY=KEY)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_who_calls_must_be_said():
    done = run("getUser", PRATIQUE_BASE_URL="", PRATIQUE_PARTNER_KEY=KEY)
    assert done.exit_code == 2
    assert "--url and --client-id, or --demo" in done.stderr


def test_a_key_must_be_given_and_right(tmp_path):
    missing = run("getUser", *HERE, PRATIQUE_PARTNER_KEY="")
    assert (missing.exit_code, "PRATIQUE_PARTNER_KEY or with --key-file" in missing.stderr) == (2, True)
    wrong = run("getUser", *HERE, PRATIQUE_PARTNER_KEY=KEY[:-1])
    assert (wrong.exit_code, "43 characters" in wrong.stderr) == (2, True)
    assert KEY[:-1] not in wrong.output
    nowhere = run("getUser", *HERE, "--key-file", str(tmp_path / "no"))
    assert (nowhere.exit_code, "cannot be read" in nowhere.stderr) == (2, True)


def test_a_key_in_a_file_counts_before_that_of_the_environment(tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    # Nobody listens there: the key was right if that is what is told.
    done = run("getUser", *HERE, "--key-file", str(file), PRATIQUE_PARTNER_KEY="wrong")
    assert done.exit_code == 1
    assert done.stderr.startswith("UNREACHABLE: http://127.0.0.1:9 does not answer")


def test_no_option_takes_a_key():
    shown = run("--help").output
    assert "--key-file" in shown
    assert run("getUser", *HERE, "--key", KEY).exit_code == 2


def test_help_names_every_method_with_its_fields():
    shown = " ".join(run("--help").output.split())
    for method, names in METHODS.items():
        assert f"{method}: {', '.join(names)}" in shown


def test_no_demo_no_demo_partner(tmp_path):
    done = run("getUser", "--demo", PRATIQUE_VAR=str(tmp_path))
    assert (done.exit_code, "pratique demo load" in done.stderr) == (2, True)


def test_it_starts_without_django():
    code = "import sys, pratique.interfaces.cli.partner; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
