"""Reports of operations on hand-made records: the right rows, filters that narrow, deltas without a repetition."""

import datetime

import orjson
import pytest

from pratique.accounts.models import User
from pratique.accounts.roles import Permission, Role, permissions_of
from pratique.compliance.models import Item, StatusChange, TrackerDay
from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.partners.models import PartnerCall
from pratique.records.models import Submission
from pratique.reminders.models import Batch, Escalation, Reminder
from pratique.reports import queries
from pratique.reports.catalogue import REPORTS
from pratique.reports.pace import forecast_by_tracker
from pratique.reports.types import Changes, ChosenColumn, Format, Layout
from pratique.reviews.models import ReturnReason, Review
from pratique.rosters.models import RosterImport
from pratique.students.models import Invitation, Membership, Notice, Student, StudentAccount
from pratique.transfers.models import InboundFile, OutboundFile, TransferAccount
from tests.integration.reports.population import NOW, TODAY, a_school, dose, exemption
from tests.partners import a_partner

pytestmark = pytest.mark.django_db
NURSING, GRADUATE = "Nursing - Fall 2026", "Graduate - Fall 2026"
STUDENT = "student:tests"


def ago(**span):
    return NOW - datetime.timedelta(**span)


def rows_of(school, key, *, sort="", changes=None, **raw):
    """The report's rows as dictionaries by column key, with the words that a file has."""
    with institution_scope(school.id):
        parameters = queries.checked_parameters(key, raw)
        columns = queries.columns(key, parameters, now=NOW)
        layout = Layout(columns=tuple(ChosenColumn(column.key, title=column.key) for column in columns))
        if not changes:
            assert queries.count(key, parameters, now=NOW) == queries.table(key, parameters, now=NOW).total
        lines = b"".join(
            queries.stream(
                key, parameters, Format.JSONL, institution_id=school.id, now=NOW, sort=sort, layout=layout,
                changes=changes,
            )
        )  # fmt: skip
    return [orjson.loads(line) for line in lines.splitlines()]


def usernames(rows):
    return [row["username"] for row in rows]


def chart_of(school, key, **raw):
    with institution_scope(school.id):
        return queries.chart(key, queries.checked_parameters(key, raw), now=NOW)


def a_nurse(school, name="Nora Nurse"):
    """A member of staff as others write down who did something."""
    with institution_scope(school.id):
        user = User.objects.create(
            institution=school.institution, username=name, name=name, role="reviewer", created_at=NOW
        )
    return f"staff:{user.id}"


def an_account(school, membership, *, last_login=None):
    user = User.objects.create(
        institution=school.institution, username=f"u{new_id().hex}", name="S", role="student", created_at=NOW,
        last_login=last_login,
    )  # fmt: skip
    StudentAccount.objects.create(
        institution=school.institution, student_id=membership.student_id, user=user, activated_at=NOW
    )


def a_case(school, membership, *, sent=None, keys=("mmr",), **fields):
    sent = sent or ago(days=1)
    return Submission.objects.create(
        institution=school.institution, student_id=membership.student_id, number=new_id().hex[-8:].upper(),
        started_at=sent, started_by=STUDENT, changed_at=sent, sent_at=sent, sent_by=STUDENT, queued_at=sent,
        requirement_keys=list(keys), **{"state": "waiting", **fields},
    )  # fmt: skip


