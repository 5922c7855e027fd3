"""The integrators' manual: Markdown and what the code itself says, made into one page of HTML.

`documentation/*.md` in the order of their names. A word in braces stands for what must not be written twice: the fields
of a method, the table of errors, a value of the test vectors, a whole example. Nothing comes from a request, and HTML
in the Markdown is switched off.

    {methods}  {sentence M}  {fields M}  {answers M}     of `methods.METHODS`
    {errors}                                             of `partners.types.ERRORS`
    {vectors}  {vector a.b.0.c}                          of documentation/vectors.json
    {example NAME}                                       of documentation/examples/
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from pratique.interfaces.partner.methods import METHODS, Field
from pratique.partners.types import ERRORS

FOLDER = Path(__file__).parent / "documentation"
VECTORS = FOLDER / "vectors.json"
# What is served as a file, by its name: nothing else is looked for.
EXAMPLES = {path.name: path for path in sorted((FOLDER / "examples").iterdir()) if path.is_file()}
# Where the Markdown writes an address of this installation it writes this one.
ANYWHERE = "https://health.example.edu"

_STANDS_FOR = re.compile(r"\{(methods|sentence|fields|answers|errors|vectors|vector|example)(?: ([\w.]+))?\}")
# A line of this many characters fits a phone: code of shorter lines never scrolls, so nobody need tab to it.
_FITS_PHONE = 38
# Errors that come before there is a session.
_PLAIN = {"TOO_LARGE", "RATE_LIMITED", "METHOD_UNKNOWN", "INTERNAL", "UNAVAILABLE"}


@dataclass(frozen=True)
class Heading:
    """A heading as the contents list it: its text, its anchor, and the headings below it."""

    text: str
    anchor: str
    below: tuple["Heading", ...] = ()


@dataclass(frozen=True)
class Manual:
    """The page: its HTML, which may be put into a template as it is, and its contents."""

    html: str
    contents: tuple[Heading, ...]


@cache
def manual(base_url: str) -> Manual:
    """Return the manual of an installation that is reached at `base_url`."""
    tokens = _markdown().parse(markdown().replace(ANYWHERE, base_url))
    contents = _anchored(tokens)
    _labelled(tokens)
    # The manual is a part of the page, so its headings begin at h2, as the Markdown's do.
    return Manual(_markdown().renderer.render(tokens, _markdown().options, {}), contents)


def markdown() -> str:
    """Return the whole manual as Markdown, with everything in its place."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))]
    return _STANDS_FOR.sub(_meant, "\n".join(texts))


def _meant(found: re.Match[str]) -> str:
    kind, name = found[1], found[2] or ""
    match kind:
        case "methods":
            return "\n".join(f"- [`{method}`](#{anchor_of(method)})" for method in METHODS)
        case "sentence":
            return _prose(METHODS[name].sentence)
        case "fields":
            return _table(("field", "type", "required", "what it is"), map(_field, METHODS[name].fields))
        case "answers":
            return _table(("in the answer", "type", "what it is"), map(_answer, METHODS[name].answers))
        case "errors":
            return _table(("code", "HTTP", "sealed", "what it means", "what to do"), _errors())
        case "vectors":
            return _table(("what", "value"), _vectors())
        case "vector":
            return str(_vector(name))
        case _:
            content = EXAMPLES[name].read_text(encoding="utf-8").rstrip("\n")
            return f"````text file {name}\n{content}\n````"


def _field(field: Field) -> Sequence[str]:
    return f"`{field.name}`", field.kind, "yes" if field.required else "no", _prose(field.sentence)


def _answer(field: Field) -> Sequence[str]:
    return f"`{field.name}`", field.kind, _prose(field.sentence)


def _errors() -> Iterable[Sequence[str]]:
    for code, kind in ERRORS.items():
        sealed = "no" if code == "NOT_AUTHENTICATED" else "if there is a session" if code in _PLAIN else "yes"
        yield f"`{code}`", str(kind.status), sealed, _prose(kind.meaning), _prose(kind.remedy)


def _prose(sentence: str) -> str:
    """Return a sentence of the code's as Markdown that shows its backslashes."""
    return sentence.replace("\\", "\\\\")


def _vectors() -> Iterable[Sequence[str]]:
    """The values of one session and its first call; the file has more."""
    for what, path in (
        ("client id", "client_id"),
        ("encryption key, base64url", "encryption_key_base64url"),
        ("encryption key, hexadecimal", "encryption_key_hex"),
        ("client nonce, hexadecimal", "authenticate.client_nonce_hex"),
        ("client nonce as `jti`", "authenticate.client_nonce_base64url"),
        ("time of the assertion", "authenticate.now"),
        ("assertion key", "authenticate.assertion_key_hex"),
        ("assertion", "authenticate.assertion"),
        ("session id", "session.session_id"),
        ("server nonce, hexadecimal", "session.server_nonce_hex"),
        ("salt of both keys", "session.salt_hex"),
        ("`info` of the request key", "session.request_info"),
        ("request key", "session.request_key_hex"),
        ("`info` of the response key", "session.response_info"),
        ("response key", "session.response_key_hex"),
        ("`iat` of the first call", "calls.0.request.iat"),
        ("initialization vector", "calls.0.request.iv_hex"),
        ("protected header", "calls.0.request.header"),
        ("plaintext", "calls.0.request.plaintext"),
        ("request", "calls.0.request.jwe"),
        ("initialization vector of the answer", "calls.0.response.iv_hex"),
        ("answer", "calls.0.response.jwe"),
        ("plaintext of the answer", "calls.0.response.plaintext"),
    ):
        yield what, f"`{_vector(path)}`"


