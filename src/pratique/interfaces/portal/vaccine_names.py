"""Vaccines as people know them, for the fields in which they type one. The list itself is `records.products`."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.utils.translation import get_language

from pratique.records import products
from pratique.records.products import Product


class VaccineName(NamedTuple):
    """A product as it is offered: under the name that was typed or its own, and what else it goes by."""

    cvx: str
    mvx: str
    name: str
    hint: str


def find(text: str) -> Sequence[VaccineName]:
    """Return the products that a typed name, brand or disease may mean, the best match first."""
    if not text.strip():
        return ()
    return tuple(dict.fromkeys(_named(product) for product in products.search(text)))


def usual(name: str, cvx: Collection[str]) -> VaccineName | None:
    """Return the product to begin with for a vaccine that a rule names, or None where none is the usual one."""
    fitting = [product for product in products.search(name) if product.cvx in cvx]
    return _named(fitting[0]._replace(matched="")) if fitting else None


def _named(product: Product) -> VaccineName:
    own = product.in_language(get_language() or "en")
    if product.matched and product.matched.casefold() not in own.casefold():
        return VaccineName(product.cvx, product.mvx, product.matched, own)
    return VaccineName(product.cvx, product.mvx, own, ", ".join(product.brands[:3]))


def as_option(product: VaccineName) -> Mapping[str, str]:
    """Return a product for the list that opens under the field."""
    return {"code": f"{product.cvx}|{product.mvx}|{product.name}", "name": product.name, "hint": product.hint}
