"""Typed doses: one row each of vaccine, day, month by name, year and lot. PURE."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from django.utils.translation import gettext as _

from pratique.interfaces.portal import typed_dates
from pratique.interfaces.portal.typed_dates import TypedDate

MOST_ROWS = 200  # more than a draft holds, so that too many are told of and not dropped
NO_DATE = TypedDate()


class Product(Protocol):
    """A vaccine as people know it (`records.products`)."""

    @property
    def cvx(self) -> str: ...
    @property
    def mvx(self) -> str: ...
    @property
    def name(self) -> str: ...


class FindProduct(Protocol):
    """Looks products up by what was typed; the best match first."""

    def __call__(self, text: str) -> Sequence[Product]: ...


@dataclass(frozen=True)
class DoseRow:
    """One row as it stands in the form. `choices` are the products that the typed name may mean."""

    id: str
    vaccine: str = ""
    code: str = ""
    date: TypedDate = NO_DATE
    lot: str = ""
    choices: Sequence[Product] = ()
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing was begun: a vaccine that was filled in for the student is not a beginning."""
        return self.date.empty and not self.lot


def code_of(product: Product) -> str:
    """Return what a form carries for a chosen product."""
    return f"{product.cvx}|{product.mvx}|{product.name}"


def new_row(vaccine: str = "", code: str = "") -> DoseRow:
    """Return an empty row; its id is random, so that rows begun in two windows never meet."""
    return DoseRow(secrets.token_hex(4), vaccine, code)


def rows_of(pieces: Iterable[Mapping[str, Any]]) -> list[DoseRow]:
    """Return the rows of the draft's doses, as they were typed."""
    rows = []
    for piece in pieces:
        if piece.get("kind") != "dose":
            continue
        typed = piece.get("typed") or {}
        given = typed_dates.of_iso(piece.get("administered_on", ""))
        if not given.iso:
            given = typed_dates.read(*(typed.get(part, "") for part in ("day", "month", "year")))
        chosen = (
            f"{piece['cvx']}|{piece.get('mvx', '')}|{piece.get('product', '')}" if piece.get("cvx") else ""
        )
        rows.append(
            DoseRow(
                piece["id"],
                typed.get("vaccine") or piece.get("product", ""),
                chosen,
                given,
                piece.get("lot", ""),
            )
        )
    return rows


def read_rows(posted: Mapping[str, Any], ids: Sequence[str], find: FindProduct) -> list[DoseRow]:
    """Read the rows of a form. A name that was typed and not chosen is looked up; what is unclear stays a question."""
    return [_read(posted, row_id, find) for row_id in dict.fromkeys(ids[:MOST_ROWS]) if _safe(row_id)]


def _read(posted: Mapping[str, Any], row_id: str, find: FindProduct) -> DoseRow:
    def text(name: str, most: int = 120) -> str:
        return str(posted.get(f"dose-{row_id}-{name}", "")).replace("\0", "").strip()[:most]

    given = typed_dates.read(text("day"), text("month"), text("year"), text("meant"))
    row = DoseRow(row_id, text("vaccine"), text("code", 160), given, text("lot", 40))
    picked = text("picked", 160)
    if picked:
        row = replace(
            row, code=picked, vaccine=picked.split("|")[2] if picked.count("|") == 2 else row.vaccine
        )
    if not row.vaccine:
        return replace(row, code="")
    found = find(row.vaccine)
    if row.code.count("|") == 2 and _same(row.code.split("|")[2], row.vaccine) and _fits(row.code, found):
        return row
    exact = [product for product in found if _same(product.name, row.vaccine)]
    if len(found) == 1 or len(exact) == 1:
        product = (exact or list(found))[0]
        return replace(row, code=code_of(product))
    return replace(row, code="", choices=tuple(found[:8]))


def as_piece(row: DoseRow) -> dict[str, Any]:
    """Return the row as a piece of the draft; what was typed is kept beside what it comes to."""
    cvx, mvx, product = row.code.split("|") if row.code.count("|") == 2 else ("", "", row.vaccine)
    return {
        "id": row.id, "kind": "dose", "cvx": cvx, "mvx": mvx, "product": product, "lot": row.lot,
        "administered_on": row.date.iso,
        "typed": {"vaccine": row.vaccine, "day": row.date.day, "month": row.date.month, "year": row.date.year},
    }  # fmt: skip


def with_problems(row: DoseRow, found: Iterable[Any]) -> DoseRow:
    """Return the row with what keeps it from being handed in, by field; `found` are `records.pieces` problems."""
    problems: dict[str, str] = {}
    for problem in found:
        field = {"product": "vaccine", "administered_on": "day"}.get(problem.field, problem.field)
        problems.setdefault(field, problem.sentence)
    if row.date.problem:
        problems.pop("day", None)
        problems[row.date.field] = row.date.problem
    if "vaccine" in problems and row.vaccine:
        problems["vaccine"] = (
            _("Which one of these is it?")
            if row.choices
            else _("We do not know a vaccine of this name. Try the name of the disease, such as measles.")
        )
    return replace(row, problems=problems)


def _same(one: str, other: str) -> bool:
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def _fits(code: str, found: Sequence[Product]) -> bool:
    """Whether a chosen product goes by the typed name: nobody hands in one vaccine under the name of another."""
    return any(product.cvx == code.split("|")[0] for product in found)


def _safe(row_id: str) -> bool:
    return 0 < len(row_id) <= 20 and row_id.isalnum() and row_id.isascii()
