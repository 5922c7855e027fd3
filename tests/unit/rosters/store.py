"""A tiny store that applies a plan's intents as sets and keeps the database's unique constraints."""

from pratique.rosters.plan import username_key
from pratique.rosters.types import KnownMembership, KnownStudent, RosterPlan


class Store:
    """Students by key. Raises `AssertionError` where PostgreSQL would raise a unique violation."""

    def __init__(self, students: list[KnownStudent] | None = None) -> None:
        self.students = {student.id: student for student in students or []}
        self.invited: list[str] = []

    def apply(self, plan: RosterPlan) -> None:
        """Creates, updates, memberships, tracker changes, in this order; checked after each set."""
        created = {}
        for create in plan.creates:
            key = f"new-{len(self.students)}"
            created[create.row] = key
            self.invited.append(create.username)
            assert create.username_key == username_key(create.username)
            self.students[key] = KnownStudent(
                key,
                create.username,
                create.student_id or None,
                create.last_name,
                create.first_name,
                create.telephone,
                create.date_of_birth,
                create.on_campus,
                {},
            )
        self.check()
        for update in plan.updates:
            names = [name for name in update._fields if name not in ("row", "id", "username_key")]
            given = {name: getattr(update, name) for name in names if getattr(update, name) is not None}
            assert given, "an update that changes nothing"
            stored = self.students[update.id]
            assert all(getattr(stored, name) != value for name, value in given.items())
            assert (update.username is None) == (update.username_key is None)
            self.students[update.id] = stored._replace(**given)
        self.check()
        for membership in plan.memberships:
            key = created[membership.row] if membership.student is None else membership.student
            stored = self.students[key]
            assert membership.package_id not in stored.memberships
            name = f"m-{key}-{membership.package_id}"
            added = {membership.package_id: KnownMembership(name, membership.tracker_id)}
            self.students[key] = stored._replace(memberships={**stored.memberships, **added})
        for change in plan.tracker_changes:
            self._move(change.membership_id, change.tracker_id)

    def check(self) -> None:
        """No two students share a Username without case, or a StudentId."""
        keys = [username_key(student.username) for student in self.students.values()]
        assert len(keys) == len(set(keys))
        ids = [student.student_id for student in self.students.values() if student.student_id]
        assert len(ids) == len(set(ids))

    def _move(self, membership_id: object, tracker_id: object) -> None:
        for key, stored in self.students.items():
            for package_id, membership in stored.memberships.items():
                if membership.id == membership_id:
                    assert membership.tracker_id != tracker_id
                    moved = {package_id: membership._replace(tracker_id=tracker_id)}
                    self.students[key] = stored._replace(memberships={**stored.memberships, **moved})
                    return
        raise AssertionError("no such membership")
