"""What `pratique doctor` looks at. `CHECKS` is the list; each yields findings, and none changes anything."""

import os
import shutil
import stat
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psycopg
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count

from pratique.connectors import clamd
from pratique.foundation import imaging
from pratique.foundation.imaging.confine import landlock_version
from pratique.foundation.imaging.process import end_helpers
from pratique.foundation.migrate import UnsafeRoleError, check_application_role
from pratique.foundation.models import DataKey
from pratique.foundation.run_state import RunFolder
from pratique.foundation.storage import StorageError, blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault import VaultError
from pratique.foundation.vault.providers import provider
from pratique.foundation.worker import living_workers, orphaned_jobs
from pratique.institutions.queries import all_institution_ids
from pratique.interfaces.cli import probe, starting

_OLDEST_PYTHON, _OLDEST_SERVER = (3, 11), 15
_LEAST_FREE_GB, _SCARCE_GB = 1, 5
_CLOCK_SECONDS = 5
_WAITING_MINUTES = 10
# A PNG of one white pixel.
_ONE_DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c63f80f0001"
    "010100b138f6140000000049454e44ae426082"
)
_START = "Start it with `pratique up`."


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it is, in words, and what to do about it."""

    name: str
    state: Literal["ok", "warn", "fail"]
    message: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Return the findings of all checks; those of the database only if it answers."""
    findings = [finding for check in CHECKS for finding in check()]
    reachable = list(_database())
    findings += reachable
    if all(finding.state != "fail" for finding in reachable):
        for check in DATABASE_CHECKS:
            try:
                findings += check()
            except DatabaseError as error:
                remedy = "Run `pratique migrate`, then look again."
                findings.append(Finding(check.__name__.strip("_"), "fail", str(error).split("\n")[0], remedy))
    return findings


def _python() -> Iterator[Finding]:
    version = tuple(sys.version_info[:3])
    found = ".".join(map(str, version))
    if version < _OLDEST_PYTHON:
        yield Finding("python", "fail", found, "Install Python 3.11 or newer, then `make setup`.")
    else:
        yield Finding("python", "ok", found)


def _assets() -> Iterator[Finding]:
    if missing := starting.missing_assets():
        yield Finding("assets", "fail", f"missing: {', '.join(missing)}", "Get them with `make assets`.")
    else:
        yield Finding("assets", "ok", "all there")


def _static_files() -> Iterator[Finding]:
    if starting.static_is_current():
        yield Finding("static files", "ok", "collected")
    else:
        yield Finding(
            "static files", "warn", "not collected, or older than their sources", "`pratique up` does it."
        )


def _mail() -> Iterator[Finding]:
    public = settings.HTTPS
    if not settings.EMAIL_HOST:
        state: Literal["ok", "warn"] = "warn" if public else "ok"
        remedy = "Set PRATIQUE_SMTP_HOST: nobody receives mail now." if public else ""
        yield Finding("mail", state, "goes to the local outbox", remedy)
    elif settings.DEFAULT_FROM_EMAIL.endswith(".invalid>"):
        remedy = "Set PRATIQUE_MAIL_FROM to an address that your mail server may send from."
        yield Finding("mail", "fail", "is sent from an address that does not exist", remedy)
    elif not settings.EMAIL_USE_TLS:
        yield Finding("mail", "warn", "is sent unencrypted", "Set PRATIQUE_SMTP_TLS=1.")
    else:
        yield Finding("mail", "ok", f"SMTP, {settings.EMAIL_HOST}:{settings.EMAIL_PORT}")


def _vault() -> Iterator[Finding]:
    try:
        key_id = provider(settings.VAULT_PROVIDER).key_id
    except VaultError as error:
        problem, _, remedy = str(error).partition(". ")
        yield Finding("vault", "fail", problem, remedy)
    else:
        yield Finding(
            "vault", "ok", f"files are sealed; keys are wrapped by {settings.VAULT_PROVIDER} {key_id}"
        )


def _file_store() -> Iterator[Finding]:
    try:
        yield Finding("file store", "ok", blob_store().check())
    except StorageError as error:
        problem, _, remedy = str(error).partition(". ")
        yield Finding("file store", "fail", problem, remedy)


