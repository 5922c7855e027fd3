"""Vaccine products: from what a student types or reads on a card to a CVX code. Pure: reads its own data alone.

    search("gardasil")            # products, the likeliest first; `matched` is the brand or name that fitted
    product("165")                # by code; None where there is none
    plain_name("165", "es")       # for a sentence; the code itself where it is not known
    PLAIN_NAMES                   # code -> name in English, for `rules.explain(..., products=PLAIN_NAMES)`
    group_names("es")             # CDC vaccine groups in words

Codes, groups, makers and brands of the US: CDC's code sets (`scripts/vaccine_products.py`). Plain names and names
on cards from abroad: written by hand in `data/`. A product that no rule counts (BCG) is found like any other.
"""

from pratique.records.products.catalog import (
    PLAIN_NAMES,
    VERSION,
    Product,
    all_products,
    group_names,
    maker_name,
    plain_name,
    plain_names,
    product,
)
from pratique.records.products.finding import search

__all__ = [
    "PLAIN_NAMES",
    "VERSION",
    "Product",
    "all_products",
    "group_names",
    "maker_name",
    "plain_name",
    "plain_names",
    "product",
    "search",
]
