"""Immunity roster for one disease, the list for an outbreak: who is immune, who is not, who is exempt, and by what.

How a student's standing is decided (the first line that holds; the tests have the same table). "Asked"
means that a requirement in force for one of their registrations proves immunity to the disease (`diseases.proves`).

1. **immune**: the newest approved titer is positive; or the requirement is approved and not by exemption; or nothing
   is asked and enough approved doses are on record (`diseases`: 2 for measles, 10 years for Tdap, ...), each of
   another day; or born before 1957, for measles, mumps and rubella.
2. **exempt**: the requirement is approved by exemption; or nothing is asked and an approved exemption from all, or
   from a requirement that proves it, is in force. Exempt students are not immune: an outbreak may exclude them.
3. **in process**: the requirement, or a dose, titer or exemption for it, awaits review.
4. **susceptible**: the newest approved titer is not positive, or the requirement has expired.
5. **in process**: at least one approved dose that is not too long ago is on record, but not enough of them.
6. **susceptible**: the requirement is not met, or doses are on record but all too long ago.
7. **unknown**: nothing is asked, and nothing is on record.

Evidence counts as it is on record today; what a rule says of a dose (too early, too close) shows in 1 where a
requirement asks. A student on several packages is one row.
"""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.counting import bars, by_first, grouped, listed
from pratique.reports.definitions.diseases import CHOICES, DISEASES, Disease, proving
from pratique.reports.definitions.item_standing import BY_EXEMPTION
from pratique.reports.definitions.memberships import STUDENT_FILTERS, one_membership
from pratique.reports.definitions.student_columns import NAMES, more_columns
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

STANDING_TITLES = {
    "susceptible": gettext_lazy("Susceptible"),
    "unknown": gettext_lazy("Unknown"),
    "exempt": gettext_lazy("Exempt"),
    "in_process": gettext_lazy("In process"),
    "immune": gettext_lazy("Immune"),
}
_DISEASE = Filter("disease", gettext_lazy("Disease"), FilterKind.CHOICE, choices=CHOICES, is_needed=True)
_STANDING = Filter(
    "standing",
    gettext_lazy("Standing"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in STANDING_TITLES.items()),
)
_EVIDENCE = gettext_lazy("Evidence")

_COLUMNS = (
    *NAMES,
    Column(
        "standing", gettext_lazy("Standing"), ColumnKind.STATUS, "k.standing",
        # Whom an outbreak asks about first comes first.
        sort=("k.place", "s.last_name", "s.first_name"), section=_EVIDENCE,
    ),
    Column("doses", gettext_lazy("Doses approved"), ColumnKind.INTEGER, "k.doses", section=_EVIDENCE),
    Column("last_dose_on", gettext_lazy("Last dose on"), ColumnKind.DATE, "k.last_dose_on", section=_EVIDENCE),
    Column("titer", gettext_lazy("Titer"), ColumnKind.STATUS, "k.titer", section=_EVIDENCE),
    Column("titer_on", gettext_lazy("Titer on"), ColumnKind.DATE, "k.titer_on", section=_EVIDENCE),
    Column("exemption", gettext_lazy("Exemption"), ColumnKind.STATUS, "k.exemption", section=_EVIDENCE),
    Column("exemption_ends_on", gettext_lazy("Exemption ends"), ColumnKind.DATE, "k.exemption_ends_on",
           section=_EVIDENCE),
    Column("item", gettext_lazy("Requirement"), ColumnKind.STATUS, "k.item", shown=False, section=_EVIDENCE),
    *more_columns("email", "telephone", "date_of_birth", "on_campus", "tracker"),
)  # fmt: skip