def test_the_review_queue_says_what_waits_since_when_and_who_has_it():
    school = a_school()
    nurse = a_nurse(school)
    ana, ben = school.student("ana"), school.student("ben", tracker=GRADUATE)
    with institution_scope(school.id):
        soon = NOW + datetime.timedelta(minutes=3)
        a_case(school, ana, sent=ago(hours=50), keys=("tdap", "mmr"), claimed_by=nurse, claimed_until=soon)
        a_case(
            school, ben, sent=ago(hours=2), claimed_by=nurse, claimed_until=ago(minutes=1), handed_to=nurse
        )
        a_case(school, ben, state="decided", decided_at=NOW, decided_by=nurse)
        unsigned = a_case(school, ben)
        Submission.objects.filter(id=unsigned.id).update(queued_at=None)
    first, second = rows_of(school, "review-queue")
    assert usernames([first, second]) == ["ana", "ben"]
    assert (first["age_hours"], first["age_days"], second["age_hours"]) == (50, 2, 2)
    assert (first["asked_for"], first["due_on"]) == ("Tdap, MMR", "2026-08-10")
    assert (first["claimed_by"], second["claimed_by"]) == ("Nora Nurse", None)
    assert second["handed_to"] == "Nora Nurse"
    assert usernames(rows_of(school, "review-queue", hours="50")) == ["ana"]
    assert usernames(rows_of(school, "review-queue", requirement="Tdap")) == ["ana"]
    assert usernames(rows_of(school, "review-queue", tracker=GRADUATE)) == ["ben"]
    chart = chart_of(school, "review-queue")
    assert list(chart.series[0].values) == [1, 1, 0, 0]
    assert "the oldest for 2 days" in chart.summary


def decide(case, by, decision="approved", *, hours, seconds=None, undone=False):
    Review.objects.create(
        institution_id=case.institution_id, submission=case, evidence_kind="dose", evidence_id=new_id(),
        decision=decision, decided_at=case.sent_at + datetime.timedelta(hours=hours), decided_by=by,
        seconds=seconds, undone_at=NOW if undone else None, undone_by=by if undone else "",
    )  # fmt: skip


def test_turnaround_counts_cases_and_pieces_and_how_long_they_had_waited():
    school = a_school()
    nurse, other = a_nurse(school), a_nurse(school, "Otto Other")
    ana, ben = school.student("ana"), school.student("ben", tracker=GRADUATE)
    with institution_scope(school.id):
        first, second, third = (a_case(school, who, sent=ago(days=10)) for who in (ana, ana, ben))
        decide(first, nurse, hours=10, seconds=20)
        decide(first, nurse, "rejected", hours=10, seconds=20)
        decide(first, nurse, "rejected", hours=9, undone=True)
        decide(second, nurse, hours=30, seconds=40)
        decide(third, other, hours=48)
    by_nurse, by_other = rows_of(school, "review-turnaround")
    told = ("reviewer", "cases", "pieces", "approved", "returned", "median_hours", "ninetieth_hours",
            "median_seconds")  # fmt: skip
    assert tuple(by_nurse[key] for key in told) == ("Nora Nurse", 2, 3, 2, 1, 20, 28, 30)
    assert tuple(by_other[key] for key in told) == ("Otto Other", 1, 1, 1, 0, 48, 48, None)
    assert [row["reviewer"] for row in rows_of(school, "review-turnaround", tracker=GRADUATE)] == [
        "Otto Other"
    ]
    late = rows_of(school, "review-turnaround", decided_from="2026-08-23")
    assert [(row["reviewer"], row["cases"]) for row in late] == [("Nora Nurse", 1), ("Otto Other", 1)]
    chart = chart_of(school, "review-turnaround")
    assert [list(one.values) for one in chart.series] == [[1, 1], [1, 0]]


def test_what_was_returned_has_the_reason_in_the_schools_own_words():
    school = a_school()
    nurse = a_nurse(school)
    ana, ben = school.student("ana"), school.student("ben", tracker=GRADUATE)
    with institution_scope(school.id):
        case = a_case(school, ana, keys=("mmr",))
        ReturnReason.objects.create(
            institution=school.institution, code="stamp", name="Stamp missing", wording={"en": "Stamp"}
        )
    unreadable = dose("03", "2006-05-01", "rejected", rejection_code="unreadable", product="M-M-R II")
    unreadable.reviewed_by, unreadable.submission = nurse, case
    school.hand_in(ana, unreadable, dose("03", "2007-05-01"))
    school.hand_in(ben, exemption("medical", state="rejected", rejection_code="stamp", statement="Private."))
    found = {row["username"]: row for row in rows_of(school, "rejected")}
    told = ("kind", "what", "asked_for", "reason_code", "reason", "reviewer")
    assert tuple(found["ana"][key] for key in told) == (
        "Dose", "M-M-R II", "MMR", "unreadable", "Cannot be read", "Nora Nurse",
    )  # fmt: skip
    assert found["ben"]["reason"] == "Stamp missing"
    assert "Private." not in str(found)
    assert usernames(rows_of(school, "rejected", kind="dose")) == ["ana"]
    assert usernames(rows_of(school, "rejected", tracker=GRADUATE)) == ["ben"]
    assert rows_of(school, "rejected", returned_to="2026-08-31") == []
    assert sorted(chart_of(school, "rejected").labels) == ["Cannot be read", "Stamp missing"]


