"""Every word of a screen or mail is there in Spanish, with the same values in it."""

import gettext
import io
import runpy
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.formats import date_format, get_format, number_format, sanitize_separators

from pratique.rules import Reason, describe, explain, preset, requirement_from_data
from pratique.rules.evidence import PartialDate, Precision

ROOT = Path(__file__).resolve().parents[1]
TOOL = runpy.run_path(str(ROOT / "scripts" / "messages.py"))

# Nothing may be missing in these. A package that gets its first words is added here (a test below says so).
FINISHED = tuple(
    f"src/pratique/{package}/"
    for package in (
        "rules", "foundation", "connectors", "institutions", "accounts", "students", "requirements", "records",
        "compliance", "reviews", "rosters", "transfers", "reports", "reminders", "partners", "delivery", "screens",
        "interfaces/portal", "interfaces/console", "interfaces/partner",
    )
)  # fmt: skip


# Read by the tests that look at them, not by every worker that collects tests.
@cache
def sources():
    return TOOL["found"]()


@cache
def catalogue():
    return {TOOL["_key"](message): message for message in TOOL["catalogue"]("es") if message.id}


def translated():
    return [message for message in catalogue().values() if any(TOOL["strings"](message))]


def pairs(message):
    """Yield (English, Spanish) for each form of a message."""
    english = message.id if isinstance(message.id, tuple | list) else (message.id,)
    for place, spanish in enumerate(TOOL["strings"](message)):
        yield english[min(place, len(english) - 1)], spanish


@pytest.mark.parametrize("place", FINISHED)
def test_nothing_is_left_in_english(place):
    missing = [
        text.text
        for key, (text, places) in sources().items()
        if any(one.startswith(place) for one in places)
        and (key not in catalogue() or not TOOL["translated"](catalogue()[key]))
    ]
    assert not missing, f"{len(missing)} messages; run `make messages`, then fill these in:\n" + "\n".join(
        map(repr, missing)
    )


def test_every_place_that_has_words_is_among_the_finished():
    places = {place for _, places in sources().values() for place in places}
    assert not [place for place in places if not place.startswith(FINISHED)]


def test_every_translation_fills_in_the_same_values():
    """In a singular form a number may be said in words, so a placeholder may be missing there, never another."""
    wrong = []
    for message in translated():
        for place, (english, spanish) in enumerate(pairs(message)):
            expected, actual = TOOL["placeholders"](english), TOOL["placeholders"](spanish)
            singular = isinstance(message.id, tuple | list) and place == 0
            if actual != expected and not (singular and actual <= expected):
                wrong.append((english, spanish))
    assert not wrong


def test_every_translation_begins_and_ends_as_the_english_does():
    def edges(text):
        return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]

    assert not [
        pair for message in translated() for pair in pairs(message) if edges(pair[0]) != edges(pair[1])
    ]


def test_every_plural_form_is_translated():
    assert not [message.id for message in translated() if not all(TOOL["strings"](message))]


def test_nothing_is_marked_as_guessed():
    assert not [message.id for message in catalogue().values() if message.fuzzy]


@pytest.mark.parametrize("place", FINISHED)
def test_the_catalogue_has_what_the_sources_have(place):
    """The order of messages and their places are the tool's affair: a merge may leave them as they come."""
    found = {key for key, (_, places) in sources().items() if any(one.startswith(place) for one in places)}
    assert found <= set(catalogue()), "run `make messages`"


def test_extracting_again_keeps_every_translation_and_adds_no_dates():
    made = TOOL["extract"]("es")
    again = {
        TOOL["_key"](message): message
        for message in TOOL["read_po"](io.BytesIO(made), locale="es")
        if message.id
    }
    assert all(again[key].string == catalogue()[key].string for key in set(catalogue()) & set(sources()))
    assert b"POT-Creation-Date" not in made


# --- the tool -----------------------------------------------------------------------------------------------------


@pytest.fixture
def module(monkeypatch, tmp_path):
    """Return a function that writes a source file, and reads its messages."""
    monkeypatch.setitem(TOOL["texts_of_python"].__globals__, "ROOT", tmp_path)

    def read(name, content):
        path = tmp_path / name
        path.write_text(content)
        return list(TOOL["texts_of_python" if name.endswith(".py") else "texts_of_template"](path))

    return read


