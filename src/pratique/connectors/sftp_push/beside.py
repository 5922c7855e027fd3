"""Running a coroutine beside a sync caller, with the caller doing its sync errands.

asyncssh wants an event loop; reading the file and noting progress want the caller's own thread, where its database
connection is (Django refuses the database in a thread that runs a loop).
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

import asyncssh

T = TypeVar("T")


class Call(Protocol):
    """Has the caller's thread call a function, and gives what it returns or raises."""

    def __call__(self, function: Callable[..., T], *arguments: Any) -> Awaitable[T]: ...


def run_beside(main: Callable[[Call], Coroutine[Any, Any, T]]) -> T:
    """Run `main(call)` in an event loop of its own; return or raise as it does."""
    errands: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None] = SimpleQueue()

    async def call(function: Callable[..., Any], *arguments: Any) -> Any:
        future: Future[Any] = Future()
        errands.put((future, function, arguments))
        return await asyncio.wrap_future(future)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="sftp-push") as pool:
        running = pool.submit(lambda: asyncio.run(_quietly(main(call))))
        running.add_done_callback(lambda _done: errands.put(None))
        while (errand := errands.get()) is not None:
            _do(*errand)
        return running.result()


async def _quietly(main: Coroutine[Any, Any, T]) -> T:
    asyncio.get_running_loop().set_exception_handler(_on_stray_error)
    return await main


def _on_stray_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # A write that we gave up leaves the library's requests behind; how they end is nobody's business any more.
    if not isinstance(context.get("exception"), asyncssh.Error | OSError):
        loop.default_exception_handler(context)


def _do(future: "Future[Any]", function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function(*arguments))
    except BaseException as error:
        future.set_exception(error)
