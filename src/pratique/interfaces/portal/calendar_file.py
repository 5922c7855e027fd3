"""A date for the student's own calendar. Its title says nothing of health: calendars are shared and synchronised."""

from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _


def event(*, uid: str, on: date, url: str, now: datetime) -> str:
    """Return an iCalendar file (RFC 5545) with one whole-day event that points to the portal."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Pratique//Portal//EN",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{on:%Y%m%d}",
        f"DTEND;VALUE=DATE:{on + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(_('Health office: next step possible'))}",
        f"URL:{url}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> list[str]:
    """Cut a line into pieces of at most 75 octets, each after the first begun with a space (section 3.1)."""
    pieces, piece, size = [], "", 0
    for letter in line:
        width = len(letter.encode())
        if size + width > 75:
            pieces.append(piece)
            piece, size = " ", 1
        piece += letter
        size += width
    return [*pieces, piece]
