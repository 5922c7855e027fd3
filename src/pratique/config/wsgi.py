"""The web application as Granian serves it."""

import ctypes
import multiprocessing
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from pratique.config.body_first import BodyFirst, at_once
from pratique.foundation import processes
from pratique.foundation.demo_credentials import SCHOOL_PORTAL, school_portal_address
from pratique.foundation.supervisor import PARENT

if os.environ.get(PARENT) and (granian := multiprocessing.parent_process()) is not None and granian.pid:
    # This runs in the process that Granian forked: it must not keep the port when Granian is killed.
    processes.die_with_parent(granian.pid)


def _give_memory_back() -> None:
    """Have large blocks (a password's check takes 16 MB) returned when they are freed, not kept once a thread.

    Says M_MMAP_THRESHOLD (-3) and M_ARENA_MAX (-8) of mallopt(3); where the C library has none there is nothing to do.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-3, 1024 * 1024)
        mallopt(-8, 4)


def _without_turn() -> tuple[str, ...]:
    """Return what needs no turn: files, and the demo's page that plays a school and calls this very server.

    That page asks no database itself. Were its clicks to hold all turns, their calls would wait for one in vain.
    """
    portal = school_portal_address(settings.VAR, base_url=settings.BASE_URL)
    return (f"/{settings.STATIC_URL.lstrip('/')}", *([SCHOOL_PORTAL] if portal else []))


_give_memory_back()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pratique.config.settings")
application = BodyFirst(
    get_wsgi_application(), turns=at_once(os.cpu_count() or 1), without_turn=_without_turn()
)
