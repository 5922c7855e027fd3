"""State annual immunization survey: by grade or age and vaccine, who is up to date, exempt, on the way, without.

The layout is what US surveys of kindergartens, 7th grades and colleges ask for, so that its numbers can be copied into
a state's form line by line: CDC's annual kindergarten assessment (SchoolVaxView, reported in MMWR each year: up to
date by vaccine, exempt from one vaccine or more by kind, provisionally enrolled or in a grace period, no record),
California's kindergarten and 7th grade assessment (all required, conditional, permanent medical exemption, overdue),
Massachusetts' kindergarten, grade 7 and college surveys (by vaccine; medical and religious exemptions; no record),
and North Carolina's annual college report (students new in a term: choose the term). States differ in detail; the
numbers are those that all of them are made of.

Each student stands once in each line: up to date, exempt (by kind), in process, overdue, no record, or not required
(born too early, not in the group that it is asked of); together they are the enrolled. Of one requirement:

- *up to date*: approved, and not by exemption; *exempt*: approved by exemption;
- *in process* (conditional, provisional): it awaits review, or more is on record but the next dose cannot be given yet;
- *overdue*: something is on record, it does not suffice, and more is asked today;
- *no record*: nothing on record speaks of it.

Of all required vaccines together: exempt who is exempt from at least one (medical before religious before
philosophical before other), up to date who is so in every one, in process who is so in every one that is open, no
record who has none at all, else overdue. Requirements that ask for no vaccine (forms, exams) do not count.
"""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.counting import grouped, listed, stacked
from pratique.reports.definitions.diseases import is_about_vaccines, requirements_of
from pratique.reports.definitions.item_standing import BY_EXEMPTION, SAME_ITEM
from pratique.reports.definitions.memberships import STUDENT_FILTERS, one_membership
from pratique.reports.definitions.requirement_names import any_name_join
from pratique.reports.types import (
    Category,
    Choice,
    Column,
    ColumnKind,
    Filter,
    FilterKind,
    Parameters,
    ReportChart,
    ReportContext,
    ReportDefinition,
    Source,
)
from pratique.requirements.queries import sets_in_force

_LEVEL = Filter(
    "level",
    gettext_lazy("One line for"),
    FilterKind.CHOICE,
    choices=(
        Choice("auto", gettext_lazy("Each grade, and age where there is no grade")),
        Choice("grade", gettext_lazy("Each grade")),
        Choice("age", gettext_lazy("Each age")),
        Choice("all", gettext_lazy("All students together")),
    ),
    default="auto",
)
_AGE_ON = Filter(
    "age_on",
    gettext_lazy("Age on"),
    FilterKind.CHOICE,
    choices=(
        Choice("september", gettext_lazy("September 1 of the school year")),
        Choice("term", gettext_lazy("The first day of the student’s term")),
        Choice("today", gettext_lazy("Today")),
    ),
    default="september",
)
# What the surveys tell apart, in the order of their columns.
STANDING_TITLES = {
    "up_to_date": gettext_lazy("Up to date"),
    "medical": gettext_lazy("Medical exemption"),
    "religious": gettext_lazy("Religious exemption"),
    "philosophical": gettext_lazy("Philosophical exemption"),
    "other": gettext_lazy("Other exemption"),
    "in_process": gettext_lazy("In process"),
    "overdue": gettext_lazy("Overdue"),
    "no_record": gettext_lazy("No record"),
    "not_required": gettext_lazy("Not required"),
}
_STATUSES = {
    "up_to_date": "approved", "in_process": "pending", "overdue": "rejected", "no_record": "incomplete",
}  # fmt: skip


def _level_in_words(level: str) -> str:
    kind, _separator, value = level.partition(":")
    if kind == "age":
        return ngettext("%(age)s year", "%(age)s years", int(value)) % {"age": value}
    return value if kind == "grade" else _("All students")


def _vaccine_in_words(name: str) -> str:
    return name or _("All required vaccines")


_ORDER = ("k.level_place", "k.level", "k.place", "k.name")
_COLUMNS = (
    # Empty: neither a grade nor a date of birth is known.
    Column("level", gettext_lazy("Grade or age"), ColumnKind.TEXT, "k.level", sort=_ORDER, words=_level_in_words),
    Column("vaccine", gettext_lazy("Vaccine"), ColumnKind.TEXT, "k.name", sort=("k.place", *_ORDER),
           words=_vaccine_in_words),
    Column("enrolled", gettext_lazy("Enrolled"), ColumnKind.INTEGER, "k.enrolled"),
    Column("up_to_date", STANDING_TITLES["up_to_date"], ColumnKind.INTEGER, "k.up_to_date"),
    # Of those of whom it is asked.
    Column("percent_up_to_date", gettext_lazy("Up to date, %"), ColumnKind.PERCENT,
           "round(100.0 * k.up_to_date / nullif(k.enrolled - k.not_required, 0), 1)"),
    *(
        Column(one, title, ColumnKind.INTEGER, f"k.{one}")
        for one, title in STANDING_TITLES.items()
        if one != "up_to_date"
    ),
)  # fmt: skip

