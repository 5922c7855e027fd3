"""`pratique vault`: which keys there are, whether every stored file is whole, and newer keys."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
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
from pratique.foundation.vault.keys import owner_of
from pratique.foundation.vault.providers import provider
from pratique.institutions.models import Institution
from pratique.interfaces.cli.vault_owners import owners_in, schools
from pratique.interfaces.cli.vault_rotation import reseal, rotate
from pratique.interfaces.cli.vault_spool import verify_uploads
from pratique.transfers.spool.spool import Spool

app = typer.Typer(no_args_is_help=True, help="Keys of the stored files, and whether every file is whole.")

app.command()(rotate)
app.command()(reseal)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")]


@dataclass
class Status:
    """What one owner keeps in the vault: an institution (`account` is empty), or one of its transfer accounts."""

    institution: str
    account: str
    files: int
    bytes: int
    keys: int
    newest_key: int | None
    retired: int
    # Which wrapping keys its data keys need, as `provider key id`.
    wrapped_by: list[str]


@dataclass
class Verdict:
    """What reading every file found; `wrong` names each file that cannot be given back."""

    files: int = 0
    bytes: int = 0
    uploads: int = 0
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
    found: list[Status] = []
    try:
        held = list(provider(name).held())
        for school in schools():
            found += _statuses(blob_store(), school)
    except (sealed_files.VaultError, StorageError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    if json:
        told = [asdict(one) for one in found]
        _print_json({"provider": name, "key_id": key_id, "held": held, "owners": told})
        return
    typer.echo(f"Key provider: {name}, key {key_id}")
    for older in held:
        if older != key_id:
            typer.echo(f"Older key, kept: {older}")
    for one in found:
        keys = (
            f"{one.keys} data key{'s' * (one.keys > 1)}, newest {one.newest_key}"
            if one.keys
            else "no data key yet"
        )
        retired = f", {one.retired} retired" if one.retired else ""
        others = [wrapping for wrapping in one.wrapped_by if wrapping != f"{name} {key_id}"]
        wrapped = f", wrapped by {', '.join(others)}" if others else ""
        what = f"  {one.account}" if one.account else one.institution
        typer.echo(f"{what}: {one.files:,} files, {one.bytes:,} bytes, {keys}{retired}{wrapped}")


@app.command()
def verify(json: AsJson = False) -> None:
    """Read every stored file of every institution and account, and the uploads in this machine's spool.

    Names what is wrong; exit status 1 then.
    """
    store, verdict, started = blob_store(), Verdict(), time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for school in schools():
            names = sorted(store.names(institution_id=school.id))
            task = progress.add_task(school.slug, total=len(names))
            for name in names:
                _verify(store, school, name, verdict)
                progress.advance(task)
    for size, problem in verify_uploads(Spool()):
        verdict.uploads += 1
        verdict.bytes += size
        verdict.wrong += [problem] if problem else []
    if json:
        _print_json(asdict(verdict))
    else:
        for line in verdict.wrong:
            typer.echo(line)
        count = f"{len(verdict.wrong):,} wrong" if verdict.wrong else "all whole"
        seconds = time.monotonic() - started
        uploads = f" and {verdict.uploads:,} uploads" if verdict.uploads else ""
        typer.echo(
            f"{verdict.files:,} files{uploads}, {verdict.bytes:,} bytes read in {seconds:.1f} s: {count}."
        )
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


def _statuses(store: BlobStore, school: Institution) -> Iterator[Status]:
    """Yield the institution and then its accounts; one look over names and keys for all of them."""
    names: dict[UUID, list[str]] = defaultdict(list)
    for name in store.names(institution_id=school.id):
        with suppress(ValueError):  # none of ours: `verify` tells
            names[owner_of(school.id, name)].append(name)
    keys: dict[UUID, list[DataKey]] = defaultdict(list)
    with institution_scope(school.id):
        for key in DataKey.objects.order_by("version"):
            keys[key.owner_id].append(key)
    for owner in owners_in(school):
        own = keys[owner.id]
        yield Status(
            institution=school.slug,
            account=owner.name if owner.is_account else "",
            files=len(names[owner.id]),
            bytes=sum(_size(store, school.id, name) for name in names[owner.id]),
            keys=len(own),
            newest_key=own[-1].version if own else None,
            retired=sum(key.retired_at is not None for key in own),
            wrapped_by=sorted({f"{key.provider} {key.provider_key_id}" for key in own}),
        )


def _size(store: BlobStore, institution_id: UUID, name: str) -> int:
    try:
        return store.size(institution_id=institution_id, name=name)
    except (StorageError, ValueError, OSError):
        return 0  # it went away meanwhile, or is none of ours: `verify` tells


def _print_json(value: object) -> None:
    typer.echo(orjson.dumps(value).decode())
