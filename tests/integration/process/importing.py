"""What a person does at the console during the kill tests, done from a process of its own.

python -m tests.integration.process.importing make              -> a school `kills`
python -m tests.integration.process.importing hand-in FILE      -> the id of an import whose check is asked for
python -m tests.integration.process.importing confirm ID
"""

import sys
from pathlib import Path

import django


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
        else:
            actions.confirm(roster_import=RosterImport.objects.get(id=argument), by=by, now=now)


if __name__ == "__main__":
    main(*sys.argv[1:])