def changed(school, membership, transaction, key="", before="", after=""):
    StatusChange.objects.create(
        institution=school.institution, membership=membership, transaction_id=transaction, requirement_key=key,
        from_status=before, to_status=after, at=NOW,
    )  # fmt: skip


@pytest.fixture
def changing():
    """Ana becomes complete, Ben lapses again, Cleo has just come; transactions 10 to 30."""
    school = a_school()
    done, open_ = {"mmr": "approved", "tdap": "approved"}, {"mmr": "approved", "tdap": "expired"}
    ana, ben = school.student("ana", statuses=done), school.student("ben", statuses=open_)
    cleo = school.student("cleo", tracker=GRADUATE, statuses={"mmr": "incomplete"})
    with institution_scope(school.id):
        changed(school, ana, 10)
        changed(school, ana, 20, "mmr", "incomplete", "approved")
        changed(school, ben, 20)
        changed(school, ben, 20, "tdap", "pending", "approved")
        changed(school, ana, 30, "tdap", "pending", "approved")
        changed(school, ana, 30, "new", "", "approved")
        changed(school, ben, 30, "tdap", "approved", "expired")
        changed(school, cleo, 30)
    return school


RANGES = (Changes(0, 20), Changes(20, 30), Changes(30, 31), Changes(31, 99))


def test_deltas_hold_each_status_change_once_and_in_order(changing):
    whole = rows_of(changing, "status-changes")
    parts = [rows_of(changing, "status-changes", changes=one) for one in RANGES]
    assert [row for part in parts for row in part] == whole
    assert [len(part) for part in parts] == [1, 3, 4, 0]
    assert [row["id"] for row in whole] == sorted({row["id"] for row in whole})
    told = [(row["username"], row["change"], row["requirement"], row["from_status"], row["to_status"])
            for row in parts[2]]  # fmt: skip
    assert told == [
        ("ana", "Status changed", "Tdap", "pending", "approved"),
        ("ana", "Asked for the first time", "new", None, "approved"),
        ("ben", "Status changed", "Tdap", "approved", "expired"),
        ("cleo", "List of requirements made", None, None, None),
    ]
    assert usernames(rows_of(changing, "status-changes", requirement="tdap", status="expired")) == ["ben"]
    assert rows_of(changing, "status-changes", at_to="2026-08-31") == []
    assert "1 expired" in chart_of(changing, "status-changes").summary


def test_deltas_hold_each_newly_processed_student_once(changing):
    parts = [
        sorted((row["username"], row["event"]) for row in rows_of(changing, "newly-processed", changes=one))
        for one in RANGES
    ]
    made, complete = "List of requirements made", "Became complete"
    assert parts == [[("ana", made)], [("ben", made)], [("ana", complete), ("cleo", made)], []]
    assert usernames(rows_of(changing, "newly-processed", event="complete")) == ["ana"]
    assert usernames(rows_of(changing, "newly-processed", tracker=GRADUATE)) == ["cleo"]
    assert "1 student became complete" in chart_of(changing, "newly-processed").summary


