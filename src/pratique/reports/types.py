"""What a report is, as plain values. One `ReportDefinition` serves table, chart, every download and the
command.

Nothing here reads or writes: `definitions/` holds the reports, `statements` makes their SQL, `writers/` their
files, `queries` and `actions` are what others call.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.accounts.roles import Permission
from pratique.foundation.ids import read_id

Text = str | Promise
# Checked and in plain JSON: what `queries.parse_parameters` gives, and what a run stores.
Parameters = Mapping[str, Any]


class ReportError(Exception):
    """A report cannot be made as asked; the message is fit for a person. Trying again changes nothing."""


class ColumnKind(StrEnum):
    """What a column holds, which decides how each format writes it. A percentage goes from 0 to 100."""

    TEXT = "text"
    INTEGER = "integer"
    PERCENT = "percent"
    DATE = "date"
    INSTANT = "instant"
    BOOLEAN = "boolean"
    STATUS = "status"


class Format(StrEnum):
    """What a report can be downloaded as."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
    TSV = "tsv"
    PIPE = "pipe"
    FIXED = "fixed"

    @property
    def extension(self) -> str:
        """What a file of it is called after the dot."""
        return {Format.PIPE: "psv", Format.FIXED: "txt"}.get(self, self.value)


CONTENT_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.TSV: "text/tab-separated-values; charset=utf-8",
    Format.PIPE: "text/plain; charset=utf-8",
    Format.FIXED: "text/plain; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSONL: "application/x-ndjson; charset=utf-8",
}


@dataclass(frozen=True)
class Column:
    """One column. `sql` is an expression over the report's source; it comes from code, never from a user.

    `sort` are the expressions to order by where that differs from `sql`; an empty tuple with `sortable` means
    `sql`. `sort_join` is joined to the source when the report is ordered by this column, and must not add
    rows. A column that is not `shown` is there for the choosing (`Layout`). `section` is where the builder lists it.
    `words` makes the text of a cell out of what `sql` gives, as text (JSON too: read it with orjson). It is called
    once for each different value, never for null. Such a column is of the kind TEXT; mind `sortable`.
    """

    key: str
    title: Text
    kind: ColumnKind
    sql: str
    sort: tuple[str, ...] = ()
    sort_join: str = ""
    sortable: bool = True
    shown: bool = True
    section: Text = ""
    words: Callable[[Any], str] | None = None

    @property
    def is_number(self) -> bool:
        """Whether the column is set flush right."""
        return self.kind in {ColumnKind.INTEGER, ColumnKind.PERCENT}


@dataclass(frozen=True)
class Source:
    """Where a report's rows come from: the FROM clause, its conditions, and the values that both name.

    `identity` is an expression that is unique for each row: it ends every order, so that pages never overlap.
    With `detail_join`, one page is found first by identity alone, and the costly join is made for its rows
    only; the whole report uses `whole_join`, which does the same in one sweep.
    """

    from_sql: str
    identity: str
    where: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    whole_join: str = ""
    detail_join: str = ""


@dataclass(frozen=True)
class ReportContext:
    """For whom and when a report is made. `now` is the instant, `today` the institution's date at it."""

    institution_id: UUID
    time_zone: str
    now: datetime
    today: date


@dataclass(frozen=True)
class ChosenColumn:
    """A column that somebody chose: another title, and for fixed width, how many characters it gets."""

    key: str
    title: str = ""
    width: int | None = None


@dataclass(frozen=True)
class Layout:
    """How a report's file differs from the report's own: all of it optional. Stored as data (`layouts`).

    `columns` empty: the columns that are `shown`. `date_format` and `instant_format` are of `strftime`'s digits and
    month names (`layouts.DATE_FIELDS`); empty: ISO 8601. `booleans` are the words for true and false; empty: as each
    format has them. `header`: whether a text file begins with the titles (a workbook always does). `cut`: fixed width
    shortens what is too long, else such a value ends the making with an error.
    """

    columns: tuple[ChosenColumn, ...] = ()
    date_format: str = ""
    instant_format: str = ""
    booleans: tuple[str, str] | None = None
    header: bool = True
    cut: bool = False


@dataclass(frozen=True)
class Changes:
    """A range of transactions: a delta's rows are those that one of them changed, from `first` to before `before`."""

    first: int
    before: int


class FilterKind(StrEnum):
    """How a filter is asked for on a screen. Those with choices are chosen from `queries.filter_choices`."""

    PACKAGE = "package"
    TRACKER = "tracker"
    REQUIREMENT_GROUP = "requirement_group"
    TERM = "term"
    REQUIREMENT = "requirement"
    IMPORT = "import"
    CHOICE = "choice"
    DATE_RANGE = "date_range"
    NUMBER = "number"  # a whole number, `Filter.least` to `Filter.most`
    STUDENT = "student"  # one student, by id, student id, username or e-mail; kept as id


