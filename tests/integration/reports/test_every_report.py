"""Every report of the catalogue, on one school with something of everything: it is made in each form, takes every
filter and every order, stays within its institution, leaves the archived out, and asks the database as often for
thirty students as for three.
"""

import pytest
from django.db import connection, transaction

from pratique.foundation.tenancy import institution_scope
from pratique.reports import queries
from pratique.reports.catalogue import REPORTS
from pratique.reports.filters import STATE, TYPED
from pratique.reports.types import Changes, ChosenColumn, FilterKind, Format, Layout
from tests.integration.reports.population import NOW
from tests.integration.reports.seeded import a_seeded_school

EVERY_REPORT = pytest.mark.parametrize("key", list(REPORTS))
# What a report needs before there is one.
NEEDED = {"immunity-roster": {"disease": "measles"}, "student-access": {"student": "{slug}-student000"}}
FORMS = (Format.CSV, Format.XLSX, Format.JSONL)


@pytest.fixture(scope="module")
def schools(django_db_setup, django_db_blocker):
    """The seeded school and a small neighbour, once for all these tests: reports only read."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield a_seeded_school(students=30), a_seeded_school("theirs", students=3)
        transaction.set_rollback(True)


def parameters_of(school, key, **raw):
    slug = school.institution.slug
    needed = {name: value.format(slug=slug) for name, value in NEEDED.get(key, {}).items()}
    return queries.checked_parameters(key, {**needed, **raw})


def made(school, key):
    """The report in each form: a table, its count, its chart, and three files; the CSV comes back."""
    with institution_scope(school.id):
        parameters = parameters_of(school, key)
        table = queries.table(key, parameters, now=NOW, page_size=500)
        assert queries.count(key, parameters, now=NOW) == table.total
        chart = queries.chart(key, parameters, now=NOW)
        assert chart is None or (chart.summary and len({len(one.values) for one in chart.series}) <= 1)
        files = [
            b"".join(queries.stream(key, parameters, form, institution_id=school.id, now=NOW))
            for form in FORMS
        ]
    assert files[0].count(b"\r\n") == table.total + 1
    assert files[2].count(b"\n") == table.total
    return files[0].decode()


@EVERY_REPORT
def test_it_is_made_in_each_form_of_its_own_institution_alone_in_a_fixed_number_of_queries(schools, key):
    asked = []
    for school, other in (schools, reversed(schools)):
        executed = []
        with connection.execute_wrapper(
            lambda execute, *call, seen=executed: seen.append(call) or execute(*call)
        ):
            text = made(school, key)
        asked.append(len(executed))
        assert f"{other.institution.slug}-" not in text
        if STATE in REPORTS[key].filters:
            assert f"{school.institution.slug}-gone" not in text
    assert asked[0] == asked[1]


@EVERY_REPORT
def test_it_takes_every_filter_and_never_finds_more_with_one(schools, key):
    school = schools[0]
    with institution_scope(school.id):
        definition = REPORTS[key]
        everything = queries.count(key, parameters_of(school, key), now=NOW)
        widest = max(
            everything, queries.count(key, parameters_of(school, key, **_widest(definition)), now=NOW)
        )
        for one in definition.filters:
            values = _each_value(key, one)
            for raw in values:
                found = queries.count(key, parameters_of(school, key, **_widest(definition) | raw), now=NOW)
                # What has a default does not narrow but chooses.
                assert found <= widest or one.default, raw
            for raw in values[:1]:
                queries.chart(key, parameters_of(school, key, **raw), now=NOW)


@EVERY_REPORT
def test_it_takes_every_order_and_every_column(schools, key):
    school = schools[0]
    with institution_scope(school.id):
        parameters = parameters_of(school, key)
        columns = queries.columns(key, parameters, now=NOW)
        layout = Layout(columns=tuple(ChosenColumn(column.key) for column in columns))
        whole = queries.table(key, parameters, now=NOW, page_size=500, layout=layout)
        assert len(whole.columns) == len(columns)
        for number, column in enumerate(column for column in columns if column.sortable):
            sort = f"{'-' * (number % 2)}{column.key}"
            table = queries.table(key, parameters, now=NOW, sort=sort, page_size=500)
            assert table.total == len(table.rows) == whole.total, sort


@pytest.mark.parametrize("key", [key for key, one in REPORTS.items() if one.changed])
def test_a_delta_from_the_beginning_is_everything_and_one_from_now_is_nothing(schools, key):
    school = schools[0]
    with institution_scope(school.id), connection.cursor() as cursor:
        cursor.execute("select pg_current_xact_id()::text::bigint + 1")
        (after,) = cursor.fetchone()
        parameters = parameters_of(school, key)
        everything = queries.count(key, parameters, now=NOW)
        assert queries.count(key, parameters, now=NOW, changes=Changes(0, after)) == everything > 0
        assert queries.count(key, parameters, now=NOW, changes=Changes(after, after + 1)) == 0


def _widest(definition):
    return {"state": "all"} if STATE in definition.filters else {}


def _each_value(key, one):
    if one.kind == FilterKind.DATE_RANGE:
        return [{f"{one.key}_from": "2026-01-01"}, {f"{one.key}_to": "2026-12-31"}]
    if one.kind == FilterKind.NUMBER:
        return [{one.key: str(one.least)}]
    return (
        []
        if one.kind in TYPED
        else [{one.key: option.value} for option in queries.filter_choices(key)[one.key]]
    )