def test_who_was_invited_and_who_came():
    school = a_school()
    waits = school.student("waits", email="w@x.example")
    failed = school.student("failed", tracker=GRADUATE)
    came, came_lately = school.student("came"), school.student("came-lately")
    school.student("never-invited")
    with institution_scope(school.id):
        for membership, state, days in ((waits, "sent", 20), (failed, "failed", 3), (came, "sent", 90)):
            Invitation.objects.create(
                institution=school.institution, membership=membership, state=state,
                queued_at=ago(days=days, hours=1), changed_at=ago(days=days),
            )  # fmt: skip
        an_account(school, came, last_login=ago(days=31))
        an_account(school, came_lately, last_login=ago(days=29))
    first, second = rows_of(school, "never-signed-in")
    told = ("username", "invitation", "days_ago", "has_email")
    assert tuple(first[key] for key in told) == ("waits", "Sent", 20, True)
    assert tuple(second[key] for key in told) == ("failed", "Could not be sent", 3, False)
    assert usernames(rows_of(school, "never-signed-in", invitation="failed")) == ["failed"]
    assert usernames(rows_of(school, "never-signed-in", days="20")) == ["waits"]
    assert usernames(rows_of(school, "never-signed-in", tracker=GRADUATE)) == ["failed"]
    assert usernames(rows_of(school, "never-signed-in", who="not_invited")) == ["never-invited"]
    assert list(chart_of(school, "never-signed-in").series[0].values) == [1, 0, 1, 0]
    _graduate, nursing = rows_of(school, "activation")
    told = ("tracker", "students", "invited", "activated", "percent_activated", "lately")
    assert tuple(nursing[key] for key in told) == (NURSING, 4, 2, 2, 50.0, 1)


def test_archived_and_expired_memberships():
    school = a_school()
    for username, state, last_day in (
        ("archived", "archive", None), ("expired", "active", 31), ("ends-today", "active", 1),
        ("active", "active", None),
    ):  # fmt: skip
        membership = school.student(username, state=state)
        if last_day:
            day = datetime.date(2026, 9 if last_day == 1 else 8, last_day)
            with institution_scope(school.id):
                Membership.objects.filter(id=membership.id).update(expires_on=day)
    found = {row["username"]: row["ended"] for row in rows_of(school, "archived-memberships")}
    assert found == {"archived": "In the archive", "expired": "Expired"}
    assert usernames(rows_of(school, "archived-memberships", ended="expired")) == ["expired"]
    assert rows_of(school, "archived-memberships", expires_to="2026-08-30") == []


def test_imports_tell_what_they_did_and_lead_to_their_rows():
    school = a_school()
    nurse = a_nurse(school)
    applied = school.roster_import({"outcome": "created", "username": "a"}, received_at=ago(days=2))
    with institution_scope(school.id):
        counts = {"rows": 4, "created": 2, "updated": 1, "unchanged": 0, "refused": 1, "warned": 3}
        RosterImport.objects.filter(id=applied.id).update(counts=counts, received_by=nurse)
        RosterImport.objects.create(
            institution=school.institution, file_name="bad.csv", source="sftp", size=1, sha256="", state="failed",
            received_at=NOW, received_by="sftp:ours-sis", file_error={"code": "not_utf8", "message": "Not UTF-8."},
        )  # fmt: skip
    bad, good = rows_of(school, "roster-imports")
    told = ("state", "rows", "created", "refused", "warned", "received_by")
    assert tuple(good[key] for key in told) == ("Applied", 4, 2, 1, 3, "Nora Nurse")
    assert tuple(bad[key] for key in told) == (
        "Failed",
        None,
        None,
        None,
        None,
        "File transfer account ours-sis",
    )
    assert bad["file_error"] == "Not UTF-8."
    assert [row["username"] for row in rows_of(school, "roster-results", **{"import": good["import"]})] == [
        "a"
    ]
    assert rows_of(school, "roster-imports", problems="refused") == [good]
    assert rows_of(school, "roster-imports", problems="file") == [bad]
    assert rows_of(school, "roster-imports", received_to="2026-08-31", source="console") == [good]


