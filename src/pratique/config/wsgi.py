"""The web application as Granian serves it."""

import multiprocessing
import os

from django.core.wsgi import get_wsgi_application

from pratique.foundation import processes
from pratique.foundation.supervisor import PARENT

if os.environ.get(PARENT) and (granian := multiprocessing.parent_process()) is not None and granian.pid:
    # This runs in the process that Granian forked: it must not keep the port when Granian is killed.
    processes.die_with_parent(granian.pid)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pratique.config.settings")
application = get_wsgi_application()
