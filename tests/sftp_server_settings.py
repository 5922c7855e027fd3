"""The settings of an SFTP server that tests start as a process of its own.

Spool, host keys and everything else that a machine has is the server's own (PRATIQUE_VAR); the vault's key and the
stored files are those of the tests, which make accounts and look at what became of files.
"""

import os
from pathlib import Path

from pratique.config.settings import *  # noqa: F403

_TESTS = Path(os.environ["PRATIQUE_TESTS_VAR"])
VAULT_MASTER_KEY = _TESTS / "secrets" / "vault"
FILES = _TESTS / "files"
STORAGES = {
    **STORAGES,  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