def test_python_messages_are_read_from_every_kind_of_call(module):
    read = module(
        "words.py",
        '_("one" " text")\nngettext("%(n)d dose", "%(n)d doses", n)\npgettext_lazy("form", "Date")\n'
        'x.gettext("by attribute")\ngettext(NAME)\ngettext(A if "b" in c else D)\n_("%(a)s") % {"a": 1}\n',
    )
    assert [tuple(text) for text in read] == [
        ("one text", "", ""),
        ("%(n)d dose", "%(n)d doses", ""),
        ("Date", "", "form"),
        ("by attribute", "", ""),
        ("%(a)s", "", ""),
    ]


@pytest.mark.parametrize("call", ['_(f"{name} is late")', '_("a" % b)', '_("{a}".format(a=1))'])
def test_words_put_together_before_translation_are_refused_with_their_place(module, call):
    with pytest.raises(TOOL["NotConstantError"], match=r"words.py:1"):
        module("words.py", call)


def test_templates_are_read_with_plurals_context_and_trimming(module):
    read = module(
        "page.html",
        '{% load i18n %}{% translate \'Save\' %}  {% translate "May" context "month" %}\n'
        "   {% blocktranslate trimmed with day=due|date:'c' %}\n      Due on\n      {{ day }}.\n"
        "{% endblocktranslate %}\n"
        "{% blocktranslate count n=doses|length %}{{ n }} dose{% plural %}{{ n }} doses{% endblocktranslate %}\n"
        "{{ on|yesno:_('Yes,No') }} Don't count (this",
    )
    assert {tuple(text) for text in read} == {
        ("Save", "", ""),
        ("May", "", "month"),
        ("Due on %(day)s.", "", ""),
        ("%(n)s dose", "%(n)s doses", ""),
        ("Yes,No", "", ""),
    }


# --- Spanish, read aloud ------------------------------------------------------------------------------------------

APRIL, MAY = date(2024, 4, 3), date(2024, 5, 1)
_TOO_SOON = (("vaccine", "MMR"), ("number", 2), ("given_on", APRIL))
SENTENCES = [
    pytest.param(
        Reason("dose_too_soon", (*_TOO_SOON, ("days", 3), ("needed_on", MAY))),
        "La dosis 2 de MMR se aplicó el 3 de abril de 2024, 3 días antes de lo permitido: "
        "se necesita otra dosis el 1 de mayo de 2024 o después.",
        id="too early, and what to do",
    ),
    pytest.param(
        Reason("dose_too_soon", (*_TOO_SOON, ("days", 1))),
        "La dosis 2 de MMR se aplicó el 3 de abril de 2024, un día antes de lo permitido.",
        id="one day",
    ),
    pytest.param(
        Reason("dose_before_age", (*_TOO_SOON, ("days", 10), ("age", "P12M"))),
        "La dosis 2 de MMR se aplicó el 3 de abril de 2024, 10 días antes de lo permitido para la edad de 12 meses.",
        id="age in words",
    ),
    pytest.param(
        Reason("doses_count", (("vaccine", "Varicella"), ("doses", 1))),
        "La dosis de Varicela es válida.",
        id="one dose, of a vaccine of the presets",
    ),
    pytest.param(
        Reason("doses_count", (("vaccine", "Hepatitis B"), ("doses", 3))),
        "Las 3 dosis de Hepatitis B son válidas.",
        id="three doses",
    ),
    pytest.param(
        Reason("doses_short", (("vaccine", "MMR"), ("counted", 1), ("doses", 2))),
        "MMR: dosis válidas hasta ahora: 1 de 2.",
        id="one of two",
    ),
    pytest.param(
        Reason(
            "dose_needs_day",
            (("vaccine", "MMR"), ("given_on", PartialDate(date(2006, 3, 1), Precision.MONTH))),
        ),
        "Falta el día exacto de la dosis de MMR de marzo de 2006.",
        id="a month",
    ),
    pytest.param(
        Reason("titer_not_positive", (("antibody", "mumps"), ("on", APRIL), ("result", "equivocal"))),
        "Su prueba de anticuerpos de paperas, del 3 de abril de 2024, dio un resultado indeterminado.",
        id="result agrees with its noun",
    ),
    pytest.param(
        Reason("exemption_until", (("exemption", "medical"), ("through", MAY))),
        "Exención médica hasta el 1 de mayo de 2024.",
        id="exemption",
    ),
    pytest.param(
        Reason("fact_unknown", (("fact", "on_campus"),)),
        "Su institución no tiene registrado este dato: vivienda (dentro o fuera del campus). "
        "Mientras falte, usted debe cumplir este requisito.",
        id="a fact that is missing",
    ),
    pytest.param(
        Reason("or_titer", (("antibody", "hepatitis_b"),)),
        "O bien: una prueba de anticuerpos positiva de hepatitis B.",
        id="another way",
    ),
    pytest.param(
        Reason("document_lapsed", (("document", "physical_exam"), ("on", APRIL), ("through", MAY))),
        "Su documento (examen físico) del 3 de abril de 2024 fue válido hasta el 1 de mayo de 2024; "
        "se necesita uno más reciente.",
        id="a document that lapsed",
    ),
]


