"""Why a file is not taken: one code, one sentence that says what is wrong and what to do."""


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for translation. Django's own asks for the settings, which the confined process has not."""
    return sentence


REFUSALS = {
    "empty": gettext_noop("This file is empty. Please choose it again, or take a new photo."),
    "too_large": gettext_noop(
        "This file is larger than 25 MB. Please hand in a smaller one; a photo is enough."
    ),
    "too_many_pages": gettext_noop(
        "This file has more than 20 pages. Please hand in only the pages that are asked for."
    ),
    "type_not_accepted": gettext_noop(
        "This is %(found)s, and we cannot take that. Please hand in a photo or a PDF."
    ),
    "polyglot": gettext_noop(
        "This file has a second file hidden in it, and that is not safe. Please take a new photo or save a new PDF."
    ),
    "pdf_locked": gettext_noop(
        "This PDF is locked with a password. Please save it without the password, or take a photo of each page."
    ),
    "pdf_broken": gettext_noop(
        "We cannot open this PDF; it may be damaged. Please save it again, or take a photo of each page."
    ),
    "image_broken": gettext_noop(
        "We cannot open this picture; part of it may be missing. Please choose it again, or take a new photo."
    ),
    "image_too_big": gettext_noop(
        "This picture has too many pixels for us to open. Please hand in a smaller one, or take a new photo."
    ),
    "took_too_long": gettext_noop(
        "This file takes too long to open. Please take a photo of each page, or save a simpler PDF."
    ),
    "infected": gettext_noop(
        "A virus was found in this file, so we did not keep it. Please take a new photo of the page."
    ),
}

# What a file that is not accepted is, as part of the sentence above.
FOUND = {
    "archive": gettext_noop("a packed archive (such as ZIP)"),
    "office": gettext_noop("an Office document (such as Word)"),
    "web_page": gettext_noop("a web page or a drawing (HTML or SVG)"),
    "program": gettext_noop("a program"),
    "video": gettext_noop("a video"),
    "sound": gettext_noop("a sound recording"),
    "other_picture": gettext_noop("a kind of picture that we cannot open (such as GIF or AVIF)"),
    "text": gettext_noop("a text file"),
    "unknown": gettext_noop("a kind of file that we do not know"),
}


class FileRefused(Exception):
    """A file is not taken. `code` is a key of REFUSALS; `found` is a key of FOUND for `type_not_accepted`."""

    def __init__(self, code: str, found: str = "") -> None:
        super().__init__(f"{code} {found}".strip())
        self.code = code
        self.found = found

    def sentence(self) -> str:
        """Return what is wrong and what to do, in the language of whoever asks."""
        from django.utils.translation import gettext

        sentence = gettext(REFUSALS[self.code])
        return sentence % {"found": gettext(FOUND[self.found])} if self.found else sentence
