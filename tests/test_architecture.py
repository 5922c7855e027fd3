"""The laws that import-linter cannot check (architecture.md, "Who may import whom")."""

import ast
import re
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

from pratique.config.data_inventory import INVENTORY

SOURCE = Path(__file__).resolve().parents[1] / "src" / "pratique"
LAYERS = [
    "foundation", "institutions", "accounts", "students", "records", "requirements", "compliance", "reviews", "rosters",
    "transfers", "partners", "reminders", "reports", "delivery", "screens", "interfaces", "config",
]  # fmt: skip
OUR_MODELS = [m for m in apps.get_models() if m.__module__.startswith("pratique.")]
every_model = pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model._meta.label)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def modules() -> list[Path]:
    return [path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts]


@every_model
def test_foreign_keys_point_down_the_layers(model):
    here = LAYERS.index(model._meta.app_label)
    for field in model._meta.local_fields:
        if field.is_relation:
            assert LAYERS.index(field.related_model._meta.app_label) <= here, field.name


@every_model
def test_every_field_is_declared_personal_or_harmless(model):
    declared = " ".join(INVENTORY[model._meta.label]).split()
    actual = [field.name for field in model._meta.local_fields]
    if isinstance(model._meta.pk, models.CompositePrimaryKey):
        actual.append("pk")
    assert sorted(declared) == sorted(set(actual))


def test_the_inventory_has_no_model_that_is_gone():
    assert set(INVENTORY) == {model._meta.label for model in OUR_MODELS}


@every_model
def test_an_instant_of_a_deed_has_its_doer(model):
    """Paired fields: what has `published_at` has `published_by`, and the database keeps both or neither."""
    names = {field.name for field in model._meta.local_fields}
    text = " ".join(str(constraint.deconstruct()) for constraint in model._meta.constraints)
    for name in names:
        pair = name.removesuffix("_at") + "_by"
        if name.endswith("_at") and pair in names and model._meta.get_field(name).null:
            assert name in text, f"{name} and {pair} need a check constraint"
            assert pair in text, f"{name} and {pair} need a check constraint"


def test_every_enqueued_name_has_a_task():
    from procrastinate.contrib.django import app

    for path in settings.PROCRASTINATE_IMPORT_PATHS:
        import_module(path)
    tasks = set(app.tasks)
    enqueued = set()
    for path in modules():
        for node in ast.walk(parsed(path)):
            called = isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in ("enqueue", "_enqueue") and node.args and isinstance(node.args[0], ast.Constant):
                enqueued.add(node.args[0].value)
    assert enqueued, "no job is enqueued anywhere: this test looks in the wrong place"
    assert enqueued <= tasks


def test_every_queue_that_a_task_names_is_a_known_queue():
    from procrastinate.contrib.django import app

    from pratique.foundation.queue import QUEUES

    ours = {
        task.queue for name, task in app.tasks.items() if not name.startswith(("builtin", "procrastinate"))
    }
    assert ours <= set(QUEUES)


# What writes, and the only files that may: actions decide what is written, and the stores that they call.
_WRITES = {
    "save",
    "create",
    "bulk_create",
    "bulk_update",
    "update_or_create",
    "get_or_create",
    "force_insert",
}
_SQL_WRITE = re.compile(r"^\s*(insert into|update |delete from|copy [^(])", re.I)
_WRITERS = ("actions", "store", "progress", "audit", "bulk", "queue")
_ALLOWED = {
    # The connection's own bookkeeping, a table of the outbox's own SQLite file, and passwords at sign-in.
    "foundation/outbox.py",
    "foundation/worker.py",  # the queue's own rows
    "foundation/worker_sql.py",
    "foundation/migrate.py",
    "foundation/embedded_postgres.py",
    "foundation/tenancy/operations.py",
}


def test_writes_live_in_actions():
    found = []
    for path in modules():
        relative = path.relative_to(SOURCE).as_posix()
        if path.stem in _WRITERS or "actions" in path.parts or relative in _ALLOWED:
            continue
        if "spool" in path.parts:
            continue  # it writes files of its own, and no row
        for node in ast.walk(parsed(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in _WRITES
                # A picture is saved into something; a row is just saved.
                and not (node.func.attr == "save" and node.args)
            ):
                found.append(f"{relative}:{node.lineno} .{node.func.attr}()")
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and _SQL_WRITE.match(node.value)
            ):
                found.append(f"{relative}:{node.lineno} SQL")
    assert found == []


def test_no_signals_and_no_save_overrides():
    for path in modules():
        text = path.read_text()
        assert "django.db.models.signals" not in text, path
        assert "post_save" not in text, path
        if path.stem == "models":
            assert "def save(" not in text, path


def test_files_stay_small_enough_to_be_read_at_a_sitting():
    large = {
        path.relative_to(SOURCE).as_posix(): lines
        for path in modules()
        if (lines := len(path.read_text().splitlines())) > 420
    }
    assert large == {}


def test_no_file_is_called_after_nothing():
    for path in modules():
        assert path.stem not in {"utils", "helpers", "misc", "common", "manager"}, path


def test_no_tracked_file_names_a_registry():
    # Written in pieces, so that this file does not find itself.
    names = {"pyp" + "i": "org", "pythonhos" + "ted": "org", "npm" + "js": "org|com", "deb" + "ian": "org"}
    hosts = "|".join(f"{name}\\.({ends})" for name, ends in names.items())
    found = subprocess.run(
        ["git", "grep", "-nIE", f"({hosts})", "--", "."],
        cwd=SOURCE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