@dataclass(frozen=True)
class Choice:
    """One value that a filter may take, and its words."""

    value: str
    title: Text


@dataclass(frozen=True)
class Filter:
    """What a report may be narrowed by. A date range is two parameters, `<key>_from` and `<key>_to`.

    `default` applies where the parameter is not given.
    """

    key: str
    title: Text
    kind: FilterKind
    many: bool = False
    choices: tuple[Choice, ...] = ()
    default: str = ""
    least: int = 0
    most: int = 3650
    # Without it there is no report: the page asks for it first.
    is_needed: bool = False
    # The default where the report tells what changed; empty: the usual one.
    in_delta: str = ""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names under which values for this filter come in."""
        return (f"{self.key}_from", f"{self.key}_to") if self.kind == FilterKind.DATE_RANGE else (self.key,)


@dataclass(frozen=True)
class ChartSeries:
    """One colour of a chart: a value for each label. `status` is a status code where the series stands for
    one.
    """

    name: Text
    values: Sequence[int]
    status: str = ""


@dataclass(frozen=True)
class ReportChart:
    """A chart's data, and the same in words for those who do not see it. `kind` is "bar", "stacked_bar" or "line"."""

    kind: str
    title: Text
    labels: Sequence[Text]
    series: Sequence[ChartSeries]
    summary: str


class Category(StrEnum):
    """Where the catalogue lists a report; `CATEGORY_TITLES` has the words."""

    COMPLIANCE = "compliance"
    RECORDS = "records"
    REVIEW = "review"
    CHANGES = "changes"
    PEOPLE = "people"
    OPERATIONS = "operations"


CATEGORY_TITLES: Mapping[Category, Text] = {
    Category.COMPLIANCE: _("Who stands where"),
    Category.RECORDS: _("Doses, titers and exemptions"),
    Category.REVIEW: _("Reviewing"),
    Category.CHANGES: _("What changed"),
    Category.PEOPLE: _("Invitations, sign-in and reminders"),
    Category.OPERATIONS: _("Imports, transfers and calls"),
}

SAVED = "saved-"


def saved_key(saved_report_id: UUID) -> str:
    """Return the key under which a saved report goes wherever a report's key is asked for."""
    return f"{SAVED}{saved_report_id}"


def saved_id(key: str) -> UUID | None:
    """Return whose key that is; None for a report of the catalogue, and for what is no key at all."""
    return read_id(key.removeprefix(SAVED)) if key.startswith(SAVED) else None


@dataclass(frozen=True)
class ReportDefinition:
    """One report. `columns` and `source` may depend on the parameters: a requirement is a column.

    `columns` gives all that can be chosen; those `shown` are the usual table. `changed` makes deltas possible: a
    condition on the source's rows that names %(changes_first)s and %(changes_before)s (`definitions.memberships`
    has the one of reports about students). `more_columns` can be chosen too and cost a look at the students: they
    are asked for only when somebody builds a report or has chosen one.

    `source` gets the columns that are wanted, besides the one that orders them: it need not join for others.

    Of a saved report: `layout` is its own (what is given wins), `presets` are its filters (`queries.parse_parameters`
    begins with them), `base` is the key of the report whose rows it has.
    """

    key: str
    title: Text
    description: Text
    permission: Permission
    filters: tuple[Filter, ...]
    default_sort: str
    columns: Callable[[Parameters, ReportContext], tuple[Column, ...]]
    source: Callable[[Parameters, Sequence[Column], ReportContext], Source]
    chart: Callable[[Parameters, ReportContext], ReportChart] | None = None
    category: Category = Category.COMPLIANCE
    changed: str = ""
    more_columns: Callable[[Parameters, ReportContext], tuple[Column, ...]] | None = None
    layout: Layout = Layout()
    presets: Parameters = field(default_factory=dict)
    base: str = ""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of all parameters that the report understands."""
        return tuple(name for one in self.filters for name in one.parameter_names)


@dataclass(frozen=True)
class ParsedParameters:
    """Parameters as they were understood, and for each that was not, a sentence that says why."""

    parameters: Parameters
    errors: Mapping[str, str]


@dataclass(frozen=True)
class ReportTable:
    """One page of a report. `rows` hold a value for each column; `stale` memberships await re-evaluation."""

    definition: ReportDefinition
    columns: Sequence[Column]
    rows: Sequence[tuple[Any, ...]]
    total: int
    page: int
    page_size: int
    sort: str
    stale: int = 0

    @property
    def pages(self) -> int:
        """How many pages there are; an empty report has one."""
        return max(1, -(-self.total // self.page_size))

    @property
    def first(self) -> int:
        """The number of the page's first row, counted from 1; 0 in an empty report."""
        return (self.page - 1) * self.page_size + 1 if self.total else 0

    @property
    def last(self) -> int:
        """The number of the page's last row."""
        return min(self.page * self.page_size, self.total)
