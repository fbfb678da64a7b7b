"""An event loop on a thread of its own, for the broker's sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs an asyncio loop until it is closed. It must never wait for a lock of those who call it."""

    def __init__(self, name: str) -> None:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        # The client library asks for the thread's loop outside of coroutines too.
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._finish())
            asyncio.set_event_loop(None)
            self._loop.close()

    @staticmethod
    async def _finish() -> None:
        """Cancel what still runs, and let sockets close."""
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)

    def post(self, call: Callable[..., object], *arguments: object) -> None:
        """Make a call on the loop, later; calls are made in the order of posting."""
        self._loop.call_soon_threadsafe(call, *arguments)

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """Run a coroutine on the loop and return what it returns.

        Raises:
            ConnectionError: it has not ended within `timeout_s`.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except FutureTimeout:
            future.cancel()
            raise ConnectionError(f"the broker has not answered within {timeout_s:g} s") from None

    def close(self) -> None:
        """End the loop and wait for its thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