def _imaging() -> Iterator[Finding]:
    try:
        imaging.render(_ONE_DOT)
    except (imaging.RenderingUnavailableError, imaging.FileRefused) as error:
        remedy = "Let this user start processes, then look again; `make setup` if that does not help."
        yield Finding("page images", "fail", f"cannot be made: {error}", remedy)
        return
    finally:
        end_helpers()
    if landlock_version() < 1:
        remedy = (
            "Use Linux 5.13 or newer with Landlock switched on, so that a decoder cannot remove files either."
        )
        yield Finding("page images", "warn", "made in a process that resource limits alone confine", remedy)
    else:
        yield Finding("page images", "ok", "made in a confined process")


def _virus_scanner() -> Iterator[Finding]:
    if not clamd.is_configured():
        yield Finding("virus scanner", "ok", "none: files are not scanned (CLAMD is not set)")
        return
    try:
        clamd.check()
    except clamd.ClamdError as error:
        remedy = "Start clamd, or correct CLAMD: files that are handed in wait for it."
        yield Finding("virus scanner", "fail", str(error), remedy)
    else:
        yield Finding("virus scanner", "ok", f"clamd at {settings.CLAMD} answers")


def _data_folder() -> Iterator[Finding]:
    try:
        with tempfile.TemporaryFile(dir=settings.VAR):
            yield Finding("data folder", "ok", str(settings.VAR))
    except OSError as error:
        remedy = "Let this user write there, or set PRATIQUE_VAR to a folder that it owns."
        yield Finding("data folder", "fail", f"{settings.VAR}: {error.strerror}", remedy)


def _secrets() -> Iterator[Finding]:
    files = [*Path(settings.VAR, "secrets").rglob("*"), *Path(settings.VAR, "postgres").glob("*.password")]
    files += [path for path in [Path(os.environ["PRATIQUE_HOME"], ".env")] if path.exists()]
    open_ones = [path for path in files if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_ones:
        names = " ".join(map(str, open_ones))
        yield Finding("secrets", "fail", "others may read them", f"chmod 600 {names}")
    else:
        yield Finding("secrets", "ok", f"{len(files)} files, readable by their owner alone")


def _sftp() -> Iterator[Finding]:
    state = RunFolder(Path(settings.VAR)).running()
    if state is None:
        yield Finding("sftp", "warn", "not started: schools cannot bring or take files", _START)
    elif probe.sftp_answers(state.sftp_port):
        yield Finding("sftp", "ok", f"{probe.sftp_address(state.sftp_port)} answers")
    else:
        remedy = "Read var/log/sftp.log; `pratique up` starts it again when it ends."
        yield Finding("sftp", "fail", f"{probe.sftp_address(state.sftp_port)} does not answer", remedy)


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(settings.VAR).free / 1e9
    remedy = "Free some space, or set PRATIQUE_VAR to a larger disk."
    if free < _LEAST_FREE_GB:
        yield Finding("disk", "fail", f"{free:.1f} GB free", remedy)
    elif free < _SCARCE_GB:
        yield Finding("disk", "warn", f"{free:.1f} GB free", remedy)
    else:
        yield Finding("disk", "ok", f"{free:.0f} GB free")


def _database() -> Iterator[Finding]:
    try:
        with starting.connect_directly("default") as connection:
            version = connection.info.server_version // 10000
    except psycopg.OperationalError as error:
        embedded = settings.DATABASE_IS_EMBEDDED
        remedy = (
            _START if embedded else "Check DATABASE_URL, and that the server accepts connections from here."
        )
        yield Finding("database", "fail", str(error).strip().split("\n")[0], remedy)
        return
    if version < _OLDEST_SERVER:
        remedy = f"Use PostgreSQL {_OLDEST_SERVER} or newer."
        yield Finding("database", "fail", f"PostgreSQL {version}", remedy)
    else:
        yield Finding("database", "ok", f"PostgreSQL {version}")


def _role() -> Iterator[Finding]:
    try:
        check_application_role()
    except UnsafeRoleError as error:
        problem, _, remedy = str(error).partition(". ")
        yield Finding("role", "fail", problem, remedy)
    else:
        yield Finding("role", "ok", "row security binds it")


def _row_security() -> Iterator[Finding]:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid "
            "where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace "
            "and a.attname = 'institution_id' and not a.attisdropped "
            "and not (c.relrowsecurity and c.relforcerowsecurity) order by 1"
        )
        bare = [name for (name,) in cursor.fetchall()]
    if bare:
        remedy = "Run `pratique migrate`. If that does not help, somebody switched it off by hand."
        yield Finding("row security", "fail", f"not forced on {', '.join(bare)}", remedy)
    else:
        yield Finding("row security", "ok", "forced on every table with institution_id")


