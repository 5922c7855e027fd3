"""A process that puts and reads one owner's files while another rotates its keys.

Called with the names of the database, the folder of files, the master key, the school and the owner.
It remembers keys for a fifth of a second instead of five minutes. It says `ready`, goes on until its standard input
ends, and then says how many files it put, and every error.
"""

import json
import os
import sys
import threading

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django

django.setup()

from pathlib import Path  # noqa: E402
from uuid import UUID  # noqa: E402

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402

from pratique.foundation.storage import blob_store  # noqa: E402
from pratique.foundation.vault import keys  # noqa: E402

database, files, master_key, institution, owner = sys.argv[1:]
connections["default"].settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = database
settings.FILES, settings.VAULT_MASTER_KEY = Path(files), Path(master_key)
keys.REMEMBERED_SECONDS = 0.2
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()

store, school, put, errors = blob_store(), UUID(institution), 0, []
long = {"institution_id": school, "name": f"account-{owner}/long"}
reader = store.reader(**long)
whole = reader.read(0, reader.size)
print("ready", flush=True)
while not ended.is_set() or put < 10:
    try:
        known = {"institution_id": school, "name": f"account-{owner}/new-{os.getpid()}-{put}"}
        store.put(**known, content=b"new %d" % put)
        put += 1
        if store.get(**known) != b"new %d" % (put - 1):
            errors.append(f"{known['name']} is another")
        if reader.read(put * 1000 % reader.size, 100_000) != whole[put * 1000 % reader.size :][:100_000]:
            errors.append("the long file is another")
        if store.get(**long) != whole:
            errors.append("the long file is another when it is opened anew")
    except Exception as error:
        errors.append(repr(error))
print(json.dumps({"put": put, "errors": errors}), flush=True)
