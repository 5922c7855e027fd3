"""A roster of N students: bytes on disk -> every student, membership, invitation and row result committed.

The floor is what PostgreSQL itself can do with the same file: psql copies it into a staging table and inserts the
same rows into the same tables, indexes, references and row security, with no checks, no plan and no messages.
"""

import datetime
import os
import subprocess
import tempfile
from pathlib import Path

import measure
import population

_MOST = 50_000
_EMPTIED = (
    "students_student", "students_membership", "students_invitation", "rosters_rosterimport", "rosters_rosterfile",
    "rosters_rosterprogress", "rosters_rowresult", "foundation_auditevent", "compliance_item",
    "compliance_statuschange", "records_dose", "records_titer", "records_document", "records_formanswer",
    "records_exemption", "procrastinate_jobs",
)  # fmt: skip
_TODAY = datetime.date(2026, 8, 1)
_FOLDER = Path(tempfile.gettempdir()) / "pratique-bench-roster"


def setup(n: int) -> population.School:
    """Return an empty school, emptied again for each run, with a roster of `n` rows on disk."""
    school = population.prepared(0, name="roster")
    _FOLDER.mkdir(exist_ok=True)
    from pratique.rosters.sample import write_sample

    for seed, path in enumerate(_files(n), 1):
        if not path.exists():
            with path.open("wb") as out:
                write_sample(rows=min(n, _MOST), seed=seed, out=out)
    # Autovacuum may analyse a table between this and the commit of the rows, find none, and leave the planner
    # believing in an empty table: reference checks then took eight minutes once, on either side.
    off = "; ".join(f"alter table {table} set (autovacuum_enabled = false)" for table in _EMPTIED)
    _psql(school, "postgres", f"{off}; truncate {', '.join(_EMPTIED)} cascade; checkpoint;")
    from pratique.foundation.storage import blob_store

    stored = blob_store()
    names = list(stored.names(institution_id=population.INSTITUTION, prefix="roster/"))
    stored.delete_many(institution_id=population.INSTITUTION, names=names)
    return school


def ours(n: int) -> None:
    """Receive, confirm and apply each file as a worker does."""
    from pratique.foundation import audit, clock
    from pratique.foundation.tenancy import institution_scope
    from pratique.institutions.queries import institution_by_slug
    from pratique.rosters import actions
    from pratique.rosters.models import ImportState
    from pratique.rosters.progress import reporting

    institution = institution_by_slug(population.SLUG)
    assert institution
    now, by = clock.now(), audit.Actor("command", "bench")
    for path in _files(n):
        with institution_scope(institution.id):
            roster_import = actions.receive(
                institution=institution,
                file_name=path.name,
                content=path.read_bytes(),
                source="command",
                by=by,
                now=now,
            )
            roster_import.state = ImportState.READY  # the plan is made once, by apply itself
            actions.confirm(roster_import=roster_import, by=by, now=now)
        with reporting(institution.id, roster_import.id) as report:
            assert actions.apply(
                institution=institution,
                roster_import_id=roster_import.id,
                today=_TODAY,
                now=now,
                report=report,
            )


def floor(n: int) -> None:
    """The same rows by plain SQL."""
    school = population.prepared(0, name="roster")
    for path in _files(n):
        copy = (
            "\\copy staging (username, student_id, last_name, first_name, telephone, dob, requirement_group, term, "
            f"on_campus) from '{path}' with (format csv, header)"
        )
        _psql(school, "pratique", _FLOOR.format(copy=copy, institution=population.INSTITUTION))


_FLOOR = """
\\set ON_ERROR_STOP on
begin;
select set_config('pratique.institution', '{institution}', true);
create temporary table staging (username text, student_id text, last_name text, first_name text, telephone text,
    dob text, requirement_group text, term text, on_campus text, row serial,
    id uuid default gen_random_uuid(), membership_id uuid default gen_random_uuid()) on commit drop;
{copy}
analyze staging;
insert into rosters_rosterimport (id, institution_id, file_name, source, size, sha256, mapping, state, received_at,
    received_by, applied_by, counts, file_warnings)
values (gen_random_uuid(), '{institution}', 'roster.csv', 'command', 0, '', '{{}}', 'applying', now(), 'x', '',
    '{{}}', '[]');
insert into students_student (institution_id, id, username, username_key, student_id, last_name, first_name, email,
    telephone, date_of_birth, on_campus, attributes, account_token, search_text, created_at, updated_at)
select '{institution}', id, username, lower(username), student_id, coalesce(last_name, ''), coalesce(first_name, ''),
    username, coalesce(telephone, ''), to_date(dob, 'MM/DD/YYYY'),
    case on_campus when '1' then true when '0' then false end,
    '{{}}', substr(replace(id::text, '-', ''), 1, 22),
    lower(concat_ws(' ', last_name, first_name, last_name, username, student_id)), now(), now()
from staging;
insert into students_membership (institution_id, id, student_id, package_id, tracker_id, state, created_at, num_items,
    num_complete, num_approved, user_complete, complete, stale_since)
select '{institution}', s.membership_id, s.id, p.id, t.id, 'active', now(), 0, 0, 0, false, false, now()
from staging s cross join institutions_package p
left join institutions_requirementgroup g on g.name = s.requirement_group
left join institutions_term te on te.name = s.term
left join institutions_tracker t on t.requirement_group_id = g.id and t.term_id = te.id;
insert into students_invitation (institution_id, id, membership_id, state, queued_at, changed_at, failure)
select '{institution}', gen_random_uuid(), membership_id, 'queued', now(), now(), '' from staging;
insert into rosters_rowresult (institution_id, roster_import_id, row, line, outcome, username, student_id, student_key)
select '{institution}', i.id, s.row, s.row + 1, 'created', s.username, s.student_id, s.id
from staging s cross join rosters_rosterimport i where not exists (
    select 1 from rosters_rowresult r where r.roster_import_id = i.id);
commit;
"""


def _psql(school: population.School, role: str, script: str) -> None:
    subprocess.run(
        [str(school.psql), "-q", "-X", "-o", os.devnull, school.url(role)],
        input=script.encode(),
        check=True,
    )


def _files(n: int) -> list[Path]:
    """Return the files that hold `n` rows, each with at most what one file may have."""
    return [_FOLDER / f"roster-{number}-{min(n, _MOST)}.csv" for number in range(1, max(1, n // _MOST) + 1)]


if __name__ == "__main__":
    measure.compare("roster", ours=ours, floor=floor, setup=setup, cleanup=population.throw_away, n=50_000)
