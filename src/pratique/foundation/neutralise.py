"""Cells that a spreadsheet would run as a formula (contracts/reports.md): the one rule, in Python and in SQL.

The contract names = + - @, tab and carriage return. Besides those the full-width forms count, which a spreadsheet
with a Japanese or Chinese keyboard takes for the same (OWASP, "CSV Injection"), and the line feed.

A text whose first character is one of `FIRST_CHARACTERS` gets an apostrophe before it. Numbers and dates are
typed values and never pass here. A property test proves that both forms agree.
"""

FIRST_CHARACTERS = "=+-@\t\r\n＝＋－＠"
_CODES = ", ".join(str(ord(character)) for character in FIRST_CHARACTERS)


def neutralise(text: str) -> str:
    """Return `text` such that no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] and text[0] in FIRST_CHARACTERS else text


def neutralise_sql(expression: str) -> str:
    """Return SQL that does the same to a text `expression`; null stays null."""
    # Comparing the code of the first character is the cheapest test there is: a regular expression costs ten
    # times it.
    # In brackets: an operator of the expression must not take hold of the apostrophe.
    return f"case when ascii({expression}) in ({_CODES}) then '''' || ({expression}) else {expression} end"
