"""50,000 students, 200 changes, a real OpenSSH server that is stopped, full and set up anew, workers that are killed:
each change arrives once, in order.
"""

import csv
import io
import os
import subprocess
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from pratique.connectors.sftp_push.types import HostKey
from pratique.delivery.actions import destinations, schedules
from pratique.delivery.actions import sending as steps
from pratique.delivery.models import Delivery, Destination
from pratique.delivery.timing import LEAST_MINUTES
from pratique.delivery.types import Place, SchedulePlan
from pratique.foundation.tenancy import institution_scope
from pratique.records.actions.evidence import add_evidence
from pratique.records.models import Dose
from pratique.reports.types import ChosenColumn, Layout
from pratique.students.actions.memberships import close_membership
from pratique.students.models import Membership, Student
from tests.integration.delivery.conftest import read, tried
from tests.integration.delivery.openssh import SSHD, openssh
from tests.schools import BY, MMR, TODAY, a_school, imported, judged, requires
from tests.transactions import settle

pytestmark = [
    pytest.mark.usefixtures("committed"),
    pytest.mark.kill,
    pytest.mark.skipif(not SSHD, reason="there is no sshd"),
]

STUDENTS = 50_000
KEYS = ("student_id", "last_name", "tracker", "state", "num_items", "num_complete")
COLUMNS = Layout(columns=tuple(ChosenColumn(key) for key in KEYS))
EVERYBODY = {"state": "all"}  # who is archived shall arrive as archived
_SEVEN_MEGABYTES = 7 * 2**20

_STUDENTS = """
    insert into students_student (id, institution_id, username, username_key, student_id, first_name, last_name,
        email, telephone, attributes, account_token, search_text, created_at, updated_at)
    select gen_random_uuid(), %(school)s, 's' || i, 's' || i, lpad(i::text, 7, '0'), 'Ana', 'Núñez ' || i, '', '',
        '{}', lpad(i::text, 22, '0'), 's' || i, %(now)s, %(now)s
    from generate_series(1, %(n)s) i
"""
_MEMBERSHIPS = """
    insert into students_membership (id, institution_id, student_id, package_id, tracker_id, state, created_at,
        num_items, num_complete, num_approved, user_complete, complete)
    select gen_random_uuid(), s.institution_id, s.id, t.package_id, t.id, 'active', s.created_at, 0, 0, 0, false, false
    from students_student s join institutions_tracker t on t.name = 'Undergraduate - Fall 2026'
"""


@pytest.fixture
def theirs(tmp_path):
    """Their server; its folder is a disk of seven megabytes where we may mount one."""
    root = tmp_path / "theirs"
    root.mkdir()
    mounted = not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_SEVEN_MEGABYTES}", "tmpfs", root],
        capture_output=True,
        check=False,
    ).returncode
    try:
        with openssh(tmp_path) as server:
            yield server
    finally:
        if mounted:
            subprocess.run(["umount", "-l", root], check=True)


@pytest.fixture
def school(clocked):
    school = a_school()
    requires(school, MMR)
    with institution_scope(school.id), connection.cursor() as cursor:
        cursor.execute(_STUDENTS, {"school": school.id, "n": STUDENTS, "now": clocked.now})
        cursor.execute(_MEMBERSHIPS)
        # As `bulk.stage` does: foreign keys are not to be checked by plans of the small tables of tests before.
        cursor.execute("discard plans")
    return school


@pytest.fixture
def destination(school, theirs, clocked):
    given = theirs.server("")
    made = destinations.create_destination(
        institution=school, name="Housing", host=given.host, port=given.port, username=given.username,
        folder=given.folder, by=BY, now=clocked.now,
    )  # fmt: skip
    made = destinations.make_key(destination=made, kind="ed25519", by=BY, now=clocked.now)
    theirs.authorized.write_text(made.public_key + "\n")
    return pinned(made, theirs, clocked)


@pytest.fixture
def schedule(school, destination, clocked):
    plan = SchedulePlan(
        name="Housing", report_key="student-detail", parameters=EVERYBODY, layout=COLUMNS, sort="student_id",
        template="students-{n:03}.csv", contents="delta", send_empty=False, every_minutes=LEAST_MINUTES,
        place=Place(destination_id=destination.id),
    )  # fmt: skip
    return schedules.create_schedule(institution=school, plan=plan, by=BY, now=clocked.now)


def pinned(destination, theirs, clocked) -> Destination:
    return destinations.pin_host_key(
        destination=read(destination),
        host_key=HostKey("ssh-ed25519", "", theirs.host_key),
        by=BY,
        now=clocked.now,
    )


def ids(first, count):
    return [f"{number:07}" for number in range(first, first + count)]


def students(school, student_ids):
    return list(Student.objects.filter(institution_id=school.id, student_id__in=student_ids))


def told(path):
    """The student ids in a file that arrived, in its order."""
    return [row[0] for row in csv.reader(io.StringIO(path.read_bytes().decode()))][1:]


class World:
    """Time goes by: five minutes at a time, with the sweep of each, and a worker's tries of what is due."""

    def __init__(self, school, schedule, clocked):
        self.school, self.schedule, self.clocked = school, schedule, clocked

    def sweep(self):
        """Let the schedule's time come, and return the delivery that is open, if any."""
        settle(self.school)
        self.clocked.now += timedelta(minutes=LEAST_MINUTES)
        schedules.run_due(institution_id=self.school.id, now=self.clocked.now)
        with institution_scope(self.school.id):
            return Delivery.objects.filter(state__in=("waiting", "sending")).order_by("requested_at").first()

    def tried(self, delivery):
        """Try it when its time has come."""
        due = read(delivery).next_try_at
        self.clocked.now = max(self.clocked.now, due) if due else self.clocked.now
        return tried(delivery)

    def delivered(self):
        done = self.tried(self.sweep())
        assert (done.state, done.failure) == ("delivered", "")
        return done

    def cursor(self):
        return read(self.schedule).cursor


