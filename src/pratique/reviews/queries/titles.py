"""What a piece of evidence is called, in the active language. PURE."""

from collections.abc import Mapping

from django.utils.translation import gettext

from pratique.records import forms
from pratique.records.models import Document, Dose, Evidence, Exemption, FormAnswer, Titer
from pratique.records.products import plain_name
from pratique.rules import PROOF
from pratique.rules.explain import word


def title_of(
    kind: str,
    row: Evidence,
    requirement_names: Mapping[str, str],
    definitions: Mapping[tuple[str, int], forms.Form],
    language: str,
) -> str:
    """Return a short name: the product, the test, the paper, the form, the exemption."""
    match row:
        case Dose():
            return row.product or plain_name(row.cvx, language)
        case Titer():
            return gettext("Lab result: %(antibody)s") % {"antibody": word(row.antibody, gettext)}
        case Document() if row.kind.startswith(PROOF):
            key = row.kind.removeprefix(PROOF)
            name = requirement_names.get(key, key)
            return gettext("Pages for %(requirement)s") % {"requirement": name} if name else gettext("Pages")
        case Document():
            name = word(row.kind, gettext)
            return name[:1].upper() + name[1:]
        case FormAnswer():
            form = definitions.get((row.form, row.form_version))
            return form.title.in_language(language) if form else word(row.form, gettext)
        case Exemption():
            return gettext("Exemption: %(kind)s") % {"kind": row.get_kind_display()}
    return kind
