"""The bytes of rosters: sealed in the storage, never in the database, and gone when their time is over."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from pratique.foundation import clock
from pratique.foundation.ids import new_id
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.rosters import actions, queries, tasks
from pratique.rosters.contents import StoredContent
from pratique.rosters.models import ImportState, RosterFile
from pratique.students.models import Student
from tests.schools import BY, HEADER, NOW, TODAY, a_school

pytestmark = pytest.mark.usefixtures("committed")

CONTENT = f"{HEADER}\r\nana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,,,1\r\n".encode()


def received(school, content=CONTENT, *, source="console", now=None):
    with institution_scope(school.id):
        return actions.receive(
            institution=school,
            file_name="r.csv",
            content=content,
            source=source,
            by=BY,
            now=now or clock.now(),
        )


def stored(school):
    return sorted(blob_store().names(institution_id=school.id))


def test_a_roster_is_nowhere_in_the_clear_in_the_database():
    school = a_school()
    received(school)
    with institution_scope(school.id), connection.cursor() as cursor:
        cursor.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'public' and table_type = 'BASE TABLE'"
        )
        found = []
        for (table,) in cursor.fetchall():
            # As hexadecimal digits too: that is how bytes are written as text.
            cursor.execute(
                f'select count(*) from "{table}" t where t::text ~ %s', [f"ana@x\\.edu|{b'ana@x.edu'.hex()}"]
            )
            found += [table] if cursor.fetchone() != (0,) else []
        assert found == []
        file = RosterFile.objects.get()
        assert file.content is None
    sealed = b"".join(blob_store()._place.read(school.id, file.stored_name))
    assert b"ana@x.edu" not in sealed
    assert blob_store().get(institution_id=school.id, name=file.stored_name) == CONTENT


def test_what_lies_in_the_storage_already_is_imported_from_there_without_a_person():
    school = a_school()
    name = f"account-{new_id()}/{new_id()}"
    blob_store().put(institution_id=school.id, name=name, content=CONTENT)
    roster_import = received(school, StoredContent(name, len(CONTENT), "f" * 64), source="sftp")
    with institution_scope(school.id):
        actions.apply_unseen(roster_import=roster_import, by=BY, now=NOW)
    assert actions.apply(institution=school, roster_import_id=roster_import.id, today=TODAY, now=NOW)
    with institution_scope(school.id):
        roster_import.refresh_from_db()
        assert (roster_import.state, roster_import.applied_by) == (ImportState.APPLIED, str(BY))
        assert Student.objects.get().username == "ana@x.edu"
    assert stored(school) == [name]


def test_a_file_from_before_is_still_read_from_its_row():
    school = a_school()
    roster_import = received(school)
    with institution_scope(school.id):
        RosterFile.objects.update(content=CONTENT, stored_name="")
        assert queries.mapping_choices(roster_import).header[0] == "Username"


def test_cancelling_deletes_the_bytes_when_it_commits_and_not_before():
    school = a_school()
    roster_import = received(school)
    with institution_scope(school.id):
        actions.cancel(roster_import=roster_import, by=BY, now=NOW)
        transaction.set_rollback(True)
    assert len(stored(school)) == 1
    with institution_scope(school.id):
        roster_import.refresh_from_db()
        actions.cancel(roster_import=roster_import, by=BY, now=NOW)
        with pytest.raises(queries.ContentGoneError):
            queries.mapping_choices(roster_import)
    assert stored(school) == []


def test_old_bytes_and_what_a_crash_left_are_swept_and_nothing_else(monkeypatch):
    school = a_school()
    kept = received(school)
    old = received(school, now=clock.now() - timedelta(days=31))
    blob_store().put(institution_id=school.id, name=f"roster/{new_id()}", content=b"stray")
    other = f"account-{new_id()}/{new_id()}"
    blob_store().put(institution_id=school.id, name=other, content=b"another's")
    tasks.delete_old_files(timestamp=0)
    assert f"roster/{old.id}" not in stored(school)
    assert len(stored(school)) == 3  # a stray of this minute may be an import that is being made
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    tasks.delete_old_files(timestamp=0)
    assert stored(school) == sorted([f"roster/{kept.id}", other])
