"""What every console page knows."""

from typing import Any

from django.http import HttpRequest


def console(request: HttpRequest) -> dict[str, Any]:
    """Return the values that the page frame shows."""
    return {}
