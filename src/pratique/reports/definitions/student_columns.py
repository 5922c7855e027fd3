"""The columns about a student and their registration that reports share: who, how to reach them, where they are."""

from dataclasses import replace

from django.utils.translation import gettext_lazy

from pratique.reports.types import Column, ColumnKind, Parameters

STUDENT = gettext_lazy("Student")
REGISTRATION = gettext_lazy("Registration")

# Over `s`, `m`, `p`, `t`, `g` and `e`, as `memberships` joins them.
_COLUMNS = (
    Column("username", gettext_lazy("Username"), ColumnKind.TEXT, "s.username", section=STUDENT),
    Column("student_id", gettext_lazy("Student ID"), ColumnKind.TEXT, "s.student_id", section=STUDENT),
    Column(
        "last_name",
        gettext_lazy("Last name"),
        ColumnKind.TEXT,
        "s.last_name",
        # The whole index student_by_name.
        sort=("s.last_name", "s.first_name", "s.id"),
        section=STUDENT,
    ),
    Column("first_name", gettext_lazy("First name"), ColumnKind.TEXT, "s.first_name", section=STUDENT),
    Column("email", gettext_lazy("E-mail"), ColumnKind.TEXT, "s.email", section=STUDENT),
    Column("telephone", gettext_lazy("Telephone"), ColumnKind.TEXT, "s.telephone", section=STUDENT),
    Column(
        "date_of_birth", gettext_lazy("Date of birth"), ColumnKind.DATE, "s.date_of_birth", section=STUDENT
    ),
    Column("on_campus", gettext_lazy("On campus"), ColumnKind.BOOLEAN, "s.on_campus", section=STUDENT),
    Column("package", gettext_lazy("Package"), ColumnKind.TEXT, "p.code", section=REGISTRATION),
    Column(
        "tracker",
        gettext_lazy("Tracker"),
        ColumnKind.TEXT,
        "coalesce(t.name, 'None Selected')",
        # Students without a tracker come after all trackers.
        sort=("t.name",),
        section=REGISTRATION,
    ),
    Column("group", gettext_lazy("Requirement group"), ColumnKind.TEXT, "g.name", section=REGISTRATION),
    Column("term", gettext_lazy("Term"), ColumnKind.TEXT, "e.name", section=REGISTRATION),
    Column("due_on", gettext_lazy("Due date"), ColumnKind.DATE, "t.due_on", section=REGISTRATION),
    Column("state", gettext_lazy("Membership"), ColumnKind.STATUS, "m.state", section=REGISTRATION),
    Column("expires_on", gettext_lazy("Expires on"), ColumnKind.DATE, "m.expires_on", section=REGISTRATION),
)
_NAMES = ("username", "student_id", "last_name", "first_name")

NAMES = tuple(column for column in _COLUMNS if column.key in _NAMES)


def more_columns(*shown: str) -> tuple[Column, ...]:
    """Return all but the names: those called `shown` are in the usual table, the others are there for the choosing."""
    return tuple(
        replace(column, shown=column.key in shown) for column in _COLUMNS if column.key not in _NAMES
    )


def with_state(columns: tuple[Column, ...], parameters: Parameters) -> tuple[Column, ...]:
    """Return the columns with the membership's state among the usual ones, where archived rows can be among them.

    A delta tells who was archived: without it, they would look as if they still had to do something.
    """
    if parameters.get("state") == "active":
        return columns
    return tuple(replace(column, shown=True) if column.key == "state" else column for column in columns)