@pytest.fixture
def spanish():
    """Return the gettext of the catalogue as it is in the sources, whatever has been compiled."""
    return gettext.GNUTranslations(io.BytesIO(TOOL["compiled"]("es"))).gettext


def long_date(day):
    with translation.override("es"):
        return date_format(day, "DATE_FORMAT")


@pytest.mark.parametrize(("reason", "sentence"), SENTENCES)
def test_a_reason_in_spanish(spanish, reason, sentence):
    assert explain(reason, spanish, long_date) == sentence


@pytest.mark.parametrize(
    ("name", "key", "sentence"),
    [
        pytest.param(
            "demo",
            "tdap",
            "Tdap: Una dosis de Tdap. Con 11 años de edad como mínimo y del producto Tdap. "
            "Se necesita otra dosis 10 años después de la última. "
            "Se aceptan dosis aplicadas hasta 4 días antes de cumplir la edad. "
            "Si no se conoce el día exacto, bastan el mes y el año. "
            "Se acepta por 12 meses: Exención médica con un documento. Se acepta: Exención religiosa con un documento.",
            id="a booster",
        ),
        pytest.param(
            "health-sciences",
            "influenza",
            "Influenza (gripe): Una dosis de Influenza (gripe) desde el último 1 de agosto antes de hoy. "
            "Si no se conoce el día exacto, bastan el mes y el año. "
            "Se acepta por 12 meses: Exención médica con un documento.",
            id="a season",
        ),
    ],
)
def test_a_rule_in_spanish(spanish, name, key, sentence):
    data = next(one for one in preset(name) if one["key"] == key)
    assert describe(requirement_from_data(data), spanish, long_date, {"115": "Tdap"}) == sentence


# --- Django's side ------------------------------------------------------------------------------------------------


def test_each_language_is_called_as_its_readers_call_it():
    assert settings.LANGUAGES == [("en", "English"), ("es", "Español")]


def test_dates_are_in_words_and_numbers_as_in_the_united_states():
    with translation.override("es"):
        assert date_format(date(2006, 4, 3), "DATE_FORMAT") == "3 de abril de 2006"
        assert number_format(1234.5, decimal_pos=1, use_l10n=True, force_grouping=True) == "1,234.5"
        assert sanitize_separators("37.5") == "37.5"


def test_a_typed_date_is_the_same_day_in_both_languages():
    with translation.override("es"):
        assert get_format("DATE_INPUT_FORMATS") == ["%Y-%m-%d", "%m/%d/%Y"]


def test_the_catalogues_of_django_and_allauth_are_used():
    with translation.override("es"):
        assert translation.gettext("This field is required.") == "Este campo es obligatorio."
        assert "contraseña" in translation.gettext(
            "The username and/or password you specified are not correct."
        )


@pytest.mark.django_db
def test_a_browser_that_asks_for_spanish_gets_a_page_in_spanish():
    page = Client().get("/no-such-page", headers={"accept-language": "es-MX,es;q=0.9"})
    assert '<html lang="es"' in page.content.decode()
