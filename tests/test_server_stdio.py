"""Lines in and text out: whatever a pipe does to them."""

from __future__ import annotations

import os
import threading

import anyio
import pytest

from mcp_server.stdio import Lines, Output

pytestmark = pytest.mark.unit


async def read_all(*chunks: bytes) -> list[str]:
    """The lines of a pipe into which the chunks are written one after the other, each when the last was read."""
    reading, writing = os.pipe()
    found: list[str] = []
    try:
        async with anyio.create_task_group() as tasks:

            async def feed() -> None:
                for chunk in chunks:
                    await anyio.to_thread.run_sync(os.write, writing, chunk)
                    await anyio.lowlevel.checkpoint()
                os.close(writing)

            tasks.start_soon(feed)
            found += [line async for line in Lines(reading)]
    finally:
        os.close(reading)
    return found


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ((), []),
        ((b"one\ntwo\n",), ["one", "two"]),
        ((b"on", b"e\ntw", b"o\n"), ["one", "two"]),
        ((b"one\nlast",), ["one", "last"]),
        ((b"\n\n",), ["", ""]),
        (("é\n".encode()[:1], "é\n".encode()[1:]), ["é"]),
        (("\U0001f600".encode()[:3], "\U0001f600".encode()[3:] + b"\n"), ["\U0001f600"]),
        ((b"\xff\xfe\n",), ["\ufffd\ufffd"]),
        ((b"cut \xf0\x9f",), ["cut "]),
        ((b"a\x00b\rc\x0bd\xe2\x80\xa8e\n",), ["a\x00b\rc\x0bd\u2028e"]),
    ],
)
async def test_lines_are_what_was_sent_however_it_arrives(chunks: tuple[bytes, ...], lines: list[str]) -> None:
    assert [line.rstrip("\ufffd") if line.startswith("cut") else line for line in await read_all(*chunks)] == lines


async def test_a_line_of_megabytes_is_one_line() -> None:
    (line,) = await read_all(*[b"x" * 60_000] * 50, b"\n")
    assert len(line) == 3_000_000


async def test_closed_lines_end_though_nothing_arrives() -> None:
    reading, writing = os.pipe()
    lines = Lines(reading)
    found: list[str] = []
    arrived = anyio.Event()

    async def read() -> None:
        async for line in lines:
            found.append(line)
            arrived.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        os.write(writing, b"whole\nhalf")
        await arrived.wait()
        lines.close()
    os.close(reading)
    os.close(writing)
    assert found == ["whole"]


async def test_what_is_written_comes_out_whole_through_a_pipe_that_is_read_slowly() -> None:
    reading, writing = os.pipe()
    text = "line é\n" * 100_000
    found: list[bytes] = []

    def drain() -> None:
        while chunk := os.read(reading, 1000):
            found.append(chunk)

    reader = threading.Thread(target=drain)
    reader.start()
    output = Output(writing)
    await output.write(text)
    await output.flush()
    os.close(writing)
    reader.join(30)
    os.close(reading)
    assert b"".join(found).decode() == text


async def test_what_nobody_reads_any_more_is_dropped() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    await Output(writing).write("gone\n" * 100_000)
    os.close(writing)


async def test_half_a_character_does_not_break_the_wire() -> None:
    reading, writing = os.pipe()
    await Output(writing).write('"\ud800"\n')
    os.close(writing)
    assert os.read(reading, 100) == b'"?"\n'
    os.close(reading)


async def test_a_file_can_be_read_and_written(tmp_path: object) -> None:
    path = f"{tmp_path}/lines"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    await Output(fd).write("one\ntwo\n")
    os.lseek(fd, 0, os.SEEK_SET)
    assert [line async for line in Lines(fd)] == ["one", "two"]
    os.close(fd)


async def test_a_descriptor_that_is_closed_is_an_error_and_no_end_of_input() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    with pytest.raises(OSError, match="Bad file descriptor"):
        _ = [line async for line in Lines(reading)]