def test_files_in_and_out_with_what_became_of_them():
    school = a_school()
    with institution_scope(school.id):
        account = TransferAccount.objects.create(
            institution=school.institution, username="ours-sis", name="SIS", created_at=NOW
        )
        mine = {"institution": school.institution, "account": account}
        InboundFile.objects.create(
            **mine, name="a.csv", size=7, state="failed", reason="empty", received_at=ago(days=1)
        )
        for name, read, deleted in (
            ("taken.csv", ago(hours=1), NOW),
            ("lost.csv", None, NOW),
            ("new.csv", None, None),
        ):
            OutboundFile.objects.create(
                **mine, folder="results", name=name, size=9, source="results", created_at=ago(days=2),
                first_read_at=read, deleted_at=deleted, deleted_by="sftp:ours-sis" if deleted else "",
            )  # fmt: skip
    found = {row["path"]: row for row in rows_of(school, "transfer-activity")}
    assert {path: row["outcome"] for path, row in found.items()} == {
        "/inbound/a.csv": "Failed",
        "/outbound/results/taken.csv": "Taken",
        "/outbound/results/lost.csv": "Deleted without being taken",
        "/outbound/results/new.csv": "Not taken yet",
    }
    assert found["/inbound/a.csv"]["reason"] == "The file has no bytes. Nothing was processed."
    assert len(rows_of(school, "transfer-activity", direction="out")) == 3
    assert len(rows_of(school, "transfer-activity", outcome=["failed", "taken"])) == 2
    assert len(rows_of(school, "transfer-activity", at_from="2026-08-31")) == 1
    assert "1 in, 3 out; 2 failed" in chart_of(school, "transfer-activity").summary


def test_calls_are_counted_by_day_client_and_method():
    school = a_school()
    partner = a_partner(school.institution, name="Campus")
    calls = (("getUser", "OK", 10, 0), ("getUser", "OK", 30, 0), ("getUser", "RATE_LIMITED", 20, 0),
             ("createUser", "FIELD_MISSING", 5, 0), ("getUser", "OK", 7, 3))  # fmt: skip
    with institution_scope(school.id):
        for method, code, ms, days in calls:
            PartnerCall.objects.create(
                institution=school.institution, client=partner.client, at=ago(days=days), method=method, code=code,
                status=200, duration_ms=ms, bytes_in=1, bytes_out=1,
            )  # fmt: skip
    told = ("day", "partner", "method", "calls", "errors", "rate_limited", "median_ms")
    assert sorted(tuple(row[key] for key in told) for row in rows_of(school, "partner-activity")) == [
        ("2026-08-29", "Campus", "getUser", 1, 0, 0, 7),
        ("2026-09-01", "Campus", "createUser", 1, 1, 0, 5),
        ("2026-09-01", "Campus", "getUser", 3, 1, 1, 20),
    ]
    assert len(rows_of(school, "partner-activity", called_to="2026-08-31")) == 1
    assert rows_of(school, "partner-activity", environment="demo") == []


def test_who_saw_one_students_record():
    school = a_school()
    nurse = a_nurse(school)
    ana, ben = school.student("ana"), school.student("ben")
    with institution_scope(school.id):
        for by, action, student in (
            (nurse, "console:student:viewed", ana), (STUDENT, "records:submission:sent", ana),
            (nurse, "console:student:viewed", ben), (nurse, "reports:report:exported", None),
        ):  # fmt: skip
            kind, _colon, key = by.partition(":")
            audit.record(
                action, institution_id=school.id, by=audit.Actor(kind, key), now=NOW,
                subject_type="student" if student else "report", subject_id=student.student_id if student else None,
            )  # fmt: skip
    found = rows_of(school, "student-access", student="ana", sort="what")
    told = [(row["who"], row["kind"], row["what"]) for row in found]
    assert told == [
        ("Nora Nurse", "Viewed", "Student: viewed"),
        ("The student", "Changed", "Submission: sent"),
    ]
    assert len(rows_of(school, "student-access", student="ana", kind="viewed")) == 1
    with_exports = rows_of(school, "student-access", student="ana", exports="yes")
    assert [row["about"] for row in with_exports if row["kind"] == "Exported"] == [
        "Many students, perhaps this one"
    ]
    assert rows_of(school, "student-access", student="ana", at_to="2026-08-31") == []


