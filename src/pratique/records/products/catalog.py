"""The products themselves, put together from CDC's codes, our plain names and the names used abroad."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

_DATA = files("pratique.records.products").joinpath("data")


class Product(NamedTuple):
    """One CVX code with everything that it goes by.

    `name` is for people ("MMR (measles, mumps, rubella)"), `name_es` the same in Spanish. `mvx` is the maker
    where a search hit a brand, else "": a code alone tells no maker; `makers` has them by brand. `names_abroad`
    are (name, where). `groups` are CDC vaccine groups (`group_names` has words). `matched` is what a search hit,
    "" where that was a code or CDC's own description. `has_current_us_use`: given in the US today.
    """

    cvx: str
    mvx: str
    name: str
    name_es: str
    brands: tuple[str, ...]
    also_called: tuple[str, ...]
    names_abroad: tuple[tuple[str, str], ...]
    groups: tuple[str, ...]
    live: bool
    has_current_us_use: bool
    description: str
    rank: int
    makers: Mapping[str, str]
    matched: str = ""

    def in_language(self, language: str) -> str:
        """Return the name for people in a language such as "es"."""
        return self.name_es if language.lower().startswith("es") else self.name


_LIKE_NOTHING_ELSE = 50  # rank of what has no plain name of ours: found, but last


def product(cvx: str) -> Product | None:
    """Return the product of a CVX code ("3" and "03" are the same), None where there is none."""
    return _products().get(cvx.strip().rjust(2, "0"))


def all_products() -> tuple[Product, ...]:
    """Return every product by code."""
    return tuple(_products().values())


def plain_name(cvx: str, language: str = "en") -> str:
    """Return a product's name without explanations, for a sentence; the code where it is not known."""
    return plain_names(language).get(cvx.strip().rjust(2, "0"), cvx)


@cache
def plain_names(language: str = "en") -> Mapping[str, str]:
    """Return all names without explanations, by code."""
    return {
        cvx: one.in_language(language)
        if one.rank == _LIKE_NOTHING_ELSE
        else _without_explanation(one.in_language(language))
        for cvx, one in _products().items()
    }


def maker_name(mvx: str) -> str:
    """Return the maker of an MVX code; the code where it is not known."""
    makers: dict[str, str] = _cdc()["makers"]
    return makers.get(mvx, mvx)


def group_names(language: str = "en") -> dict[str, str]:
    """Return CDC's vaccine groups with their names for people, sorted by name."""
    place = language.lower().startswith("es")
    named = {
        group: _GROUPS.get(group, (group, group))[place] for one in all_products() for group in one.groups
    }
    return dict(sorted(named.items(), key=lambda item: item[1].casefold()))


@cache
def _cdc() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_DATA.joinpath("cdc.json").read_text(encoding="utf-8"))
    return data


@cache
def _products() -> dict[str, Product]:
    plain = {row[0]: row for row in _table("plain_names.tsv", 6)}
    abroad: dict[str, list[tuple[str, str]]] = {}
    for name, cvx, where in _table("names_abroad.tsv", 3):
        abroad.setdefault(cvx, []).append((name, where))
    return {
        entry[0]: _product(entry, plain.get(entry[0]), tuple(abroad.get(entry[0], ())))
        for entry in _cdc()["products"]
    }


def _product(entry: list[Any], plain: list[str] | None, abroad: tuple[tuple[str, str], ...]) -> Product:
    cvx, short, full, status, groups, brands = entry
    tidy = f"{short[:1].upper()}{short[1:]}".replace(" unspecified formulation", " kind not known")
    _, rank, live, english, spanish, also = plain or [cvx, "", "-", tidy, tidy, ""]
    makers = {name: mvx for name, mvx, _ in brands}
    return Product(
        cvx=cvx,
        mvx="",
        name=english,
        name_es=spanish,
        brands=tuple(makers),
        also_called=tuple(name for name in also.split(";") if name),
        names_abroad=abroad,
        groups=tuple(groups),
        live=live == "L",
        has_current_us_use=status == "Active",
        description=f"{short}; {full}",
        rank=int(rank) if rank else _LIKE_NOTHING_ELSE,
        makers=makers,
    )


