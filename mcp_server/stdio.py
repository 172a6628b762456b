"""Standard input and output as the protocol's own, and a way to leave them at any moment.

Reading a pipe in a thread cannot be interrupted: a server that is asked to stop would hang until the next line. Here
the event loop waits for input, so that a stop takes effect at once.
"""

from __future__ import annotations

import codecs
import errno
import os
import select
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

import anyio
import anyio.lowlevel

_CHUNK: Final = 1 << 16


class Lines:
    """The lines of a descriptor; bytes that are not UTF-8 become replacement characters, as the SDK has it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._closed = False
        self._waiting = anyio.CancelScope()

    def close(self) -> None:
        """End the lines here, whether the input has ended or not."""
        self._closed = True
        self._waiting.cancel()

    async def __aiter__(self) -> AsyncIterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        pending: list[str] = []
        while chunk := await self._read():
            *complete, rest = decoder.decode(chunk).split("\n")
            for line in complete:
                yield "".join([*pending, line])
                pending.clear()
            pending.append(rest)
        if (last := "".join(pending)) and not self._closed:
            yield last

    async def _read(self) -> bytes:
        with anyio.CancelScope() as self._waiting:
            await _ready(anyio.wait_readable, self._descriptor)
        return b"" if self._closed else os.read(self._descriptor, _CHUNK)


class Output:
    """Text to a descriptor. When nobody reads any more it is dropped: a client that is gone costs nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def write(self, text: str) -> None:
        """Write the text whole."""
        view = memoryview(text.encode(errors="replace"))
        with suppress(BrokenPipeError):
            while view:
                await _ready(anyio.wait_writable, self._descriptor)
                # A pipe that is ready takes this much without blocking, and blocking would hold up every call.
                view = view[os.write(self._descriptor, view[: select.PIPE_BUF]) :]

    async def flush(self) -> None:
        """Nothing is held back."""


async def _ready(wait: Callable[[int], Awaitable[None]], descriptor: int) -> None:
    try:
        await wait(descriptor)
    except OSError as error:
        # A regular file is always ready, and epoll says so by refusing to watch it.
        if error.errno != errno.EPERM:
            raise
        await anyio.lowlevel.checkpoint()


def claim() -> tuple[Lines, Output]:
    """Take the process's standard input and output for the protocol.

    From now on descriptor 0 is empty and descriptor 1 is standard error, so that whatever else reads or prints, a
    child process included, cannot touch the wire.
    """
    wire_in, wire_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    return Lines(wire_in), Output(wire_out)
