"""What a person does at the console during the kill tests, done from a process of its own.

python -m tests.integration.process.importing make              -> a school `kills`
python -m tests.integration.process.importing hand-in FILE      -> the id of an import whose check is asked for
python -m tests.integration.process.importing confirm ID
python -m tests.integration.process.importing bring FILE     -> as an upload by SFTP that is claimed
python -m tests.integration.process.importing results        -> the results file that lies there
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from pratique.institutions.models import Institution


def main(verb: str, argument: str = "") -> None:
    django.setup()
    from pratique.foundation import audit, clock
    from pratique.foundation.tenancy import institution_scope
    from pratique.institutions.actions import TermDates, create_institution, create_package
    from pratique.institutions.queries import institution_by_slug
    from pratique.interfaces.cli.demo_school import TERMS
    from pratique.rosters import actions
    from pratique.rosters.models import RosterImport
    from pratique.rosters.sample import DEFAULT_GROUPS

    by, now = audit.Actor("staff", "kills"), clock.now()
    if verb == "make":
        school = create_institution(slug="kills", name="Kills", time_zone="UTC", by=by, now=now)
        terms: tuple[TermDates, ...] = TERMS
        with institution_scope(school.id):
            create_package(
                institution=school,
                code="KILLS26",
                name="Kills",
                groups=DEFAULT_GROUPS,
                terms=terms,
                by=by,
                now=now,
            )
        return
    found = institution_by_slug("kills")
    assert found is not None
    with institution_scope(found.id):
        if verb == "hand-in":
            path = Path(argument)
            roster_import = actions.receive(
                institution=found,
                file_name=path.name,
                content=path.read_bytes(),
                source="console",
                by=by,
                now=now,
            )
            actions.request_check(roster_import=roster_import, by=by, now=now)
            print(roster_import.id)
        elif verb == "confirm":
            actions.confirm(roster_import=RosterImport.objects.get(id=argument), by=by, now=now)
    if verb == "bring":
        _bring(found, Path(argument).read_bytes())
    if verb == "results":
        _show_results(found)


def _bring(school: "Institution", content: bytes) -> None:
    from pratique.foundation import audit, clock
    from pratique.foundation.ids import new_id
    from pratique.transfers.actions.accounts import create_account
    from pratique.transfers.actions.claiming import claim
    from pratique.transfers.types import AccountRef, Upload

    now = clock.now()
    account = create_account(
        institution=school,
        name="Student information system",
        username_part="sis",
        contact_email="it@school.example",
        by=audit.Actor("staff", "kills"),
        now=now,
    )
    upload = Upload(
        account=AccountRef(school.id, account.id, account.username),
        file_id=new_id(),
        name="roster.csv",
        size=len(content),
        received_at=now,
        session=None,
    )
    print(claim(upload, lambda: iter([content]), now).state)


def _show_results(school: "Institution") -> None:
    from pratique.foundation.storage import blob_store
    from pratique.foundation.tenancy import institution_scope
    from pratique.transfers.models import OutboundFile
    from pratique.transfers.outbound import stored_name

    with institution_scope(school.id):
        file = OutboundFile.objects.get(folder="results")
    stored = stored_name(file.account_id, file.id)
    sys.stdout.buffer.write(blob_store().get(institution_id=school.id, name=stored))


if __name__ == "__main__":
    main(*sys.argv[1:])