def test_reports_of_operations_ask_for_the_permission_that_the_console_asks_for():
    wanted = {
        "student-access": Permission.VIEW_AUDIT,
        "transfer-activity": Permission.VIEW_TRANSFERS,
        "partner-activity": Permission.VIEW_PARTNERS,
        "roster-imports": Permission.IMPORT_ROSTERS,
    }
    assert {key: REPORTS[key].permission for key in wanted} == wanted
    reviewer = permissions_of(User(role=Role.REVIEWER))
    assert {key for key in wanted if REPORTS[key].permission in reviewer} == set()


def test_reminders_tell_what_came_of_them():
    school = a_school()
    done = {"mmr": "pending", "tdap": "approved"}
    members = {
        name: school.student(name, statuses=done if name == "completed" else {"mmr": "incomplete"})
        for name in ("completed", "handed-in", "nothing", "early", "left-out")
    }
    with institution_scope(school.id):
        batch = Batch.objects.create(
            institution=school.institution, kind="ladder", state="approved", students=5, created_at=NOW,
            created_by="system",
        )  # fmt: skip
        for name, membership in members.items():
            left_out = name == "left-out"
            planned = ago(days=5 if name == "early" else 20)
            reminder = Reminder.objects.create(
                institution=school.institution, batch=batch, membership=membership, step="14-before",
                state="left_out" if left_out else "queued", reason="no_address" if left_out else "",
                planned_at=planned, changed_at=planned,
            )  # fmt: skip
            if not left_out:
                Notice.objects.create(
                    institution=school.institution, student_id=membership.student_id, kind="reminder",
                    channel="mail", state="sent", queued_at=planned, send_at=planned, changed_at=planned,
                    cause=reminder.id,
                )  # fmt: skip
        a_case(school, members["handed-in"], sent=ago(days=10))
        a_case(school, members["nothing"], sent=ago(days=2))
        StatusChange.objects.create(
            institution=school.institution, membership=members["completed"], transaction_id=1,
            requirement_key="mmr", from_status="incomplete", to_status="pending", at=ago(days=7),
        )  # fmt: skip
    found = {row["username"]: row for row in rows_of(school, "reminders")}
    assert {name: row["outcome"] for name, row in found.items()} == {
        "completed": "All handed in within 14 days",
        "handed-in": "Something handed in within 14 days",
        "nothing": "Nothing within 14 days",
        "early": "Less than 14 days ago",
        "left-out": "Not sent",
    }
    assert [name for name, row in found.items() if row["completed"]] == ["completed"]
    told = ("step", "channel", "sent_state", "reason")
    assert tuple(found["completed"][key] for key in told) == ("14-before", "E-mail", "Sent", None)
    assert tuple(found["left-out"][key] for key in told) == (
        "14-before", None, "Left out", "There is no address to write to.",
    )  # fmt: skip
    assert usernames(rows_of(school, "reminders", outcome="nothing")) == ["nothing"]
    assert usernames(rows_of(school, "reminders", sent_state="left_out")) == ["left-out"]
    assert usernames(rows_of(school, "reminders", planned_from="2026-08-20")) == ["early"]
    assert list(chart_of(school, "reminders").series[0].values) == [1, 1, 1, 1, 1]


def test_escalations_tell_who_decided():
    school = a_school()
    nurse = a_nurse(school)
    with institution_scope(school.id):
        for kind, state in (("hold", "waiting"), ("housing", "approved")):
            Escalation.objects.create(
                institution=school.institution, membership=school.student(f"a-{kind}"), step=f"7-after-{kind}",
                kind=kind, state=state, created_at=NOW, decided_at=None if state == "waiting" else NOW,
                decided_by="" if state == "waiting" else nurse,
            )  # fmt: skip
    found = {row["username"]: (row["kind"], row["standing"], row["decided_by"])
             for row in rows_of(school, "escalations")}  # fmt: skip
    assert found == {
        "a-hold": ("Registration hold", "Waits for approval", None),
        "a-housing": ("Housing office", "Approved", "Nora Nurse"),
    }
    assert usernames(rows_of(school, "escalations", kind="hold", standing="waiting")) == ["a-hold"]
    assert "1 waits for approval" in chart_of(school, "escalations").summary


