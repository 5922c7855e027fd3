"""`pratique vault rotate` and `vault reseal`: newer data keys, newer wrapping keys, another key provider."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, NoReturn

import typer
from django.conf import settings
from django.db.models import Max
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pratique.foundation import audit, clock, vault
from pratique.foundation.models import DataKey
from pratique.foundation.storage import BlobStore, FileMissingError, StorageError, blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault import keys
from pratique.foundation.vault.actions import rewrapping, rotating
from pratique.foundation.vault.providers import KeyProvider, provider
from pratique.institutions.queries import all_institution_ids
from pratique.interfaces.cli.vault_owners import COLUMNS, Owner, find_owner

_FAILED, _USAGE = 1, 2
_BY = audit.Actor("command", "vault")
# Another process may have read the older key just before the newer one was there, and remembers it from then on.
_MARGIN = timedelta(seconds=keys.REMEMBERED_SECONDS + 10)
_LOOK = 5

Account = Annotated[str, typer.Option("--account", help="A transfer account, by its username.")]
School = Annotated[str, typer.Option("--institution", help="An institution, by its slug.")]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait",
        help="Wait until no process seals with an older key any more (5 minutes), and retire the older keys.",
    ),
]


def rotate(
    account: Account = "",
    institution: School = "",
    reseal: Annotated[
        bool, typer.Option("--reseal", help="Then seal every file of the owner under the new key.")
    ] = False,
    wait: Wait = True,
    master: Annotated[
        bool, typer.Option("--master", help="A new wrapping key; every data key is wrapped anew.")
    ] = False,
    to: Annotated[
        str, typer.Option("--to", help="With --master: move every data key to this key provider.")
    ] = "",
    forget_old: Annotated[
        bool, typer.Option("--forget-old", help="With --master: remove wrapping keys that nothing needs.")
    ] = False,
) -> None:
    """Make a new data key for an account or an institution, or (--master) a new key that wraps all data keys.

    Files in use go on. May be interrupted and started again.
    """
    if master:
        if account or institution or reseal:
            _stop("--master is about all data keys: leave out --account, --institution and --reseal.", _USAGE)
        with _errors_told():
            if forget_old:
                _forget(to or settings.VAULT_PROVIDER)
            else:
                _rotate_master(to)
        return
    if to or forget_old:
        _stop("--to and --forget-old belong to --master.", _USAGE)
    owner = _owner(account, institution)
    with _errors_told():
        version = rotating.rotate_data_key(
            institution_id=owner.institution_id, owner_id=owner.id,
            provider_name=settings.VAULT_PROVIDER, by=_BY, now=clock.now(),
        )  # fmt: skip
    typer.echo(
        f"{owner.name} has data key {version}. New files are sealed with it within {_minutes()} minutes."
    )
    if reseal:
        _reseal(owner, wait=wait)


def reseal(account: Account = "", institution: School = "", wait: Wait = True) -> None:
    """Seal every file of an owner under its newest data key, and retire the older keys.

    `vault rotate --reseal` does this too; here it goes on after an interruption, without another key.
    """
    _reseal(_owner(account, institution), wait=wait)


def _reseal(owner: Owner, *, wait: bool) -> None:
    """Seal all anew until nothing more comes under an older key; what is done already is passed over."""
    vault.forget_keys()
    store, done = blob_store(), 0
    made = _newest_made(owner)
    if made is None:
        typer.echo(f"{owner.name} has no data key yet: nothing is sealed.")
        return
    while True:
        began = clock.now()
        with _errors_told():
            count, wrong = _pass(store, owner)
        done += count
        for line in wrong:
            typer.echo(line)
        if wrong:
            _stop(
                "These files stay as they are, and so do the older keys. Restore them, then `vault reseal`.",
                1,
            )
        if began >= made + _MARGIN:
            break
        if not wait:
            until = (made + _MARGIN).astimezone(UTC)
            typer.echo(
                f"{done:,} files sealed anew. Run `pratique vault reseal` again after {until:%H:%M:%S} UTC to "
                "retire the older keys: until then a process may still seal with one."
            )
            return
        _sleep_until(made + _MARGIN)
    retired = rotating.retire_data_keys(
        institution_id=owner.institution_id, owner_id=owner.id, by=_BY, now=clock.now()
    )
    typer.echo(f"{done:,} files sealed anew, {retired} older keys retired.")


def _pass(store: BlobStore, owner: Owner) -> tuple[int, list[str]]:
    """Seal anew what is under an older key; return how many, and a line for each file that cannot be read."""
    done, wrong = 0, []
    names = owner.names(store)
    with _progress() as progress:
        task = progress.add_task(f"sealing {owner.name}", total=len(names))
        for name in names:
            try:
                done += store.reseal(institution_id=owner.institution_id, name=name)
            except FileMissingError:
                pass  # removed since we listed it
            except (vault.SealBrokenError, vault.KeyMissingError, StorageError) as error:
                wrong.append(str(error))
            except ValueError:
                wrong.append(f"{name!r} is not a name that Pratique gives. Nothing of ours uses it.")
            progress.advance(task)
    if not owner.is_account:
        for column in COLUMNS:
            done += rotating.reseal_column(column, institution_id=owner.institution_id)
    return done, wrong


def _rotate_master(to: str) -> None:
    name = to or settings.VAULT_PROVIDER
    target = provider(name)
    key_id = _wrapping_key(target, name, make=not to)
    rewrapping.wait_for_wrappers()
    total = _rewrap_all(name, key_id, all_keys=not target.makes_keys)
    typer.echo(f"{total:,} data keys are wrapped by {name} key {key_id} now.")
    if name != settings.VAULT_PROVIDER:
        typer.echo(
            f"Now set PRATIQUE_VAULT_PROVIDER={name} and restart; then run this once more, for keys made meanwhile."
        )
    elif target.makes_keys:
        typer.echo("Back the new key up. `pratique vault rotate --master --forget-old` removes older ones.")


def _wrapping_key(target: KeyProvider, name: str, *, make: bool) -> str:
    """Return the key to wrap by: a new one, unless a rotation that was interrupted is finished first."""
    if not target.makes_keys:
        return target.key_id
    held = target.held()
    if held and (not make or _named(name) - {target.key_id}):
        if make:
            typer.echo(f"Some data keys are still wrapped by an older key: going on with {target.key_id}.")
        return target.key_id
    return target.make_key()


def _rewrap_all(name: str, key_id: str, *, all_keys: bool) -> int:
    total = 0
    with _progress() as progress:
        ids = all_institution_ids()
        task = progress.add_task("wrapping keys", total=len(ids))
        for institution_id in ids:
            after = None
            while True:
                count, after = rewrapping.rewrap(
                    institution_id=institution_id, provider_name=name, key_id=key_id, by=_BY, now=clock.now(),
                    after=after, all_keys=all_keys,
                )  # fmt: skip
                total += count
                if after is None:
                    break
            progress.advance(task)
    return total


def _forget(name: str) -> None:
    gone, needed = rewrapping.forget_unneeded(name, institution_ids=all_institution_ids)
    for key_id in gone:
        typer.echo(
            f"{name} key {key_id} is removed: no data key needs it. A database backup from before does."
        )
    for key_id in needed:
        typer.echo(f"{name} key {key_id} is still needed. Run `pratique vault rotate --master` first.")
    if not gone and not needed:
        typer.echo(f"{name} holds no older key.")
    if needed:
        raise typer.Exit(_FAILED)


def _named(name: str) -> set[str]:
    named: set[str] = set()
    for institution_id in all_institution_ids():
        with institution_scope(institution_id):
            named |= set(DataKey.objects.filter(provider=name).values_list("provider_key_id", flat=True))
    return named


def _newest_made(owner: Owner) -> datetime | None:
    with institution_scope(owner.institution_id):
        made: datetime | None = DataKey.objects.filter(owner_id=owner.id).aggregate(at=Max("created_at"))[
            "at"
        ]
    return made


def _owner(account: str, institution: str) -> Owner:
    if bool(account) == bool(institution):
        _stop(
            "Name whose key: --account USERNAME or --institution SLUG (or --master for the wrapping key).",
            _USAGE,
        )
    found = find_owner(account=account, institution=institution)
    if found is None:
        _stop(f"There is no {'account' if account else 'institution'} {account or institution}.", _USAGE)
    return found


def _sleep_until(moment: datetime) -> None:
    with _progress() as progress:
        progress.add_task(
            f"waiting until {moment.astimezone(UTC):%H:%M:%S} UTC for processes with an older key"
        )
        while clock.now() < moment:
            time.sleep(min(_LOOK, max(0.1, (moment - clock.now()).total_seconds())))


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _minutes() -> int:
    return -(-keys.REMEMBERED_SECONDS // 60)


@contextmanager
def _errors_told() -> Iterator[None]:
    try:
        yield
    except (vault.VaultError, StorageError) as error:
        _stop(str(error), _FAILED)


def _stop(message: str, status: int) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(status)