_AGE_DAYS = {
    "september": "%(september)s::date",
    "term": "coalesce(e.starts_on, %(september)s::date)",
    "today": "%(today)s::date",
}
_GRADE_SQL = "'grade:' || nullif(btrim(s.attributes->>'grade'), '')"
_KIND = (
    "jsonb_path_query_first(i.reasons, "
    "'$[*] ? (@.code == \"exemption_until\" || @.code == \"exemption_accepted\").params.exemption') #>> '{}'"
)
# One requirement of one student; its item may be missing.
_OF_ONE = f"""case
    when i.status is null then 'not_required'
    when {BY_EXEMPTION} then {_KIND}
    when i.status = 'approved' then 'up_to_date'
    when i.status = 'pending' then 'in_process'
    when i.last_modified_at is null then 'no_record'
    when i.next_action_on > %(today)s then 'in_process'
    else 'overdue'
end"""
# All of one student's, from their standings in one array; what is not required is left out of it.
_OF_ALL = """case
    when bool_and(o.standing = 'not_required') then 'not_required'
    when bool_or(o.standing = 'medical') then 'medical'
    when bool_or(o.standing = 'religious') then 'religious'
    when bool_or(o.standing = 'philosophical') then 'philosophical'
    when bool_or(o.standing = 'other') then 'other'
    when bool_and(o.standing in ('up_to_date', 'not_required')) then 'up_to_date'
    when bool_and(o.standing in ('no_record', 'not_required')) then 'no_record'
    when bool_and(o.standing in ('up_to_date', 'in_process', 'not_required')) then 'in_process'
    else 'overdue'
end"""
_LEVEL_PLACE = (
    "case when level ~ '^(age|grade):\\d{1,3}' then substring(level from '\\d{1,3}')::int "
    "when lower(level) ~ '^grade:(pre|p)' then -1 when lower(level) ~ '^grade:k' then 0 else 1000 end"
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    vaccines = sorted(
        {
            requirement.key
            for _group, requirement in requirements_of(sets_in_force(context.today))
            if is_about_vaccines(requirement.rule)
        }
    )
    arguments: dict[str, Any] = {"vaccines": vaccines, "september": _september(context.today)}
    counts = ", ".join(
        f"coalesce(sum(students) filter (where standing = '{one}'), 0)::int as {one}"
        for one in STANDING_TITLES
    )
    students = one_membership(parameters, arguments, of="z.id")
    return Source(
        from_sql=f"""(
            with enrolled as materialized (
                select m.institution_id, m.id, {_level(parameters)} as level from students_student z {students}
            ), one as materialized (
                select m.id, m.level, v.key, {_OF_ONE} as standing
                from enrolled m cross join unnest(%(vaccines)s::text[]) v (key)
                left join compliance_item i on {SAME_ITEM} and i.requirement_key = v.key
            ), every as (
                select level, key, standing from one
                union all
                select max(m.level), '', coalesce({_OF_ALL}, 'not_required')
                from enrolled m left join one o on o.id = m.id group by m.id
            ), counted as (
                select level, key, sum(students)::int as enrolled, {counts}
                from (select level, key, standing, count(*) as students from every group by 1, 2, 3) standings
                group by level, key
            )
            select c.*, {_LEVEL_PLACE} as level_place, coalesce(n.name, c.key) as name,
                case when c.key = '' then -1 else coalesce(n.position, 32767) end as place
            from counted c {any_name_join("c.key")}
        ) k""",
        identity="k.level, k.key",
        arguments=arguments,
    )


def _level(parameters: Parameters) -> str:
    day = _AGE_DAYS[parameters.get("age_on", _AGE_ON.default)]
    age = f"'age:' || extract(year from age({day}, s.date_of_birth))"
    return {
        "auto": f"coalesce({_GRADE_SQL}, {age})",
        "grade": _GRADE_SQL,
        "age": age,
        "all": "'all:'",
    }[parameters.get("level", _LEVEL.default)]


def _september(today: date) -> date:
    """Return September 1 of the school year, which turns in July."""
    return date(today.year if today.month >= 7 else today.year - 1, 9, 1)


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    standings = list(STANDING_TITLES)
    rows = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        f"k.level, k.enrolled, {', '.join(f'k.{one}' for one in standings)}",
        f"where k.key = '' order by {', '.join(_ORDER)}",
    )
    labels = {level or "": _level_in_words(level) if level else _("Not known") for level, *_counts in rows}
    counts = {
        (level or "", one): count
        for level, _enrolled, *found in rows
        for one, count in zip(standings, found, strict=True)
    }
    total = sum(row[1] for row in rows)
    summary = _("No students match these filters.")
    if total:
        together = {one: sum(counts.get((level, one), 0) for level in labels) for one in standings}
        summary = ngettext(
            "All required vaccines, %(total)s student: %(standings)s.",
            "All required vaccines, %(total)s students: %(standings)s.",
            total,
        ) % {"total": f"{total:,}", "standings": listed(STANDING_TITLES, together)}
    return stacked(
        _("All required vaccines by grade or age"),
        labels,
        STANDING_TITLES,
        counts,
        summary,
        statuses=_STATUSES,
    )


REPORT = ReportDefinition(
    key="state-survey",
    title=gettext_lazy("State immunization survey"),
    description=gettext_lazy(
        "Counts by grade or age and vaccine, as annual surveys of state health departments ask for them."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, _LEVEL, _AGE_ON),
    default_sort="level",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.COMPLIANCE,
)
