"""`pratique vault`: which keys there are, and whether every stored file is whole."""

import time
from dataclasses import asdict, dataclass, field
from typing import Annotated
from uuid import UUID

import orjson
import typer
from django.conf import settings
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pratique.foundation import vault as sealed_files
from pratique.foundation.models import DataKey
from pratique.foundation.storage import BlobStore, StorageError, blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault.providers import provider
from pratique.institutions.models import Institution
from pratique.institutions.queries import all_institution_ids

app = typer.Typer(no_args_is_help=True, help="Keys of the stored files, and whether every file is whole.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")]


@dataclass
class Status:
    """What one institution keeps in the vault."""

    institution: str
    files: int
    bytes: int
    keys: int
    newest_key: int | None


@dataclass
class Verdict:
    """What reading every file found; `wrong` names each file that cannot be given back."""

    files: int = 0
    bytes: int = 0
    wrong: list[str] = field(default_factory=list)


@app.callback()
def vault() -> None:
    """Keys of the stored files, and whether every file is whole."""


@app.command()
def status(json: AsJson = False) -> None:
    """Say which key wraps, and how many keys and files each institution has. Opens nothing."""
    name = settings.VAULT_PROVIDER
    try:
        key_id = provider(name).key_id
    except sealed_files.VaultError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    store = blob_store()
    found = [_status(store, school) for school in _schools()]
    if json:
        _print_json({"provider": name, "key_id": key_id, "institutions": [asdict(one) for one in found]})
        return
    typer.echo(f"Key provider: {name}, key {key_id}")
    for one in found:
        keys = f"{one.keys} data keys, newest {one.newest_key}" if one.keys else "no data key yet"
        typer.echo(f"{one.institution}: {one.files:,} files, {one.bytes:,} bytes, {keys}")


@app.command()
def verify(json: AsJson = False) -> None:
    """Read every stored file of every institution, and name what is wrong; exit status 1 then."""
    store, verdict, started = blob_store(), Verdict(), time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for school in _schools():
            names = sorted(store.names(institution_id=school.id))
            task = progress.add_task(school.slug, total=len(names))
            for name in names:
                _verify(store, school, name, verdict)
                progress.advance(task)
    if json:
        _print_json(asdict(verdict))
    else:
        for line in verdict.wrong:
            typer.echo(line)
        count = f"{len(verdict.wrong):,} wrong" if verdict.wrong else "all whole"
        seconds = time.monotonic() - started
        typer.echo(f"{verdict.files:,} files, {verdict.bytes:,} bytes read in {seconds:.1f} s: {count}.")
    raise typer.Exit(1 if verdict.wrong else 0)


def _verify(store: BlobStore, school: Institution, name: str, verdict: Verdict) -> None:
    verdict.files += 1
    try:
        for chunk in store.stream(institution_id=school.id, name=name):
            verdict.bytes += len(chunk)
    except (sealed_files.VaultError, StorageError) as error:
        verdict.wrong.append(f"{school.slug}: {error}")
    except ValueError:
        verdict.wrong.append(
            f"{school.slug}: {name!r} is not a name that Pratique gives. Nothing of ours uses it."
        )
    except OSError as error:
        verdict.wrong.append(f"{school.slug}: The stored file {name} cannot be read: {error.strerror}.")


def _status(store: BlobStore, school: Institution) -> Status:
    names = list(store.names(institution_id=school.id))
    with institution_scope(school.id):
        versions = list(DataKey.objects.values_list("version", flat=True))
    return Status(
        institution=school.slug,
        files=len(names),
        bytes=sum(_size(store, school.id, name) for name in names),
        keys=len(versions),
        newest_key=max(versions, default=None),
    )


def _size(store: BlobStore, institution_id: UUID, name: str) -> int:
    try:
        return store.size(institution_id=institution_id, name=name)
    except (StorageError, ValueError, OSError):
        return 0  # it went away meanwhile, or is none of ours: `verify` tells


def _schools() -> list[Institution]:
    return [_school(institution_id) for institution_id in all_institution_ids()]


def _school(institution_id: UUID) -> Institution:
    with institution_scope(institution_id):
        return Institution.objects.get(id=institution_id)


def _print_json(value: object) -> None:
    typer.echo(orjson.dumps(value).decode())
