"""`pratique schedules`: list them, look at one, run, pause, resume, replay it, send a file again."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.console import Console
from rich.table import Table

from pratique.delivery import queries, timing
from pratique.delivery.actions import schedules as actions
from pratique.delivery.models import Delivery, Schedule
from pratique.delivery.types import DeliveryError, ScheduleError, sentence, why_paused
from pratique.foundation import audit, clock
from pratique.foundation.ids import read_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.institutions.queries import institution_by_slug
from pratique.reports import queries as report_queries
from pratique.reports.types import Text

app = typer.Typer(help="Reports that are delivered again and again.", no_args_is_help=True)

_USAGE = 2
_BY = audit.Actor("command", "schedules")
_MOST_DELIVERIES = 10

School = Annotated[str, typer.Option("--institution", help="The institution's slug.")]
Name = Annotated[str, typer.Argument(help="The schedule's name or id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


@app.callback()
def schedules() -> None:
    """Reports that are delivered again and again."""


@app.command("list")
def list_schedules(
    institution: School,
    state: Annotated[queries.ScheduleStanding | None, typer.Option(help="Only those that stand so.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the schedules, how they stand, and when they run next."""
    with _said(as_json), _school(institution) as school:
        rows = list(queries.schedules(state=state.value if state else ""))
        titles = report_queries.titles(one.report_key for one in rows)
        found = [_facts(school, one, titles) for one in rows]
    if as_json:
        _json(found)
        return
    table = Table("Name", "Report", "When", "Next", "Standing", box=None, pad_edge=False)
    for one in found:
        table.add_row(one["name"], one["title"], one["when"], one["next_at"] or "", one["standing"])
    Console().print(table)


@app.command()
def show(name: Name, institution: School, as_json: AsJson = False) -> None:
    """Show a schedule and its latest deliveries."""
    with _said(as_json), _school(institution) as school:
        schedule = _schedule(name)
        facts = _facts(school, schedule, report_queries.titles([schedule.report_key]))
        latest = [_delivery(school, one) for one in queries.deliveries(schedule=schedule)[:_MOST_DELIVERIES]]
    if as_json:
        _json({**facts, "deliveries": latest})
        return
    # The key is for scripts; of a saved report it says nothing to people.
    said = {name: value for name, value in facts.items() if name not in ("report", "title")}
    for key, value in {"name": said.pop("name"), "report": facts["title"], **said}.items():
        typer.echo(f"{key}: {value if value is not None else ''}")
    table = Table("Delivery", "File", "Rows", "State", "Tries", "Why", box=None, pad_edge=False)
    for one in latest:
        rows = "" if one["rows"] is None else str(one["rows"])
        table.add_row(one["id"], one["file"], rows, one["state"], str(one["tries"]), one["sentence"])
    Console().print(table)


@app.command()
def run(name: Name, institution: School, as_json: AsJson = False) -> None:
    """Run a schedule now, as if its time had come; the next time stays."""
    with _said(as_json), _school(institution) as school:
        delivery = actions.run_now(schedule=_schedule(name), by=_BY, now=clock.now())
        answer = _delivery(school, delivery) if delivery else None
    if as_json:
        _json({"delivery": answer})
    else:
        typer.echo(f"{answer['file']} is on its way." if answer else "There is nothing to send.")


@app.command()
def pause(name: Name, institution: School, as_json: AsJson = False) -> None:
    """Let a schedule make no more files until it is resumed."""
    with _said(as_json), _school(institution) as school:
        schedule = actions.pause_schedule(schedule=_schedule(name), by=_BY, now=clock.now())
        _answer(school, schedule, "is paused", as_json)


