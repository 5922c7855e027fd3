"""Writing in sets (foundation.bulk)."""

import pytest
from django.db import connection, transaction

from pratique.foundation import bulk


def plan_of_look_up(rows: int) -> str:
    """How a plan of a small table is gone on with, when so many rows were staged and written into it since."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local plan_cache_mode = force_generic_plan")
        cursor.execute("create temporary table kept (id int primary key) on commit drop")
        cursor.execute("insert into kept values (0)")
        cursor.execute("analyze kept")
        cursor.execute("prepare look_up (int) as select 1 from kept where id = $1")
        try:
            cursor.execute("explain execute look_up(0)")
            assert "Seq Scan" in str(cursor.fetchall()), "a table of one row is read whole"
            bulk.stage("staged", (("id", "int4"),), [(number,) for number in range(1, rows + 1)])
            # Statistics change nothing here, and would have the plan made anew by themselves.
            cursor.execute(
                "insert into kept select id from staged union all select generate_series(10000, 60000)"
            )
            cursor.execute("explain execute look_up(0)")
            return str(cursor.fetchall())
        finally:
            cursor.execute("deallocate look_up")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rows", "scan"),
    [pytest.param(10, "Seq Scan", id="few-keep-them"), pytest.param(1_001, "Index", id="many-drop-them")],
)
def test_plans_that_were_made_while_tables_were_small_do_not_outlive_a_large_import(rows, scan):
    assert scan in plan_of_look_up(rows)