def test_who_will_miss_the_due_date_and_why():
    school = a_school()
    nursing, graduate = school.trackers[NURSING], school.trackers[GRADUATE]
    half = {"mmr": "approved", "tdap": "incomplete"}
    with institution_scope(school.id):
        nursing.due_on = datetime.date(2026, 9, 10)
        nursing.save()
        for name in ("done", "done-too"):
            school.student(name, statuses={"mmr": "approved", "tdap": "approved"})
        for name, statuses in (
            ("reviewing", {"mmr": "approved", "tdap": "pending"}), ("hopeful", half), ("too-late", half),
        ):  # fmt: skip
            an_account(school, school.student(name, statuses=statuses))
        school.student("never-came", statuses={"mmr": "incomplete"})
        school.student("slow", tracker=GRADUATE, statuses={"mmr": "rejected"})
        school.student("gone", statuses=half, state="archive")
        late = Student.objects.get(username="too-late")
        Item.objects.filter(membership__student=late, requirement_key="tdap").update(
            next_action_on=datetime.date(2026, 9, 11)
        )
        for tracker in (nursing, graduate):
            TrackerDay.objects.create(
                institution=school.institution, day=TODAY - datetime.timedelta(days=7), package=school.package,
                tracker=tracker, students=6, complete=0, user_complete=0,
            )  # fmt: skip
        found = {one.tracker_id: one for one in forecast_by_tracker(TODAY)}
    by_date = found[nursing.id]
    assert (by_date.students, by_date.complete, by_date.expected, by_date.will_miss) == (6, 2, 4, 2)
    assert (by_date.completed, by_date.measured_days, by_date.days_left) == (2, 7, 9)
    assert by_date.too_late == 1
    assert found[graduate.id].is_behind
    rows = {row["username"]: row for row in rows_of(school, "due-date-forecast")}
    assert {name: row["forecast"] for name, row in rows.items()} == {
        "hopeful": "On track",
        "reviewing": "All handed in, in review",
        "too-late": "Cannot be complete in time",
        "never-came": "Not started",
        "slow": "At risk",
    }
    assert rows["too-late"]["why"] == "What is missing cannot be complete before Sept. 11, 2026."
    assert rows["never-came"]["why"] == "Has never signed in. 9 days are left."
    assert rows["slow"]["why"] == (
        "1 of 1 item is missing. 1 was returned. "
        "At the present pace 0% of those who are not complete will be in time. 30 days are left."
    )
    assert usernames(
        rows_of(school, "due-date-forecast", forecast=["cannot", "not_started"], sort="last_name")
    )
    assert len(rows_of(school, "due-date-forecast", within="9")) == 4
    chart = chart_of(school, "due-date-forecast")
    assert [list(one.values) for one in chart.series] == [[1, 0], [1, 0], [0, 1], [1, 0], [1, 0]]


def test_without_noted_days_the_pace_is_counted_from_the_changes():
    school = a_school()
    with institution_scope(school.id):
        for name, days in (("lately", 10), ("long-ago", 40)):
            membership = school.student(name, tracker=GRADUATE, statuses={"mmr": "approved"})
            Membership.objects.filter(id=membership.id).update(created_at=ago(days=100))
            StatusChange.objects.create(
                institution=school.institution, membership=membership, transaction_id=1, requirement_key="mmr",
                from_status="pending", to_status="approved", at=ago(days=days),
            )  # fmt: skip
        (one,) = forecast_by_tracker(TODAY)
    assert (one.complete, one.completed, one.measured_days) == (2, 1, 28)
