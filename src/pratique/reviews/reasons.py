"""Why evidence is returned: the built-in library, and an institution's own on top of it.

The wording is what the student reads. It says what was wrong without blame and what fixes it. A row of
`ReturnReason` with the code of a built-in reason replaces it; a row with a code of its own adds one; a retired row
takes the reason out of the choice, while what was returned with it keeps its words.
"""

from collections.abc import Mapping
from uuid import UUID

from pratique.reviews.models import ReturnReason
from pratique.reviews.types import Reason

# What a reviewer adds stands by itself; this one has no words of its own to go before it.
OTHER = "other"
PLACES = range(1, 10)

REASONS: tuple[Reason, ...] = (
    Reason(
        "unreadable", "Cannot be read", 1,
        {
            "en": "We could not read this. Please take the photo again in good light, flat on a table, with all four "
            "corners in the picture, or send the file itself.",
            "es": "No pudimos leer este documento. Tome la foto otra vez con buena luz, sobre una mesa y con las "
            "cuatro esquinas visibles, o envíe el archivo original.",
        },
    ),
    Reason(
        "name_missing", "Wrong person or name missing", 2,
        {
            "en": "We could not see your name on this. Please send a record that shows your full name and date of "
            "birth. If you had another name then, write us a message.",
            "es": "No encontramos su nombre en este documento. Envíe un registro que muestre su nombre completo y su "
            "fecha de nacimiento. Si antes tenía otro nombre, escríbanos un mensaje.",
        },
    ),
    Reason(
        "page_missing", "A page is missing", 3,
        {
            "en": "Part of this is missing. Please send all pages, front and back.",
            "es": "Falta una parte del documento. Envíe todas las páginas, por delante y por detrás.",
        },
    ),
    Reason(
        "not_medical", "Not a medical record", 4,
        {
            "en": "This is not a medical record. Please send one from a clinic, doctor, pharmacy, school or state "
            "registry that shows who gave the vaccine or did the test.",
            "es": "Este no es un registro médico. Envíe uno de una clínica, médico, farmacia, escuela o registro "
            "estatal que muestre quién aplicó la vacuna o hizo la prueba.",
        },
    ),
    Reason(
        "date_missing", "Date missing", 5,
        {
            "en": "A date is missing or cut off. Please send a record that shows the day, month and year.",
            "es": "Falta una fecha o está cortada. Envíe un registro que muestre el día, el mes y el año.",
        },
    ),
    Reason(
        "wrong_vaccine", "Wrong vaccine", 6,
        {
            "en": "This shows another vaccine than the one that is asked for. Open the requirement to see which "
            "vaccines count, and send the record of one of those.",
            "es": "Este registro muestra una vacuna distinta de la que se pide. Abra el requisito para ver qué "
            "vacunas son válidas y envíe el registro de una de ellas.",
        },
    ),
    Reason(
        "too_early", "Dose too early", 7,
        {
            "en": "This dose was given too early to count. Open the requirement to see the first date on which "
            "another dose helps.",
            "es": "Esta dosis se aplicó demasiado pronto y no es válida. Abra el requisito para ver desde qué fecha "
            "sirve otra dosis.",
        },
    ),
    Reason(
        "value_missing", "Lab report lacks value or range", 8,
        {
            "en": "The lab report must show your result as a number with the laboratory’s reference range. Please ask "
            "the laboratory or your doctor for the full report.",
            "es": "El informe del laboratorio debe mostrar el resultado en número y el rango de referencia. Pida el "
            "informe completo al laboratorio o a su médico.",
        },
    ),
    Reason(
        "signature_missing", "Signature missing", 9,
        {
            "en": "A signature or stamp is missing. Please have the person named on it sign, and send it again.",
            "es": "Falta una firma o un sello. Pida a la persona indicada que lo firme y envíelo de nuevo.",
        },
    ),
    Reason(
        "expired", "Document out of date", None,
        {
            "en": "This is too old for what is asked. Open the requirement to see from when it must be, and send a "
            "newer one.",
            "es": "Este documento es demasiado antiguo. Abra el requisito para ver desde qué fecha debe ser y envíe "
            "uno más reciente.",
        },
    ),
    Reason(
        "translation_needed", "Translation needed", None,
        {
            "en": "We need this in English. Please send a translation together with the original. A doctor, a "
            "translator or your embassy can make one.",
            "es": "Necesitamos este documento en inglés. Envíe una traducción junto con el original. Puede hacerla un "
            "médico, un traductor o su embajada.",
        },
    ),
    Reason(
        "does_not_match", "What was typed differs from the page", None,
        {
            "en": "What you typed is not what the page shows. Please compare both and hand it in again.",
            "es": "Lo que escribió no coincide con la página. Compare los dos y entréguelo de nuevo.",
        },
    ),
    Reason(
        "exemption_not_accepted", "Exemption cannot be accepted", None,
        {
            "en": "We cannot accept this exemption as it is. Open the requirement to see which exemptions are accepted "
            "and what each needs, or write us a message.",
            "es": "No podemos aceptar esta exención tal como está. Abra el requisito para ver qué exenciones se "
            "aceptan y qué necesita cada una, o escríbanos un mensaje.",
        },
    ),
    Reason(
        OTHER, "Other (say what)", None,
        {
            "en": "We could not accept this yet. Please read the note below, or write us a message.",
            "es": "Todavía no podemos aceptar esto. Lea la nota de abajo o escríbanos un mensaje.",
        },
    ),
)  # fmt: skip
BUILT_IN: Mapping[str, Reason] = {reason.code: reason for reason in REASONS}


def overlay(rows: list[ReturnReason]) -> list[Reason]:
    """Return built-in reasons with an institution's own rows laid over them, ordered by place, then by name. PURE.

    A place that a row has taken is gone from the built-in reason that stood there.
    """
    by_code = dict(BUILT_IN)
    for row in rows:
        by_code[row.code] = Reason(
            row.code, row.name, row.place, row.wording, row.code in BUILT_IN, row.retired_at is not None
        )
    own = {row.code for row in rows}
    taken = {row.place for row in rows if row.place is not None and row.retired_at is None}
    placed = [
        Reason(one.code, one.name, None, one.wording, one.built_in, one.retired)
        if one.retired or (one.code not in own and one.place in taken)
        else one
        for one in by_code.values()
    ]
    return sorted(placed, key=lambda one: (one.place is None, one.place or 0, one.name.casefold()))


def library(institution_id: UUID, *, with_retired: bool = False) -> list[Reason]:
    """Return the reasons that an institution's reviewers choose from, in the order of their keys. One query."""
    rows = list(ReturnReason.objects.filter(institution_id=institution_id).order_by("code"))
    return [one for one in overlay(rows) if with_retired or not one.retired]


def wording(code: str, language: str, note: str = "", *, reasons: list[Reason] | None = None) -> str:
    """Return what the student reads: the reason's words in `language` (else English), then the reviewer's note.

    `reasons` is a library with the retired ones; without it the built-in words are used. A code that nobody knows
    gives the note alone, or the words of "other".
    """
    known = {one.code: one for one in reasons} if reasons is not None else BUILT_IN
    reason = known.get(code) or (None if note else BUILT_IN[OTHER])
    words = ""
    if reason is not None:
        words = (
            reason.wording.get(language) or reason.wording.get(language.split("-")[0]) or reason.wording["en"]
        )
    if code == OTHER and note:
        return note
    return f"{words} {note}".strip()