def roster_rows(numbers, name="Renamed", group="Undergraduate"):
    return [f"s{int(one)},{one},{name} {int(one)},Ana,,03/04/2006,{group},Fall 2026,1" for one in numbers]


def test_each_change_arrives_once_and_in_order(school, schedule, destination, theirs, clocked, killed):
    world = World(school, schedule, clocked)
    first = world.delivered()
    assert told(theirs.root / first.file_name) == ids(1, STUDENTS)
    assert first.rows == STUDENTS
    assert world.cursor() == first.changes_before
    assert world.sweep() is None  # nothing changed: nothing is sent
    assert read(schedule).was_empty

    # Their server is stopped: 40 renamed and 20 new ones by a roster.
    renamed = [*ids(101, 40), *ids(STUDENTS + 1, 20)]
    imported(school, *roster_rows(renamed))
    judged(school, now=clocked.now)
    theirs.stop()
    open_one = world.sweep()
    for _number in range(3):
        failed = world.tried(open_one)
        assert (failed.state, failed.failure) == ("waiting", "connect_refused")
        assert world.sweep() == open_one  # none overtakes it
    # Their disk is full: 50 move to another tracker, while the file before still waits.
    moved = ids(201, 50)
    imported(school, *roster_rows(moved, name="Núñez", group="Nursing"))
    judged(school, now=clocked.now)
    assert world.sweep() == open_one
    theirs.start()
    assert world.tried(open_one).state == "delivered"
    files = [open_one]
    full = os.statvfs(theirs.root).f_blocks * os.statvfs(theirs.root).f_frsize <= _SEVEN_MEGABYTES
    filler = theirs.root / "their-own"
    open_one = world.sweep()
    if full:
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], capture_output=True, check=False)
        failed = world.tried(open_one)
        assert (failed.state, failed.failure) == ("waiting", "write_no_room")
        filler.unlink()
    assert world.tried(open_one).state == "delivered"
    files.append(open_one)

    # Their host key is another: 40 hand in a dose and are judged.
    vaccinated = ids(301, 40)
    with institution_scope(school.id):
        doses = [
            Dose(student=one, cvx="03", administered_on=TODAY, submitted_at=clocked.now)
            for one in students(school, vaccinated)
        ]
        add_evidence(institution_id=school.id, evidence=doses, by=BY, now=clocked.now)
    assert judged(school, now=clocked.now) == 40
    theirs.change_host_key()
    open_one = world.sweep()
    cursor = world.cursor()
    assert world.tried(open_one).state == "waiting"
    assert read(destination).stopped_for == "host_key_changed"
    alerts = ProcrastinateJob.objects.filter(task_name="delivery.alert", args__why="host_key_changed")
    assert alerts.count() == 1
    for _number in range(2):
        assert world.sweep() == open_one
        assert tried(open_one).tries == 1
    assert world.cursor() == cursor
    destinations.resume(destination=pinned(destination, theirs, clocked), by=BY, now=clocked.now)
    assert world.tried(open_one).state == "delivered"
    files.append(open_one)

    # The worker is killed between the upload and the rename, and just after it: 50 are archived.
    archived = ids(401, 50)
    for part, where in (
        (archived[:20], "before_the_note"), (archived[20:35], "after_the_note"), (archived[35:], "after_the_rename"),
    ):  # fmt: skip
        with institution_scope(school.id):
            for one in Membership.objects.filter(student__student_id__in=part):
                close_membership(membership=one, expires_on=None, by=BY, now=clocked.now)
        open_one = world.sweep()
        left = killed(open_one, where, clocked.now)
        assert left.state == "sending"
        assert (theirs.root / left.file_name).exists() is (where == "after_the_rename")
        assert world.sweep() == open_one
        assert world.tried(open_one).state == "delivered"
        files.append(open_one)

    assert world.sweep() is None
    assert told_in(theirs, files) == [
        sorted(renamed), moved, vaccinated, archived[:20], archived[20:35], archived[35:],
    ]  # fmt: skip
    assert sorted(one.name for one in theirs.root.iterdir()) == [
        f"students-{number:03}.csv" for number in range(1, 8)
    ]
    done = [read(one) for one in files]
    assert all(one.changes_before == two.changes_from for one, two in pairwise(done))
    assert world.cursor() >= done[-1].changes_before

    # Send again: the very bytes under a new name. Replay: what was archived, and no more than since then.
    again = schedules.resend(delivery=done[0], by=BY, now=clocked.now)
    assert tried(again).state == "delivered"
    assert again.file_name == "students-002-2.csv"
    assert (theirs.root / again.file_name).read_bytes() == (theirs.root / done[0].file_name).read_bytes()
    assert steps.forget_files(institution_id=school.id, now=clocked.now) == 0
    cursor = world.cursor()
    replayed = schedules.replay(schedule=read(schedule), since=done[0].requested_at, by=BY, now=clocked.now)
    assert replayed.cursor < cursor
    once_more = told(theirs.root / world.delivered().file_name)
    assert {*moved, *vaccinated, *archived} <= set(once_more)
    assert len(once_more) == len(set(once_more))


def told_in(theirs, files):
    return [told(theirs.root / one.file_name) for one in files]
