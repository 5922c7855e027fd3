"""`pratique reminders`: plan what is due now, and say how things stand."""

import sys
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
import typer

from pratique.foundation import clock
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.institutions.queries import institution_by_slug
from pratique.reminders import planning, queries
from pratique.reminders.actions import plan as actions
from pratique.reminders.models import BatchState, Reminder
from pratique.reminders.types import REASONS, Planned

app = typer.Typer(help="Reminders: plan what is due now, and say how things stand.", no_args_is_help=True)

# What went wrong, for scripts: 2 is the user's to mend (typer's own choice too).
_USAGE = 2
_School = Annotated[str, typer.Option("--institution", help="The institution's slug.")]
_Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


@app.command()
def plan(institution: _School, as_json: _Json = False) -> None:
    """Plan what is due now, as a worker does every hour: a second run right after it finds nothing to do."""
    done = actions.plan(institution=_institution(institution), now=clock.now())
    if as_json:
        _json({**vars(done), "left_out": dict(done.left_out)})
        return
    for line in _said(done):
        typer.echo(line)


def _said(done: Planned) -> list[str]:
    said = [f"Reminded: {done.reminded:,} students. Waiting for approval: {done.waiting:,}."]
    if done.held_back:
        said = [
            "Nobody: requirements have changed, and standings are being worked out. It is tried every hour."
        ]
    said += [f"Left out: {count:,}. {REASONS[reason]}" for reason, count in done.left_out.items()]
    if done.escalations or done.ended:
        said.append(f"Escalations: {done.escalations:,} made, {done.ended:,} ended.")
    if done.lapsed:
        said.append(f"Lapsed, because nobody decided within three days: {done.lapsed:,} batches.")
    return said


@app.command()
def status(institution: _School, as_json: _Json = False) -> None:
    """Say which ladders are on, when reminders may go out, and what waits for a decision."""
    school = _institution(institution)
    now = clock.now()
    with institution_scope(school.id):
        rules, waiting = queries.settings_of(), queries.waiting()
        ladders = queries.ladders()
        batches = list(queries.batches(BatchState.WAITING))
        last = Reminder.objects.order_by("-planned_at").values_list("planned_at", flat=True).first()
    opens = planning.window(rules, ZoneInfo(school.time_zone), at=now).opens
    answer: dict[str, Any] = {
        "ladders": [
            {
                "group": one.name,
                "is_on": one.is_on,
                "is_own": one.is_own,
                "steps": [step.key for step in one.steps],
            }
            for one in ladders
        ],
        "may_go_out": opens.isoformat(),
        "waiting": {"batches": waiting.batches, "escalations": waiting.escalations},
        "batches": [
            {
                "id": str(one.id),
                "kind": one.kind,
                "students": one.students,
                "since": one.created_at.isoformat(),
            }
            for one in batches
        ],
        "last_planned": last.isoformat() if last else None,
    }
    if as_json:
        _json(answer)
        return
    for one in ladders:
        whose = one.name or "All groups without their own"
        steps = ", ".join(step.key for step in one.steps)
        typer.echo(f"{whose}: {steps if one.is_on else 'off'}")
    typer.echo(f"May go out: {'now' if opens <= now else opens.isoformat(timespec='minutes')}")
    typer.echo(f"Waiting for a decision: {waiting.batches:,} batches, {waiting.escalations:,} escalations")
    for kept in batches:
        typer.echo(
            f"  {kept.created_at:%Y-%m-%d %H:%M} UTC  {kept.kind}  {kept.students:,} students  {kept.id}"
        )


def _institution(slug: str) -> Institution:
    found = institution_by_slug(slug)
    if found is None:
        typer.echo(f"There is no institution “{slug[:60]}”. Institutions are named by their slug.", err=True)
        raise typer.Exit(_USAGE)
    return found


def _json(answer: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode() + "\n")
