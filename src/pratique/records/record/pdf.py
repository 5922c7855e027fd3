"""The record as a PDF for people: what is on record as tables, then every page that was handed in, as it is seen."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle
from reportlab.platypus.flowables import Flowable, PageBreak

from pratique.records.models import Page
from pratique.records.queries import Record
from pratique.records.record import letters
from pratique.records.record.data import Registration, papers, partial
from pratique.rules.explain import word
from pratique.students.models import Student

_INK, _SOFT, _LINE = HexColor("#1b2b34"), HexColor("#4d5b64"), HexColor("#d5dcdb")
_MARGIN = 18 * mm

ReadPicture = Callable[[Page], bytes]
SayDate = Callable[[str], str]


def make(
    student: Student,
    record: Record,
    registrations: Sequence[Registration],
    *,
    school: str,
    made_at: datetime,
    read_picture: ReadPicture,
    say_date: SayDate,
) -> bytes:
    """Return the whole record as a PDF in the active language.

    `read_picture` gives a page's JPEG; where it raises OSError the place says so, and the rest is made all the same.
    `say_date` writes "2006-03-04", "2006-03" or "2006" in words.
    """
    out = BytesIO()
    name = f"{student.first_name} {student.last_name}".strip() or student.username
    document = SimpleDocTemplate(
        out, pagesize=LETTER, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN + 6 * mm,
        title=_("Health record"), author=school, lang=get_language() or "en",
    )  # fmt: skip
    writer = _Writer(say_date)
    story = [
        *writer.head(student, name, school, made_at),
        *writer.registrations(registrations),
        *writer.evidence(record),
        *writer.pictures(record, read_picture),
    ]
    foot = _("%(name)s · health record of %(day)s · page %(page)s")
    day = date_format(made_at, "DATE_FORMAT")

    def draw_foot(canvas: Any, laid_out: Any) -> None:
        said = Paragraph(
            letters.marked_up(foot % {"name": name, "day": day, "page": laid_out.page}, letters.regular()),
            writer.small,
        )
        width = LETTER[0] - 2 * _MARGIN
        said.wrap(width, 20 * mm)
        said.drawOn(canvas, _MARGIN, 10 * mm)

    document.build(story, onFirstPage=draw_foot, onLaterPages=draw_foot)
    return out.getvalue()


class _Writer:
    """Makes paragraphs and tables in one look."""

    def __init__(self, say_date: SayDate) -> None:
        regular, bold = letters.regular(), letters.bold()
        self.say_date = say_date
        self.text = ParagraphStyle(
            "text", fontName=regular, fontSize=10, leading=14, textColor=_INK, splitLongWords=1
        )
        self.small = ParagraphStyle("small", parent=self.text, fontSize=8.5, leading=12, textColor=_SOFT)
        self.strong = ParagraphStyle("strong", parent=self.text, fontName=bold)
        self.title = ParagraphStyle("title", parent=self.text, fontName=bold, fontSize=20, leading=26)
        self.heading = ParagraphStyle(
            "heading", parent=self.text, fontName=bold, fontSize=13, leading=18, spaceBefore=14, spaceAfter=4,
            keepWithNext=1,
        )  # fmt: skip

    def say(self, text: object, style: ParagraphStyle | None = None) -> Paragraph:
        style = style or self.text
        return Paragraph(letters.marked_up(str(text), style.fontName), style)

    def head(self, student: Student, name: str, school: str, made_at: datetime) -> Iterable[Flowable]:
        yield self.say(_("Health record"), self.title)
        yield self.say(name, self.strong)
        facts = [
            (_("Date of birth"), self._day(student.date_of_birth)),
            (_("Student ID"), student.student_id),
            (_("Username"), student.username),
            (_("School"), school),
            (_("Made on"), date_format(made_at, "DATETIME_FORMAT")),
        ]
        yield Spacer(1, 6)
        yield self._table([[label, value or "–"] for label, value in facts], [40, 136])
        yield self.say(
            _(
                "A letter that the fonts here lack is written as its code, such as [U+4E2D]; the JSON file has it."
            ),
            self.small,
        )

    def registrations(self, found: Sequence[Registration]) -> Iterable[Flowable]:
        words = {
            "approved": _("Done"), "pending": _("Waiting for review"), "incomplete": _("To do"),
            "rejected": _("Sent back"), "expired": _("No longer valid"),
        }  # fmt: skip
        for one in found:
            yield self.say(one.tracker or one.package, self.heading)
            if one.requirements:
                rows = [[item.name, words.get(item.status, item.status)] for item in one.requirements]
                yield self._table(rows, [116, 60])
            else:
                yield self.say(_("Nothing is asked."), self.small)

    def evidence(self, record: Record) -> Iterable[Flowable]:
        yield from self._section(
            _("Vaccinations"),
            [
                [self.say_date(partial(one.administered_on, one.precision)), one.product or one.cvx, one.lot,
                 self._state(one)]
                for one in sorted(record.doses, key=lambda one: one.administered_on)
            ],
            [36, 76, 28, 36],
        )  # fmt: skip
        yield from self._section(
            _("Lab results"),
            [
                [self.say_date(one.collected_on.isoformat()), self._word(one.antibody),
                 " ".join(filter(None, [self._word(one.result), one.value, one.unit,
                                        f"({one.reference_range})" if one.reference_range else ""])),
                 self._state(one)]
                for one in record.titers
            ],
            [36, 46, 58, 36],
        )  # fmt: skip
        yield from self._section(
            _("Documents"),
            [[self._day(one.issued_on), self._word(one.kind), self._state(one)] for one in papers(record)],
            [36, 104, 36],
        )
        yield from self._section(
            _("Forms"),
            [[self._day(one.signed_on), self._word(one.form), self._state(one)] for one in record.forms],
            [36, 104, 36],
        )
        yield from self._section(
            _("Exemptions"),
            [
                [self._day(one.granted_on), " · ".join(filter(None, [self._word(one.kind), one.statement])),
                 self._state(one)]
                for one in record.exemptions
            ],
            [36, 104, 36],
        )  # fmt: skip

    def pictures(self, record: Record, read_picture: ReadPicture) -> Iterable[Flowable]:
        for page in record.pages:
            yield PageBreak()
            caption = _("%(file)s, page %(number)s") % {"file": page.file.name, "number": page.number}
            yield self.say(caption, self.small)
            try:
                content = read_picture(page)
            except OSError:
                yield self.say(_("The picture of this page cannot be read at present."))
                continue
            yield _Picture(content, page.turned)

    def _section(self, title: str, rows: list[list[str]], widths: list[int]) -> Iterable[Flowable]:
        if rows:
            yield self.say(title, self.heading)
            yield self._table(rows, widths)

    def _table(self, rows: list[list[str]], widths: list[int]) -> Table:
        table = Table(
            [[self.say(cell) for cell in row] for row in rows],
            colWidths=[width * mm for width in widths],
            splitInRow=1,
        )
        table.setStyle(
            TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE),
                    ("LEFTPADDING", (0, 0), (0, -1), 0),
                ]
            )
        )
        return table

    def _day(self, day: date | None) -> str:
        return self.say_date(day.isoformat()) if day else ""

    def _word(self, code: str) -> str:
        said = word(code, _)
        return said[:1].upper() + said[1:]

    def _state(self, row: Any) -> str:
        return {
            "approved": _("Approved"), "pending": _("Waiting for review"), "rejected": _("Not accepted"),
        }[row.state]  # fmt: skip


class _Picture(Flowable):  # type: ignore[misc]  # reportlab has no types
    """One page, as large as it fits, turned as the student turned it."""

    def __init__(self, content: bytes, turned: int) -> None:
        super().__init__()
        self.picture, self.turned = ImageReader(BytesIO(content)), turned

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        across, down = self.picture.getSize()
        if self.turned in (90, 270):
            across, down = down, across
        scale = min(width / across, (height - 12) / down, 1.0)
        self.width, self.height = across * scale, down * scale
        return self.width, self.height

    def draw(self) -> None:
        canvas = self.canv
        sideways = self.turned in (90, 270)
        width, height = (self.height, self.width) if sideways else (self.width, self.height)
        canvas.saveState()
        canvas.translate(self.width / 2, self.height / 2)
        canvas.rotate(-self.turned)
        canvas.drawImage(self.picture, -width / 2, -height / 2, width, height)
        canvas.restoreState()