def _table(name: str, width: int) -> Iterator[list[str]]:
    for line in _DATA.joinpath(name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            row = line.split("\t")
            assert len(row) == width, f"{name}: {line!r}"
            yield row


def _without_explanation(name: str) -> str:
    """Leave out what explains an abbreviation or repeats a name; a brand in parentheses stays."""
    return re.sub(r" \((?=[^)]*,|flu\)|gripe\))[^)]*\)", "", name)


_GROUPS: dict[str, tuple[str, str]] = {
    "ADENO": ("Adenovirus", "Adenovirus"),
    "ANTHRAX": ("Anthrax", "Ántrax (carbunco)"),
    "BCG": ("BCG (tuberculosis)", "BCG (tuberculosis)"),
    "COVID-19": ("COVID-19", "COVID-19"),
    "Chikungunya": ("Chikungunya", "Chikunguña"),
    "DENGUE": ("Dengue", "Dengue"),
    "DTAP": ("Diphtheria, tetanus, pertussis (children)", "Difteria, tétanos, tos ferina (niños)"),
    "Ebola": ("Ebola", "Ébola"),
    "FLU": ("Influenza (flu)", "Influenza (gripe)"),
    "FLU-Avian-H5": ("Bird flu H5", "Gripe aviar H5"),
    "H1N1 flu": ("Influenza A H1N1 of 2009", "Influenza A H1N1 de 2009"),
    "H5N1 flu": ("Bird flu H5N1", "Gripe aviar H5N1"),
    "HIB": ("Hib (Haemophilus influenzae b)", "Hib (Haemophilus influenzae b)"),
    "HPV": ("HPV (human papillomavirus)", "VPH (virus del papiloma humano)"),
    "HepA": ("Hepatitis A", "Hepatitis A"),
    "HepB": ("Hepatitis B", "Hepatitis B"),
    "Japanese encephalitis": ("Japanese encephalitis", "Encefalitis japonesa"),
    "Lyme disease": ("Lyme disease", "Enfermedad de Lyme"),
    "MENING": ("Meningococcal ACWY", "Meningococo ACWY"),
    "MMR": ("MMR (measles, mumps, rubella)", "MMR o SRP (sarampión, paperas, rubéola)"),
    "MeningB": ("Meningococcal B", "Meningococo B"),
    "Orthopoxvirus": ("Smallpox and mpox", "Viruela y mpox"),
    "POLIO": ("Polio", "Polio"),
    "Plague": ("Plague", "Peste"),
    "PneumoPCV": ("Pneumococcal conjugate", "Neumococo, conjugada"),
    "PneumoPPV": ("Pneumococcal polysaccharide", "Neumococo, polisacárido"),
    "RABIES": ("Rabies", "Rabia"),
    "ROTAVIRUS": ("Rotavirus", "Rotavirus"),
    "RSV": ("RSV (respiratory syncytial virus)", "VRS (virus respiratorio sincitial)"),
    "TDAP": ("Tdap (tetanus, diphtheria, pertussis)", "Tdap (tétanos, difteria, tos ferina)"),
    "TYPHOID": ("Typhoid", "Fiebre tifoidea"),
    "Td": ("Td (tetanus, diphtheria)", "Td (tétanos, difteria)"),
    "Tick-borne encephalitis": ("Tick-borne encephalitis", "Encefalitis por garrapatas"),
    "VARICELLA": ("Varicella (chickenpox)", "Varicela"),
    "VEE": ("Venezuelan equine encephalitis", "Encefalitis equina venezolana"),
    "YELLOWFEVER": ("Yellow fever", "Fiebre amarilla"),
    "ZOSTER": ("Shingles (zoster)", "Herpes zóster"),
    "cholera": ("Cholera", "Cólera"),
}

VERSION: str = _cdc()["version"]
PLAIN_NAMES: Mapping[str, str] = plain_names("en")
