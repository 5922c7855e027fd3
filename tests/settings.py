"""The application's settings over a data folder of the tests' own, and quick password hashes."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ["PRATIQUE_VAR"] = str(ROOT / "var" / "test")
os.environ["PRATIQUE_LOG_LEVEL"] = "WARNING"
for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "PRATIQUE_SMTP_HOST", "PRATIQUE_BASE_URL"):
    os.environ.pop(name, None)

from pratique.foundation.embedded_postgres import EmbeddedPostgres  # noqa: E402  (the environment comes first)

# Tests survive nothing: a crash of the machine costs a rerun, so nothing waits for the disk. And nobody counts rows
# while tests come and go: a planner that was told of an empty table plans for one.
CLUSTER = EmbeddedPostgres(
    ROOT / "var" / "test" / "postgres",
    settings=(
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("autovacuum", "off"),
    ),
)
CLUSTER.start()

from pratique.config.settings import *  # noqa: E402, F403  (the cluster's passwords exist only now)

# Tests that run side by side must not count each other's tries.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {  # type: ignore[misc]
    **STORAGES,  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Pages ask for their style sheets in journeys: straight from the sources, nothing is collected before.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
