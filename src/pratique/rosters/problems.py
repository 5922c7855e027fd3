"""Every code that a roster can be answered with, what it means and what to do; and how values are quoted.

The documentation's table is made from here, and a test proves that the code and these tables agree. The
sentences with the found value in them are next to the checks that make them, not here.
"""

from collections.abc import Sequence
from typing import NamedTuple

SHOWN_CHARS = 40
LISTED_NAMES = 20


class Explanation(NamedTuple):
    """What a code means and what puts it right."""

    meaning: str
    remedy: str


FILE_ERROR_CODES: dict[str, Explanation] = {
    "file_too_large": Explanation("The file is over 64 MiB.", "Split the file."),
    "empty_file": Explanation("The file has no bytes.", "Export the roster again."),
    "blank_file": Explanation("The file holds only blanks.", "Export the roster again."),
    "not_a_csv_file": Explanation(
        "The bytes are those of another format, such as Excel.", "Save as CSV UTF-8."
    ),
    "utf_16": Explanation("The file is UTF-16 or UTF-32.", "Save it as “CSV UTF-8 (comma delimited)”."),
    "not_utf8": Explanation("A byte is not part of UTF-8 text.", "Save it as “CSV UTF-8 (comma delimited)”."),
    "nul_byte": Explanation("A NUL byte stands in the text.", "Export the roster again as CSV UTF-8."),
    "mac_line_ends": Explanation("Lines end with a bare carriage return.", "Save with CRLF or LF line ends."),
    "wrong_delimiter": Explanation("Cells are separated by something other than commas.", "Use commas."),
    "quote_not_closed": Explanation("A quoted cell is open at the end of the file.", "Close the quote."),
    "truncated": Explanation("The last record is cut off.", "Upload the whole file again."),
    "too_many_lines": Explanation("The file has over 250,000 lines.", "Split the file."),
    "too_many_columns": Explanation("The header has over 500 columns.", "Remove columns that are not used."),
    "broken_header": Explanation("The header row itself breaks the CSV rules.", "Correct the header row."),
    "no_rows": Explanation("There is a header row and no students.", "Add the students below the header."),
    "no_header": Explanation("The first row is a student, not column names.", "Add a header row."),
    "missing_header": Explanation(
        "A required column is missing or misspelt.", "Name it, or map it in the console."
    ),
    "duplicate_header": Explanation("A column that is read appears twice.", "Keep one of the two."),
}

ERROR_CODES: dict[str, Explanation] = {
    "bare_quote": Explanation(
        "A quote stands inside a cell that is not quoted.", "Quote the cell, double the quote."
    ),
    "text_after_quote": Explanation("Text follows a closing quote.", "Double each quote inside the cell."),
    "bare_cr": Explanation(
        "A carriage return stands alone in a cell that is not quoted.", "Remove it or quote."
    ),
    "short_row": Explanation(
        "The row has fewer cells than the header.", "Write a comma for each empty cell."
    ),
    "long_row": Explanation("The row has more cells than the header.", "Quote cells that contain commas."),
    "blank_row": Explanation("The row is empty.", "Remove the row."),
    "cell_too_long": Explanation(
        "A cell is longer than any roster cell may be.", "Shorten it; look for a lost quote."
    ),
    "past_limit": Explanation(
        "The row is past the 50,000 that one file may have.", "Put it in another file."
    ),
    "username_missing": Explanation("Username is empty.", "Fill it in."),
    "student_id_missing": Explanation("StudentId is empty and the institution requires it.", "Fill it in."),
    "too_long": Explanation("The text is longer than its field.", "Shorten it."),
    "control_character": Explanation("A control character stands in the cell.", "Remove it."),
    "date_format": Explanation("The date is not MM/DD/YYYY.", "Write month/day/year: 2, 2 and 4 digits."),
    "date_month": Explanation("The month does not exist.", "Write month/day/year, not day/month/year."),
    "date_day": Explanation("The month has no such day.", "Correct the day."),
    "date_in_future": Explanation("The date of birth is after today.", "Correct the year."),
    "date_too_early": Explanation("The date of birth is before 1900.", "Correct the year."),
    "on_campus_value": Explanation("OnCampus is neither 0, 1 nor empty.", "Write 1, 0 or nothing."),
    "unknown_group": Explanation("No requirement group has this name.", "Use one of the listed names."),
    "unknown_term": Explanation("No term has this name.", "Use one of the listed names."),
    "unknown_package": Explanation("No package has this code.", "Use one of the listed codes."),
    "no_package": Explanation(
        "The row names no package and there is no default.", "Name one, or set a default."
    ),
    "no_tracker_for_pair": Explanation(
        "Group and term exist; no tracker joins them.", "Use one of the listed pairs."
    ),
    "points_to_two_students": Explanation(
        "StudentId and Username are two students'.", "Correct one of the two."
    ),
    "superseded": Explanation("A later row is about the same student; it won.", "Remove one of the rows."),
    "username_conflict": Explanation(
        "Rows share a Username and differ in StudentId.", "Correct the rows named."
    ),
    "username_taken_over": Explanation(
        "The Username is that of a student whom another row names by StudentId.", "Import that change first."
    ),
}

WARNING_CODES: dict[str, Explanation] = {
    "unknown_columns": Explanation("Columns that no field is mapped to were ignored.", "Map or remove them."),
    "blank_lines_before_header": Explanation("Blank lines stand above the header.", "Remove them."),
    "group_without_term": Explanation("A group without a term was skipped.", "Give both or neither."),
    "term_without_group": Explanation("A term without a group was skipped.", "Give both or neither."),
    "invisible_characters": Explanation(
        "An identifier holds characters that cannot be seen.", "Type it again."
    ),
    "username_case_differs": Explanation(
        "The stored Username differs in case; it was kept.", "Nothing, or match it."
    ),
    "username_changed": Explanation(
        "The student found by StudentId gets another Username.", "Check that it is meant."
    ),
    "student_id_changed": Explanation(
        "The student found by Username gets another StudentId.", "Check it is meant."
    ),
    "membership_archived": Explanation(
        "The membership is archived and stays so.", "Reactivate it in the console."
    ),
}


def shown(text: str, limit: int = SHOWN_CHARS) -> str:
    """Quote a found value for a message: cut to `limit` characters, with anything invisible escaped."""
    return repr(text) if len(text) <= limit else repr(text[:limit]) + "…"


def listed(names: Sequence[str], limit: int = LISTED_NAMES) -> str:
    """Join names for a message: at most `limit` of them, then how many more there are."""
    if not names:
        return "none"
    more = len(names) - limit
    return ", ".join(shown(name) for name in names[:limit]) + (f" and {more:,} more" if more > 0 else "")
