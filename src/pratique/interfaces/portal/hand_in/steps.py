"""The steps one by one: what each reads from its form, what it shows, and what keeps it from going on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

from django.http import Http404, QueryDict
from django.utils.translation import gettext as _

from pratique.interfaces.portal import typed_dates, vaccine_names
from pratique.interfaces.portal.hand_in import doses, exemptions, filled_forms, titers
from pratique.interfaces.portal.hand_in.checking import Checked
from pratique.interfaces.portal.hand_in.drafting import Work, of_other_kinds
from pratique.interfaces.portal.hand_in.offer import FORM_STEP, exemption_choices

STEPS = ("pages", "doses", "results", "exemption", "summary")


@dataclass(frozen=True)
class Fault:
    """Something to put right before going on: the id of the field, and a sentence."""

    anchor: str
    sentence: str


@dataclass(frozen=True)
class Shown:
    """A step as it goes to its template; `faults` only where somebody wanted to go on."""

    name: str
    template: str
    pieces: Sequence[Mapping[str, Any]]
    values: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[Fault] = ()


def known(step: str) -> bool:
    """Whether there is such a step."""
    return step in STEPS or step.startswith(FORM_STEP)


def show(work: Work, step: str) -> Shown:
    """Return a step as it was saved."""
    pieces = work.pieces
    match step:
        case "doses":
            rows = doses.rows_of(pieces)
            return _doses(work, pieces, rows or [_first_row(work)])
        case "results":
            return _results(pieces, titers.report_of(pieces, _antibodies(work, pieces)))
        case "exemption":
            return _exemption(work, pieces, exemptions.piece_of(pieces))
        case "pages":
            return _pages(work, pieces, _paper_of(pieces))
        case "summary":
            return Shown("summary", "summary.html", pieces)
    definition = _definition(work, step)
    mine = next((one for one in pieces if one.get("form") == definition.key), {})
    return _form(work, pieces, definition, mine)


def read(work: Work, step: str, posted: Any) -> Shown:
    """Return a step as it was just typed; its `pieces` are the whole draft's."""
    others, posted = work.pieces, _letters(posted)
    match step:
        case "doses":
            rows = doses.read_rows(posted, posted.getlist("row"), vaccine_names.find)
            pieces = [
                *of_other_kinds(others, "dose"),
                *(doses.as_piece(row) for row in rows if not row.empty),
            ]
            return _doses(work, pieces, rows)
        case "results":
            report = titers.read_report(posted, _antibodies(work, others))
            return _results([*of_other_kinds(others, "titer"), *titers.as_pieces(report)], report)
        case "exemption":
            piece = exemptions.read_piece(
                posted, work.submission.requirement_keys[0], work.offered.exemptions
            )
            begun = piece["exemption"] or piece["statement"]
            return _exemption(
                work, [*of_other_kinds(others, "exemption"), *([piece] if begun else [])], piece
            )
        case "pages":
            paper = _read_paper(work, posted)
            begun = paper.get("kind_of_document") and (work.has_pages or paper["typed"])
            return _pages(work, [*of_other_kinds(others, "document"), *([paper] if begun else [])], paper)
        case "summary":
            return Shown("summary", "summary.html", others)
    definition = _definition(work, step)
    piece = filled_forms.read_piece(definition, posted, _form_id(definition.key))
    return _form(work, [*of_other_kinds(others, "form", definition.key), piece], definition, piece)


def _letters(posted: Any) -> QueryDict:
    """Return a form with lines that end as they are counted, and without NUL, which no database keeps."""
    clean = QueryDict(mutable=True)
    for name, values in posted.lists():
        clean.setlist(name, [value.replace("\r\n", "\n").replace("\0", "") for value in values])
    return clean


def judge(work: Work, shown: Shown, checked: Checked) -> Shown:
    """Return the step with everything that keeps it from being handed in, named by field."""
    values = dict(shown.values)
    faults: list[Fault] = []
    if shown.name == "doses":
        rows = [
            row if row.empty else doses.with_problems(row, checked.problems.get(row.id, ()))
            for row in values["rows"]
        ]
        values["rows"] = rows
        faults = [
            Fault(f"dose-{row.id}-{name}", sentence)
            for row in rows
            for name, sentence in row.problems.items()
        ]
        if all(row.empty for row in rows):
            faults = [
                Fault(
                    f"dose-{rows[0].id}-day" if rows else "rows", _("Fill in the date of at least one dose.")
                )
            ]
    elif shown.name == "results":
        values["report"], faults = _judged_report(values["report"], checked)
    elif shown.name == "exemption":
        found = checked.problems.get("x0", ())
        if not values["piece"].get("exemption"):
            faults = [Fault("exemption", _("Choose the reason that fits."))]
        else:
            faults = [Fault(problem.field, problem.sentence) for problem in found]
    elif shown.name == "pages":
        faults = _page_faults(work, values)
    elif shown.name.startswith(FORM_STEP):
        definition, piece = values["definition"], values["piece"]
        said = filled_forms.problems_of(definition, piece, work.acting.language, work.today)
        values["form"] = filled_forms.filled(definition, piece, work.acting.language, said)
        faults = [Fault(f"answer-{name}" if name not in ("signed_as", "agreed") else name, sentence)
                  for name, sentence in said.items()]  # fmt: skip
    return replace(shown, values=values, faults=faults)


# --- doses --------------------------------------------------------------------------------------------------


def _doses(work: Work, pieces: Sequence[Mapping[str, Any]], rows: Sequence[doses.DoseRow]) -> Shown:
    return Shown(
        "doses", "doses.html", pieces, {"rows": rows, "offered": work.offered, "blank": doses.DoseRow("ROW")}
    )


