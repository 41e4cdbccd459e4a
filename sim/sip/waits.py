"""Waits with a deadline that say, when it passes, what was awaited and what is known."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable


@contextlib.asynccontextmanager
async def within(timeout_s: float, missing: Callable[[], str]) -> AsyncIterator[None]:
    """Do what is inside in this time, or raise ``TimeoutError`` with what ``missing`` says then."""
    deadline = asyncio.timeout(timeout_s)
    try:
        async with deadline:
            yield
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise TimeoutError(f"{missing()} (waited {timeout_s:g} s)") from error