@app.command()
def resume(
    name: Name,
    institution: School,
    arrived: Annotated[
        bool | None,
        typer.Option("--arrived/--not-arrived", help="Whether the file in doubt lies on their server."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a paused schedule go on."""
    with _said(as_json), _school(institution) as school:
        schedule = actions.resume_schedule(schedule=_schedule(name), arrived=arrived, by=_BY, now=clock.now())
        _answer(school, schedule, "goes on", as_json)


@app.command()
def replay(
    name: Name,
    institution: School,
    since: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="From when, in the school's time."),
    ],
    as_json: AsJson = False,
) -> None:
    """Let the next file of a delta hold everything that changed since a time."""
    with _said(as_json), _school(institution) as school:
        schedule = actions.replay(
            schedule=_schedule(name),
            since=since.replace(tzinfo=ZoneInfo(school.time_zone)),
            by=_BY,
            now=clock.now(),
        )
        _answer(school, schedule, "goes back: its next file holds what changed since then", as_json)


@app.command()
def resend(
    delivery: Annotated[str, typer.Argument(help="The delivery's id; `show` lists them.")],
    institution: School,
    as_json: AsJson = False,
) -> None:
    """Send a delivered file again, the very same bytes under a new name."""
    with _said(as_json), _school(institution) as school:
        id_ = read_id(delivery)
        found = queries.delivery_by_id(id_) if id_ else None
        if found is None:
            raise DeliveryError("There is no such delivery.")
        answer = _delivery(school, actions.resend(delivery=found, by=_BY, now=clock.now()))
    if as_json:
        _json(answer)
    else:
        typer.echo(f"{answer['file']} is on its way.")


@contextmanager
def _said(as_json: bool) -> Iterator[None]:
    """Say what cannot be done, and end with the status for it."""
    try:
        yield
    except DeliveryError as error:
        if as_json:
            _json({"error": str(error)})
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(_USAGE) from None


@contextmanager
def _school(slug: str) -> Iterator[Institution]:
    school = institution_by_slug(slug)
    if school is None:
        raise DeliveryError(f"There is no institution “{slug[:60]}”. Institutions are named by their slug.")
    refused: ScheduleError | None = None
    with institution_scope(school.id):
        try:
            yield school
        except ScheduleError as error:
            # Raised past the scope, so that a pause which the command found needful lasts.
            refused = error
    if refused is not None:
        raise refused


def _schedule(name: str) -> Schedule:
    id_ = read_id(name)
    found = queries.schedule_by_id(id_) if id_ else queries.schedule_by_name(name)
    if found is None:
        known = ", ".join(one.name for one in queries.schedules()[:20])
        raise DeliveryError(f"There is no schedule “{name[:60]}”. Known: {known or 'none'}.")
    return found


def _facts(school: Institution, schedule: Schedule, titles: Mapping[str, Text]) -> dict[str, Any]:
    place = schedule.account.username if schedule.account else None
    place = schedule.destination.name if schedule.destination else place
    return {
        "id": str(schedule.id),
        "name": schedule.name,
        "report": schedule.report_key,
        "title": str(titles.get(schedule.report_key, schedule.report_key)),
        "contents": schedule.contents,
        "format": schedule.format,
        "to": place or f"{len(schedule.staff)} of staff, by link",
        "when": timing.in_words(schedule.every_minutes, timing.from_data(schedule.calendar)),
        "next_at": _local(school, schedule.next_at),
        "standing": queries.schedule_standing(schedule).value,
        "paused_because": why_paused(schedule.paused_for),
        "delivered_at": _local(school, schedule.delivered_at),
        "delivered_until": _local(school, schedule.cursor_at),
        "was_empty": schedule.was_empty,
    }


def _delivery(school: Institution, delivery: Delivery) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "file": delivery.file_name,
        "rows": delivery.rows,
        "size": delivery.size,
        "state": delivery.state,
        "tries": delivery.tries,
        "sentence": sentence(delivery.failure),
        "requested_at": _local(school, delivery.requested_at),
        "finished_at": _local(school, delivery.finished_at),
    }


def _local(school: Institution, at: datetime | None) -> str | None:
    return at.astimezone(ZoneInfo(school.time_zone)).isoformat(timespec="seconds") if at else None


def _answer(school: Institution, schedule: Schedule, what: str, as_json: bool) -> None:
    if as_json:
        found = queries.schedule_by_id(schedule.id)
        assert found is not None, "it was changed just now"
        _json(_facts(school, found, report_queries.titles([found.report_key])))
    else:
        typer.echo(f"{schedule.name} {what}.")


def _json(answer: Any) -> None:
    sys.stdout.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode() + "\n")