# Each once a student. What awaits review is told apart from what counts.
_DOSES = """(
    select x.student_id, count(distinct x.administered_on) filter (where x.state = 'approved') as doses,
        count(distinct x.administered_on) filter (
            where x.state = 'approved' and x.administered_on > %(since)s
        ) as counted,
        max(x.administered_on) filter (where x.state = 'approved') as last_on, bool_or(x.state = 'pending') as waits
    from records_dose x
    where x.institution_id = %(institution)s and x.cvx = any(%(cvx)s::text[])
        and x.administered_on <= %(today)s and x.state <> 'rejected'
    group by 1
)"""
_TITERS = """(
    select distinct on (x.student_id) x.student_id, x.result, x.collected_on
    from records_titer x
    where x.institution_id = %(institution)s and x.antibody = any(%(antibodies)s::text[]) and x.state = 'approved'
    order by x.student_id, x.collected_on desc, x.result
)"""
_WAITING = """(
    select x.student_id from records_titer x
    where x.institution_id = %(institution)s and x.antibody = any(%(antibodies)s::text[]) and x.state = 'pending'
    union
    select x.student_id from records_exemption x
    where x.institution_id = %(institution)s and x.state = 'pending'
        and (x.requirement_key = '' or x.requirement_key = any(%(keys)s::text[]))
)"""
# The one that lasts longest.
_EXEMPTIONS = """(
    select distinct on (x.student_id) x.student_id, x.kind, x.expires_on
    from records_exemption x
    where x.institution_id = %(institution)s and x.state = 'approved'
        and (x.requirement_key = '' or x.requirement_key = any(%(keys)s::text[]))
        and coalesce(x.granted_on, %(today)s::date) <= %(today)s
        and coalesce(x.expires_on, %(today)s::date) >= %(today)s
    order by x.student_id, x.expires_on desc nulls first, x.kind
)"""
_ITEMS = f"""(
    select m.student_id, bool_or(i.status = 'approved' and not {BY_EXEMPTION}) as holds,
        bool_or({BY_EXEMPTION}) as is_exempt, bool_or(i.status = 'pending') as waits,
        bool_or(i.status = 'expired') as has_expired, min(i.status) as status
    from compliance_item i
    join students_membership m on m.institution_id = i.institution_id and m.id = i.membership_id
    join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id
    join unnest(%(proving_groups)s::uuid[], %(proving_keys)s::text[]) r (group_id, key)
        on r.group_id = t.requirement_group_id and r.key = i.requirement_key
    group by 1
)"""
_STANDING_SQL = """case
    when l.result = 'positive' or i.holds or (i.student_id is null and d.counted >= %(enough)s)
        or s.date_of_birth < %(born_before)s then 'immune'
    when i.is_exempt or (i.student_id is null and x.student_id is not null) then 'exempt'
    when i.waits or d.waits or w.student_id is not null then 'in_process'
    when l.student_id is not null or i.has_expired then 'susceptible'
    when d.counted > 0 then 'in_process'
    when i.student_id is not null or d.doses > 0 then 'susceptible'
    else 'unknown'
end"""
_PLACE = f"array_position(array[{', '.join(repr(one) for one in STANDING_TITLES)}], standing)"


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    disease = DISEASES[parameters["disease"]]
    arguments = _arguments(disease, context)
    conditions = []
    if "standing" in parameters:
        conditions.append("k.standing = any(%(standings)s::text[])")
        arguments["standings"] = list(parameters["standing"])
    return Source(
        from_sql=f"(select judged.*, {_PLACE} as place from (select s.id as student_id, {_STANDING_SQL} as standing, "
        "coalesce(d.doses, 0) as doses, d.last_on as last_dose_on, l.result as titer, l.collected_on as titer_on, "
        "x.kind as exemption, x.expires_on as exemption_ends_on, i.status as item from students_student s "
        f"left join {_DOSES} d on d.student_id = s.id left join {_TITERS} l on l.student_id = s.id "
        f"left join {_WAITING} w on w.student_id = s.id left join {_EXEMPTIONS} x on x.student_id = s.id "
        f"left join {_ITEMS} i on i.student_id = s.id) judged) k "
        f"{one_membership(parameters, arguments, of='k.student_id')}",
        identity="m.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _arguments(disease: Disease, context: ReportContext) -> dict[str, Any]:
    asked = proving(disease, sets_in_force(context.today))
    lasts = disease.lasts_days
    return {
        "cvx": sorted(disease.cvx),
        "antibodies": sorted(disease.antibodies),
        "proving_groups": [group for group, _key in asked],
        "proving_keys": [key for _group, key in asked],
        "keys": sorted({key for _group, key in asked}),
        "enough": disease.doses,
        "since": context.today - timedelta(days=lasts) if lasts else date.min,
        "born_before": disease.born_before or date.min,
    }


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    disease = DISEASES[parameters["disease"]]
    rows = grouped(_source(parameters, _COLUMNS, context), context, "k.standing, count(*)", "group by 1")
    counts = by_first(rows)
    total = sum(counts.values())
    summary = _("No students match these filters.")
    if total:
        summary = ngettext(
            "%(disease)s, %(total)s student: %(standings)s.",
            "%(disease)s, %(total)s students: %(standings)s.",
            total,
        ) % {"disease": disease.title, "total": f"{total:,}", "standings": listed(STANDING_TITLES, counts)}
    return bars(
        _("Students by standing: %(disease)s") % {"disease": disease.title},
        _("Students"),
        STANDING_TITLES,
        counts,
        summary,
    )


REPORT = ReportDefinition(
    key="immunity-roster",
    title=gettext_lazy("Immunity roster for one disease"),
    description=gettext_lazy("For an outbreak: who is immune, who is not, who is exempt, with the evidence."),
    permission=Permission.VIEW_REPORTS,
    filters=(_DISEASE, _STANDING, *STUDENT_FILTERS),
    default_sort="standing",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.RECORDS,
)
