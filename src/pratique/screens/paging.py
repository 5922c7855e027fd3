"""Pages of a long list: where we are, and which page numbers to offer."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import QueryDict


@dataclass(frozen=True)
class Page:
    """One page of rows out of `total`. Numbers start at 1."""

    rows: list[Any]
    number: int
    size: int
    total: int

    @property
    def first(self) -> int:
        """The position of the first row shown; 0 where there is none."""
        return min(self.total, (self.number - 1) * self.size + 1)

    @property
    def last(self) -> int:
        return min(self.total, self.number * self.size)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def numbers(self) -> list[int | None]:
        """The page numbers to offer; None stands for a gap."""
        paginator = Paginator(range(self.total), self.size)
        elided = paginator.get_elided_page_range(self.number, on_each_side=1, on_ends=1)
        return [number if isinstance(number, int) else None for number in elided]


def wanted_page(query: QueryDict, name: str = "page") -> int:
    """Return the page (or the number called `name`) that the address asks for, at least 1."""
    wanted = query.get(name, "")
    return max(1, int(wanted)) if wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 1


def page_number(query: QueryDict, *, total: int, size: int) -> int:
    """Return the page that the address asks for, kept within what there is."""
    return max(1, min(wanted_page(query), -(-total // size)))


def page_size(query: QueryDict, choices: tuple[int, ...]) -> int:
    """Return the rows a page that the address asks for, or the first choice."""
    wanted = query.get("size", "")
    return next((choice for choice in choices if str(choice) == wanted), choices[0])
