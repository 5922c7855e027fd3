"""getPackageCounts over HTTP, as a partner calls it, against the same rows as JSON out of psql.

Ours is the whole call: sealed request, session, nonce, SQL, sealed answer of several megabytes, sent, received and
opened. The floor is `json_agg` of the same columns under the same row security, printed by psql into a file.
`peak_mb` is the largest resident size of any of the web server's processes.
"""

import statistics
import subprocess
import tempfile
import time

import measure
import partner_of_bench
import population
import serving

_CALLS = 5
_FLOOR = f"""
    select json_build_object('packageDetails', json_agg(json_build_object(
        'vendorKey', s.student_id, 'numComplete', m.num_complete, 'numItems', m.num_items, 'complete', m.complete,
        'trackerName', coalesce(t.name, 'None Selected'), 'userComplete', m.user_complete) order by s.student_id, m.id))
    from students_membership m
    join students_student s on s.institution_id = m.institution_id and s.id = m.student_id
    left join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id
    where m.state = 'active' and m.package_id = (
        select id from institutions_package where code = '{population.PACKAGE_CODE}')
"""


def ours(n: int) -> measure.Measured:
    """Call it over HTTP; the median of several calls."""
    school = population.prepared(n)
    with serving.web(school) as server, partner_of_bench.client(server.port) as client:
        taken = []
        for _ in range(_CALLS):
            began = time.perf_counter()
            answer = client.call("getPackageCounts", code=population.PACKAGE_CODE)
            taken.append(time.perf_counter() - began)
        assert len(answer["packageDetails"]) == n - len(range(7, n + 1, 40)), "archived ones are left out"
        return measure.Measured(statistics.median(taken), server.peak_mb())


def floor(n: int) -> float:
    """Let psql print the same; the median of as many runs."""
    school = population.prepared(n)
    scope = f"set pratique.institution = '{school.institution_id}'"
    taken = []
    for _ in range(_CALLS):
        with tempfile.TemporaryFile() as file:
            began = time.perf_counter()
            command = [school.psql, "-X", "-q", "-At", "-c", scope, "-c", _FLOOR, school.url()]
            subprocess.run(command, stdout=file, check=True)
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    measure.compare(
        "counts", ours=ours, floor=floor, setup=partner_of_bench.prepared, cleanup=population.throw_away,
        n=50_000, repeats=3,
    )  # fmt: skip