@cache
def vectors() -> dict[str, Any]:
    """Return the published test vectors."""
    found: dict[str, Any] = json.loads(VECTORS.read_bytes())
    return found


def _vector(path: str) -> Any:
    found: Any = vectors()
    for step in path.split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    return found


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# --- from Markdown to HTML --------------------------------------------------------------------------------------


def anchor_of(text: str) -> str:
    """Return the anchor of a heading: its words in small letters, joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


@cache
def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable("table")
    rules = {
        "fence": _code, "heading_close": _heading_close, "table_open": _table_open, "table_close": _table_close,
        "th_open": _header_cell, "td_open": _cell_open, "td_close": _cell_close,
    }  # fmt: skip
    for name, rule in rules.items():
        made.add_render_rule(name, rule)
    return made


def _anchored(tokens: Sequence[Token]) -> tuple[Heading, ...]:
    """Give each heading its anchor, and return the contents: h2 with their h3."""
    found: list[tuple[Heading, list[Heading]]] = []
    for token, inline in pairwise(tokens):
        if token.type != "heading_open":
            continue
        text = "".join(part.content for part in inline.children or ())
        anchor = anchor_of(text) if text != "C#" else "c-sharp"
        token.attrSet("id", anchor)
        inline.meta["anchor"] = anchor
        if token.tag == "h2":
            found.append((Heading(text, anchor), []))
        else:
            found[-1][1].append(Heading(text, anchor))
    return tuple(Heading(top.text, top.anchor, tuple(below)) for top, below in found)


def _labelled(tokens: Sequence[Token]) -> None:
    """Tell each table its columns, and each cell its column: on a phone, wide tables become cards."""
    heads: list[str] = []
    column = 0
    for token, inline in pairwise(tokens):
        if token.type == "table_open":
            heads = token.meta["heads"] = []
        elif token.type == "th_open":
            heads.append("".join(part.content for part in inline.children or ()))
        elif token.type == "tr_open":
            column = 0
        elif token.type == "td_open":
            token.attrSet("data-label", heads[column])
            if column == 0:
                token.attrSet("class", "whole")
            column += 1


Tokens = Sequence[Token]


def _heading_close(
    _: RendererHTML, tokens: Tokens, at: int, options: OptionsDict, env: dict[str, Any]
) -> str:
    anchor = tokens[at - 1].meta["anchor"]
    title = escape("".join(part.content for part in tokens[at - 1].children or ()))
    return (
        f' <a class="anchor" href="#{anchor}" aria-label="Link to: {title}">'
        f'<span aria-hidden="true">#</span></a></{tokens[at].tag}>\n'
    )


def _code(_: RendererHTML, tokens: Tokens, at: int, options: OptionsDict, env: dict[str, Any]) -> str:
    """Draw code that scrolls by itself, under its name; a whole file is folded, with a link that downloads it."""
    language, _space, name = tokens[at].info.strip().partition(" ")
    content = tokens[at].content
    scrolls = max(map(len, content.splitlines()), default=0) > _FITS_PHONE
    label = name.removeprefix("file ") or {"sh": "Commands"}.get(language, "Text")
    reached = f' tabindex="0" role="group" aria-label="{escape(label)}"' if scrolls else ""
    pre = f"<pre{reached}><code>{escape(content, quote=False)}</code></pre>"
    if name.startswith("file "):
        file = escape(label)
        return (
            f'<p><a href="examples/{file}" download>Download {file}</a></p>\n<details class="folding">'
            f'<summary>Show {file}</summary><div class="code" data-copyable>{pre}</div></details>\n'
        )
    return f'<figure class="code" data-copyable><figcaption>{escape(label)}</figcaption>{pre}</figure>\n'


def _table_open(_: RendererHTML, tokens: Tokens, at: int, options: OptionsDict, env: dict[str, Any]) -> str:
    heads = tokens[at].meta["heads"]
    label = escape("Table: " + ", ".join(heads))
    kind = "usa-table cards" if len(heads) > 2 else "usa-table"
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table class="{kind}">\n'


def _table_close(_: RendererHTML, tokens: Tokens, at: int, options: OptionsDict, env: dict[str, Any]) -> str:
    return "</table></div>\n"


def _header_cell(_: RendererHTML, tokens: Tokens, at: int, options: OptionsDict, env: dict[str, Any]) -> str:
    return '<th scope="col">'


def _cell_open(me: RendererHTML, tokens: Tokens, at: int, options: OptionsDict, env: dict[str, Any]) -> str:
    # As a card a cell is a grid of its name and one other thing: its pieces must hold together.
    return f"<td{me.renderAttrs(tokens[at])}><div>"


def _cell_close(_: RendererHTML, tokens: Tokens, at: int, options: OptionsDict, env: dict[str, Any]) -> str:
    return "</div></td>\n"
