"""The review queue: its list, the start of work, approval of safe cases at once, the reviewers' pace."""

from datetime import date, datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.foundation.ids import read_id
from pratique.interfaces.console import charts, people, review_page
from pratique.records.models import Submission
from pratique.reviews.actions.claiming import claim_next
from pratique.reviews.actions.deciding import approve_many
from pratique.reviews.errors import ReviewError
from pratique.reviews.policies import MOST_IN_BULK
from pratique.reviews.queries import pace, queue
from pratique.reviews.types import QueueFilter, SafeCases
from pratique.screens.paging import Page, page_number, page_size, wanted_page
from pratique.screens.permissions import requires

_SIZES = (25, 50, 100)


@requires(Permission.REVIEW)
@require_safe
def review_queue(request: HttpRequest) -> HttpResponse:
    now, today, by = moment(request)
    chosen = review_page.read_filter(request.GET, by=by, now=now, today=today)
    sort = review_page.read_sort(request.GET)
    choices = review_page.choices(request.GET, today)
    counts = queue.counts(by, now=now, today=today)
    safe = _safe(request, chosen, sort, now, today)
    return render(
        request,
        "console/review/queue.html",
        {
            "page": Page(list(safe.rows), 1, MOST_IN_BULK, len(safe.rows))
            if safe
            else _page(request, chosen, sort, now, today),
            "safe": safe,
            "sort": sort,
            "choices": choices,
            "chips": [choice for choice in choices if choice.label],
            "chosen": chosen,
            "views": review_page.VIEWS,
            "view_counts": {"open": counts.open, "mine": counts.mine, "handed": counts.handed, "team": counts.waiting},
            "counts": counts,
            "names": {one.key: one.name for one in review_page.requirements(today)},
            "pace": pace.mine(by, now),
            "last": last_decided(),
            "today": today,
            "most": MOST_IN_BULK,
        },
    )  # fmt: skip


@requires(Permission.REVIEW)
@require_POST
def review_start(request: HttpRequest) -> HttpResponse:
    """Take the first case and show it; back to the queue with a sentence if there is none."""
    now, _today, _by = moment(request)
    institution = people.staff(request).institution
    case = claim_next(institution=institution, by=people.actor(request), now=now)
    if case is None:
        messages.info(request, _("There is nothing that you can take at the moment."))
        return redirect("review_queue")
    return redirect("review_case", case.id)


@requires(Permission.APPROVE_MANY)
@require_POST
def review_bulk(request: HttpRequest) -> HttpResponse:
    """Show what would be approved, and what would be left with the reason."""
    now, today, by = moment(request)
    wanted = _ids(request)
    if not wanted or len(wanted) > MOST_IN_BULK:
        messages.error(request, _("Choose at least one case, and at most %(most)d.") % {"most": MOST_IN_BULK})
        return redirect("review_queue")
    rows = queue.rows_of(wanted, by=by, now=now, today=today)
    return render(
        request,
        "console/review/bulk.html",
        {
            "safe": [row for row in rows if not row.unsafe_because],
            "left": [row for row in rows if row.unsafe_because],
            "titles": review_page.titles([row.id for row in rows], today),
            "gone": len(wanted) - len(rows),
            "names": {one.key: one.name for one in review_page.requirements(today)},
            "today": today,
        },
    )


@requires(Permission.APPROVE_MANY)
@require_POST
def review_bulk_approve(request: HttpRequest) -> HttpResponse:
    """Approve; what changed meanwhile is left, each with its sentence."""
    now, today, _by = moment(request)
    try:
        done = approve_many(
            institution=people.staff(request).institution, submission_ids=_ids(request), by=people.actor(request),
            now=now, today=today,
        )  # fmt: skip
    except ReviewError as error:
        messages.error(request, error.sentence)
        return redirect("review_queue")
    numbers = dict(
        Submission.objects.filter(id__in=[key for key, _ in done.skipped]).values_list("id", "number")
    )
    if done.approved:
        messages.success(
            request,
            ngettext("%(n)d case is approved.", "%(n)d cases are approved.", len(done.approved))
            % {"n": len(done.approved)},
        )
    for key, sentence in done.skipped:
        messages.warning(
            request,
            _("%(number)s was left: %(sentence)s") % {"number": numbers.get(key, "–"), "sentence": sentence},
        )
    return redirect("review_queue")


@requires(Permission.REVIEW)
@require_safe
def review_pace(request: HttpRequest) -> HttpResponse:
    now, today, by = moment(request)
    ages = pace.ages(now, today=today)
    team = pace.team(now)
    return render(
        request,
        "console/review/pace.html",
        {
            "mine": pace.mine(by, now),
            "team": team,
            "ages": ages,
            "me": by,
            "last": last_decided(),
            "age_chart": charts.stacked_bars(
                [bucket.name for bucket in ages.by_age],
                [(_("Cases"), "pending", [bucket.count for bucket in ages.by_age])],
            ),
            "team_chart": charts.stacked_bars(
                [one.name or _("A former member of staff") for one in team],
                [
                    (_("All approved"), "approved", [one.week - one.returned_week for one in team]),
                    (_("Something returned"), "rejected", [one.returned_week for one in team]),
                ],
            ),
        },
    )


def moment(request: HttpRequest) -> tuple[datetime, date, str]:
    """Return now, today at the school, and who asks as text."""
    now = clock.now()
    return now, clock.today(people.staff(request).institution.time_zone, at=now), str(people.actor(request))


def last_decided() -> datetime | None:
    """Return when the last case was decided."""
    decided = Submission.objects.filter(decided_at__isnull=False).order_by("-decided_at")
    return decided.values_list("decided_at", flat=True).first()


def _page(request: HttpRequest, chosen: QueueFilter, sort: str, now: datetime, today: date) -> Page:
    size = page_size(request.GET, _SIZES)
    total = queue.count(chosen, now=now)
    number = page_number(request.GET, total=total, size=size)
    return Page(
        queue.page(chosen, sort, (number - 1) * size, size, now=now, today=today), number, size, total
    )


def _safe(
    request: HttpRequest, chosen: QueueFilter, sort: str, now: datetime, today: date
) -> SafeCases | None:
    """Return the safe cases where the address asks for those alone, from the place in the list that it names."""
    if request.GET.get("safe") not in review_page.SAFE:
        return None
    start = wanted_page(request.GET, "from") - 1
    return queue.safe_cases(chosen, sort, start=start, now=now, today=today, most=MOST_IN_BULK)


def _ids(request: HttpRequest) -> list[UUID]:
    found = map(read_id, request.POST.getlist("case"))
    return list(dict.fromkeys(one for one in found if one))
