"""Keeps the catalogues of translations with Python alone: `messages.py extract`, `compile`, `missing`.

    sources --extract--> locale/es/LC_MESSAGES/django.po --a person translates--> django.po --compile--> django.mo

The English text in the source is the msgid. Messages stand in the order of their source files, with no line
numbers and no dates, so that a diff shows only words. A changed text is another message: nothing is guessed and
marked fuzzy. A translation that nothing asks for any more stays at the end ("#~") until `extract --forget`.
"""
# ruff: noqa: T201  (a command speaks)

import argparse
import ast
import io
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "pratique"
LOCALE = SOURCE / "locale"

# Which argument of a call is what, counted from 0.
FORMS = {
    "_": {"text": 0},
    "N_": {"text": 0},
    "gettext": {"text": 0},
    "gettext_lazy": {"text": 0},
    "gettext_noop": {"text": 0},
    "ngettext": {"text": 0, "plural": 1},
    "ngettext_lazy": {"text": 0, "plural": 1},
    "pgettext": {"context": 0, "text": 1},
    "pgettext_lazy": {"context": 0, "text": 1},
    "npgettext": {"context": 0, "text": 1, "plural": 2},
    "npgettext_lazy": {"context": 0, "text": 1, "plural": 2},
}
# The same for Babel, which reads what Django's `templatize` makes of a template.
_KEYWORDS = {
    "_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
_PLURALS = {"es": "nplurals=2; plural=(n != 1);"}
_HEADER = """\
# Translations of Pratique. How to work on them: docs/guides/translate.md
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""
_NAMES = re.compile(r"%\((\w+)\)|(?<!{){(\w*)}")


class Text(NamedTuple):
    """One message of the sources: the English words, its plural ("" if it has none), its context."""

    text: str
    plural: str = ""
    context: str = ""


class NotConstantError(ValueError):
    """A call of gettext holds words that are put together at run time, so that no catalogue can have them."""


def texts_of_python(path: Path) -> Iterator[Text]:
    """Yield the messages of a module, in order. Raises NotConstantError for `_(f"...")` and the like."""
    calls = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
    ]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        places = FORMS.get(name)
        if places is None or not call.args:
            continue
        arguments = {role: call.args[at] for role, at in places.items() if at < len(call.args)}
        parts = {role: arg.value for role, arg in arguments.items() if isinstance(arg, ast.Constant)}
        if any(isinstance(arg, ast.JoinedStr | ast.BinOp) or _formats(arg) for arg in arguments.values()):
            where = f"{path.relative_to(ROOT)}:{call.lineno}"
            raise NotConstantError(f"{where}: translate the constant text, then put the values in.")
        # A name ("gettext(PROBLEM)") is translated where it is marked with N_.
        if set(parts) == set(places) and all(isinstance(part, str) and part for part in parts.values()):
            yield Text(**parts)


def _formats(argument: ast.expr) -> bool:
    """Say whether an argument is "...".format(...)."""
    return (
        isinstance(argument, ast.Call)
        and isinstance(argument.func, ast.Attribute)
        and isinstance(argument.func.value, ast.Constant)
    )


def texts_of_template(path: Path) -> Iterator[Text]:
    """Yield the messages of a template, in order."""
    # Calls stand one beside the other in what is made; its indentation is the template's and means nothing.
    made = re.sub(r"(?m)^[ \t]+", "", templatize(path.read_text(encoding="utf-8"), origin=str(path))).encode()
    for _line, name, words, _comments in extract_python(
        io.BytesIO(made), list(_KEYWORDS), [], {"encoding": "utf-8"}
    ):
        given = words if isinstance(words, tuple) else (words,)
        parts = {role: given[at] for role, at in FORMS[name].items()}
        if all(parts.values()):
            yield Text(**parts)


def sources() -> list[Path]:
    """Return the files that may hold messages, in the order in which catalogues list them."""
    modules = (path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)
    templates = (
        path for kind in ("*.html", "*.txt") for path in SOURCE.rglob(kind) if "templates" in path.parts
    )
    return sorted((*modules, *templates))


def found() -> dict[tuple[str, str], tuple[Text, list[str]]]:
    """Return every message of the sources by (text, context), with the files that it stands in."""
    messages: dict[tuple[str, str], tuple[Text, list[str]]] = {}
    for path in sources():
        read = texts_of_python if path.suffix == ".py" else texts_of_template
        place = path.relative_to(ROOT).as_posix()
        for text in read(path):
            known, places = messages.setdefault((text.text, text.context), (text, []))
            if text.plural and not known.plural:
                messages[text.text, text.context] = (text, places)
            if place not in places:
                places.append(place)
    return messages


def catalogue_path(language: str) -> Path:
    """Return where the catalogue of a language is kept."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def catalogue(language: str) -> Catalog:
    """Read the catalogue of a language; an empty one if there is none yet."""
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def extract(language: str, *, forget: bool = False) -> bytes:
    """Return the catalogue as it should be for the sources of now; all translations are kept."""
    old, new = catalogue(language), Catalog(locale=language)
    known = {
        **{_key(message): message for message in old.obsolete.values()},
        **{_key(m): m for m in old if m.id},
    }
    for key, (text, places) in found().items():
        before = known.pop(key, None)
        message_id = (text.text, text.plural) if text.plural else text.text
        same = before is not None and bool(text.plural) == isinstance(before.string, tuple)
        message = new.add(
            message_id,
            before.string if before is not None and same else "",
            locations=[(place, 0) for place in places],
            context=text.context or None,
            user_comments=before.user_comments if before is not None else (),
        )
        if text.plural and not (before is not None and same):
            message.string = ("",) * new.num_plurals
    if not forget:
        for key, message in sorted(known.items()):
            if translated(message):
                new.obsolete[key] = message
    out = io.BytesIO(_HEADER.format(language=language, plurals=_PLURALS[language]).encode())
    out.seek(0, io.SEEK_END)
    write_po(out, new, width=0, omit_header=True, include_lineno=False)
    return out.getvalue().rstrip(b"\n") + b"\n"


def _key(message: Message) -> tuple[str, str]:
    text = message.id[0] if isinstance(message.id, tuple | list) else message.id
    return (text, message.context or "")


def strings(message: Message) -> tuple[str, ...]:
    """Return the translation of a message: one string, or one for each plural form."""
    return tuple(message.string) if isinstance(message.string, tuple | list) else (message.string or "",)


def translated(message: Message) -> bool:
    """Say whether every form of a message is translated."""
    return all(strings(message)) and not message.fuzzy


def placeholders(text: str) -> Counter[str]:
    """Return the names that are filled in, in "{name}" and in "%(name)s", and how often each stands there."""
    return Counter(match[1] or match[2] for match in _NAMES.finditer(text))


def compiled(language: str) -> bytes:
    """Return the catalogue in the form that programs read (.mo)."""
    out = io.BytesIO()
    write_mo(out, catalogue(language))
    return out.getvalue()


def package_of(place: str) -> str:
    """Return the package of a source file: "students", "interfaces/portal"."""
    parts = place.removeprefix("src/pratique/").split("/")
    return "/".join(parts[:2]) if parts[0] == "interfaces" else parts[0]


def main() -> int:
    """Do what the command line says, for every language."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("extract", "compile", "missing"))
    parser.add_argument(
        "--forget", action="store_true", help="extract: drop translations that nothing asks for"
    )
    parser.add_argument(
        "packages", nargs="*", help="missing: only of these packages (rules, interfaces/portal)"
    )
    given = parser.parse_intermixed_args()
    for language in _PLURALS:
        path = catalogue_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        if given.command == "extract":
            _replace(path, extract(language, forget=given.forget))
        elif given.command == "compile":
            _replace(path.with_suffix(".mo"), compiled(language))
        else:
            _report(language, given.packages)
    return 0


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: another process may be reading it."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)


def _report(language: str, packages: list[str]) -> None:
    """Print what is not translated, by file, and the counts by package."""
    known = {_key(message): message for message in catalogue(language) if message.id}
    total, missing, everywhere = Counter[str](), Counter[str](), 0
    messages = found()
    for key, (text, places) in messages.items():
        message, inside = known.get(key), {package_of(place) for place in places}
        total.update(inside)
        if message is None or not translated(message):
            missing.update(inside)
            everywhere += 1
            if not packages or inside & set(packages):
                print(f"{places[0]}: {text.text!r}")
    for package, count in sorted(total.items()):
        print(f"{language} {package}: {count} messages, {missing[package]} not translated")
    print(f"{language}: {len(messages)} messages, {everywhere} not translated")


if __name__ == "__main__":
    sys.exit(main())
