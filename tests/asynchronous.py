"""Running coroutines in a test: in a thread of their own, because Playwright leaves a loop running in the main one."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end and return its result, or raise what it raised."""
    ended: list[Any] = []
    raised: list[BaseException] = []

    def inside() -> None:
        try:
            ended.append(asyncio.run(coroutine))
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return ended[0]