def _first_row(work: Work) -> doses.DoseRow:
    """An empty row that names the vaccine already, where only one is asked for."""
    ways = [way for item in work.aimed for way in item.ways if way.kind == "dose"]
    product = vaccine_names.usual(ways[0].names[0], ways[0].cvx) if ways else None
    return doses.new_row(product.name, doses.code_of(product)) if product else doses.new_row()


# --- laboratory results -------------------------------------------------------------------------------------


def _antibodies(work: Work, pieces: Sequence[Mapping[str, Any]]) -> list[str]:
    typed = [piece["antibody"] for piece in pieces if piece.get("kind") == "titer"]
    return list(dict.fromkeys((*work.offered.antibodies, *typed)))


def _results(pieces: Sequence[Mapping[str, Any]], report: titers.LabReport) -> Shown:
    return Shown("results", "results.html", pieces, {"report": report})


def _judged_report(report: titers.LabReport, checked: Checked) -> tuple[titers.LabReport, list[Fault]]:
    faults: list[Fault] = []
    on_date: dict[str, str] = {}
    cards = []
    for number, card in enumerate(report.cards):
        found = {one.field: one.sentence for one in checked.problems.get(f"t{number}", ())}
        said = found.pop("collected_on", "")
        if said and not card.empty:
            on_date["day"] = said
        if card.empty:
            found = {}
        cards.append(replace(card, problems=found))
        faults += [Fault(f"titer-{card.antibody}-{name}", sentence) for name, sentence in found.items()]
    if report.collected.problem:
        on_date = {report.collected.field: report.collected.problem}
    faults = [*(Fault(f"collected-{name}", sentence) for name, sentence in on_date.items()), *faults]
    if not report.cards:
        faults = [Fault("step-title", _("Your school does not ask for this any more."))]
    elif all(card.empty for card in report.cards):
        faults = [
            Fault(f"titer-{report.cards[0].antibody}-result", _("Choose the result of at least one test."))
        ]
    return titers.LabReport(report.collected, cards, on_date), faults


# --- an exemption -------------------------------------------------------------------------------------------


def _exemption(work: Work, pieces: Sequence[Mapping[str, Any]], piece: Mapping[str, Any]) -> Shown:
    return Shown(
        "exemption", "exemption.html", pieces, {"piece": piece, "choices": exemption_choices(work.offered)}
    )


# --- pages --------------------------------------------------------------------------------------------------


def _paper_of(pieces: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((piece for piece in pieces if piece.get("kind") == "document"), {})


def _read_paper(work: Work, posted: Any) -> dict[str, Any]:
    kinds = work.offered.documents
    kind = str(posted.get("kind_of_document", ""))
    if kind not in kinds:
        kind = kinds[0] if len(kinds) == 1 and not work.offered.vaccines else ""
    day, month, year = (str(posted.get(f"issued-{part}", "")) for part in ("day", "month", "year"))
    issued = typed_dates.read(day, month, year, str(posted.get("issued-meant", "")))
    typed = {} if issued.empty else {"day": issued.day, "month": issued.month, "year": issued.year}
    return {
        "id": "d0", "kind": "document", "kind_of_document": kind, "issued_on": issued.iso or None,
        "typed": typed,
    }  # fmt: skip


def _pages(work: Work, pieces: Sequence[Mapping[str, Any]], paper: Mapping[str, Any]) -> Shown:
    issued = typed_dates.of_iso(paper.get("issued_on") or "")
    if not issued.iso:
        typed = paper.get("typed") or {}
        issued = typed_dates.read(*(str(typed.get(part, "")) for part in ("day", "month", "year")))
    kinds = work.offered.documents
    only = kinds[0] if len(kinds) == 1 and not work.offered.vaccines else ""
    others = [item for item in work.items if item.status != "approved"]
    return Shown(
        "pages",
        "pages.html",
        pieces,
        {
            "paper": {"kind_of_document": only, **paper},
            "issued": issued,
            "problems": {},
            "kinds": kinds,
            "only_kind": only,
            "coverable": others if len(others) > 1 else [],
        },
    )


def _page_faults(work: Work, values: dict[str, Any]) -> list[Fault]:
    if not work.has_pages:
        return [Fault("files", _("Add at least one photo or file."))]
    issued = values["issued"]
    if issued.problem:
        values["problems"] = {issued.field: issued.problem}
        return [Fault(f"issued-{issued.field}", issued.problem)]
    paper = values["paper"]
    if paper.get("kind_of_document") and issued.iso:
        found = work.check([paper]).problems.get("d0", ())
        values["problems"] = {"day": " ".join(one.sentence for one in found)} if found else {}
        return [Fault("issued-day", one.sentence) for one in found]
    return []


# --- forms --------------------------------------------------------------------------------------------------


def _definition(work: Work, step: str) -> Any:
    key = step.removeprefix(FORM_STEP)
    typed = {piece.get("form") for piece in work.pieces}
    if key not in work.offered.forms and key not in typed:
        raise Http404
    definition = filled_forms.definition_of(key)
    if definition is None:
        raise Http404
    return definition


def _form(
    work: Work, pieces: Sequence[Mapping[str, Any]], definition: Any, piece: Mapping[str, Any]
) -> Shown:
    values = {
        "definition": definition,
        "piece": piece,
        "form": filled_forms.filled(definition, piece, work.acting.language),
    }
    return Shown(f"{FORM_STEP}{definition.key}", "form.html", pieces, values)


def _form_id(key: str) -> str:
    return f"f{crc32(key.encode()):08x}"