def _migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connections["default"])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        yield Finding("migrations", "fail", f"{len(plan)} to apply", "Run `pratique migrate`.")
    else:
        yield Finding("migrations", "ok", "all applied")


def _data_keys() -> Iterator[Finding]:
    """Several providers and wrapping keys may be in use, while data keys move from one to the other."""
    needed: Counter[tuple[str, str]] = Counter()
    for institution_id in all_institution_ids():
        with institution_scope(institution_id):
            pairs = DataKey.objects.order_by().values_list("provider", "provider_key_id")
            for pair in pairs.annotate(count=Count("*")).values_list("provider", "provider_key_id", "count"):
                needed[pair[:2]] += pair[2]
    told, others = False, 0
    for name in sorted({name for name, _ in needed}):
        try:
            in_use, held = provider(name).key_id, set(provider(name).held())
        except VaultError as error:
            if name != settings.VAULT_PROVIDER:  # of that one `vault` told already
                problem, _, remedy = str(error).partition(". ")
                yield Finding("data keys", "fail", f"some need the provider {name}: {problem}", remedy)
            told = True
            continue
        wanted = {key_id for other, key_id in needed if other == name}
        # KMS finds a key by itself, whatever it holds for us now.
        strange = wanted - held if provider(name).makes_keys else set()
        if strange:
            remedy = (
                "Put back the master key that fits this database; files sealed under it cannot be opened now."
            )
            yield Finding(
                "data keys", "fail", f"some are wrapped by another key: {', '.join(sorted(strange))}", remedy
            )
            told = True
        if name != settings.VAULT_PROVIDER:
            others += sum(count for (other, _), count in needed.items() if other == name)
        else:
            others += sum(needed[name, key_id] for key_id in wanted - strange - {in_use})
    if others:
        yield Finding(
            "data keys", "warn", f"{others} are wrapped by an older key or another provider",
            f"Finish the rotation: `pratique vault rotate --master --to {settings.VAULT_PROVIDER}`.",
        )  # fmt: skip
    elif not told:
        yield Finding("data keys", "ok", "all can be unwrapped")


def _clock() -> Iterator[Finding]:
    with connections["default"].cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        difference = abs((datetime.now(UTC) - cursor.fetchone()[0]).total_seconds())
    if difference > _CLOCK_SECONDS:
        remedy = "Keep both clocks by NTP: due dates and one-time codes depend on them."
        yield Finding("clock", "warn", f"{difference:.0f} s apart from the database's", remedy)
    else:
        yield Finding("clock", "ok", "agrees with the database's")


def _workers() -> Iterator[Finding]:
    count = living_workers()
    if count:
        yield Finding("workers", "ok", f"{count} alive")
    else:
        yield Finding("workers", "warn", "none alive: jobs wait", _START)


def _jobs() -> Iterator[Finding]:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "select count(*) filter (where status = 'failed'), "
            "count(*) filter (where status = 'todo' and coalesce(scheduled_at, e.at) < now() - %s * interval "
            "'1 minute') from procrastinate_jobs j left join lateral (select min(at) as at "
            "from procrastinate_events where job_id = j.id) e on true",
            [_WAITING_MINUTES],
        )
        failed, late = cursor.fetchone()
    orphans = orphaned_jobs()
    parts = [
        (orphans, "run by no living worker"),
        (late, f"waiting for more than {_WAITING_MINUTES} minutes"),
        (failed, "failed"),
    ]
    if wrong := ", ".join(f"{count} {words}" for count, words in parts if count):
        remedy = "A living worker takes up the first two kinds; var/log/worker*.log says why a job failed."
        yield Finding("jobs", "warn", wrong, remedy)
    else:
        yield Finding("jobs", "ok", "none stalled, late or failed")


Check = Callable[[], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    _python,
    _data_folder,
    _disk,
    _secrets,
    _assets,
    _static_files,
    _mail,
    _vault,
    _file_store,
    _imaging,
    _virus_scanner,
    _sftp,
)
DATABASE_CHECKS: tuple[Check, ...] = (_role, _migrations, _row_security, _data_keys, _clock, _workers, _jobs)
