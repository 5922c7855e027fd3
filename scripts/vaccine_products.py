"""Make the vaccine products that the package ships from CDC's code tables (public domain).

    python scripts/vaccine_products.py [FOLDER]

FOLDER holds cvx.csv, cvx_to_vaccine_group.csv, mvx.csv and tradename.csv (../shared/cdsi/codes unless said), as CDC's
"Code Sets" pages offer them. Writes src/pratique/records/products/data/cdc.json, which is committed; the product
never reads CDC's files. Names for people and names from abroad are written by hand, in the .tsv files beside it.
"""

import csv
import html
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src/pratique/records/products/data/cdc.json"
# Placeholders, an adjuvant by itself, and tests of the skin, which are not vaccines.
LEFT_OUT = {"95", "96", "97", "98", "99", "801", "998"}


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """Read one of CDC's tables."""
    with (folder / name).open(encoding="utf-8-sig", newline="") as file:
        return [
            {
                key: re.sub(r"\s+", " ", html.unescape(value or "")).strip()
                for key, value in row.items()
                if key
            }
            for row in csv.DictReader(file)
        ]


def brand_name(text: str) -> str:
    """Write a brand as people do: "BOOSTRIX" as "Boostrix"; "M-M-R II" and "YF-VAX" stay as they are."""
    return re.sub(r"\b(?!COVID)[A-Z]{4,}\b", lambda word: word.group().capitalize(), text)


def products(folder: Path) -> dict[str, object]:
    """Put the tables together: one entry for each code that can stand on a record."""
    groups: dict[str, list[str]] = {}
    for row in rows(folder, "cvx_to_vaccine_group.csv"):
        groups.setdefault(row["CVXCode"], []).append(row["Vaccine Group Name"])
    brands: dict[str, dict[str, list[object]]] = {}
    for row in rows(folder, "tradename.csv"):
        name = brand_name(row["CDC Product Name"])
        known = brands.setdefault(row["CVXCode"], {}).setdefault(name.casefold(), [name, "", False])
        active = row["Product name Status"] == "Active"
        if not known[1] or (active and not known[2]):  # the maker of today, else the last known
            known[1:] = [row["MVX Code"], active]
    entries, newest = [], ""
    for row in rows(folder, "cvx.csv"):
        if row["LastUpdated"]:
            month, day, year = row["LastUpdated"].split("/")
            newest = max(newest, f"{year}-{month:0>2}-{day:0>2}")
        code = row["CVXCode"]
        if code in LEFT_OUT or row["Status"] == "Never Active":
            continue
        own = sorted(brands.get(code, {}).values(), key=lambda brand: (not brand[2], str(brand[0])))
        entries.append(
            [code, row["ShortDescription"], row["FullVaccinename"], row["Status"], groups.get(code, []), own]
        )
    entries.sort(key=lambda entry: int(entry[0]))
    makers = {row["MVX_CODE"]: row["Manufacturer Name"] for row in rows(folder, "mvx.csv")}
    return {
        "source": "CDC code sets: CVX, MVX, CVX to vaccine group, product names (public domain)",
        "version": newest,
        "columns": ["cvx", "short", "full", "status", "groups", "brands: name, mvx, is sold today"],
        "makers": makers,
        "products": entries,
    }


def main() -> None:
    """Write the file, a line for each product, so that a change of CDC's shows as a small difference."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared/cdsi/codes"
    data = products(folder)
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in data.pop("products"))  # type: ignore[union-attr]
    head = json.dumps(data, ensure_ascii=False)[:-1]
    TARGET.write_text(f'{head},\n"products": [\n{lines}\n]}}\n', encoding="utf-8")
    sys.stdout.write(f"{TARGET.relative_to(ROOT)}: {lines.count(chr(10)) + 1} products\n")


if __name__ == "__main__":
    main()
