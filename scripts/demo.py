"""The demo: an assistant is led through a workflow whose gates do not take its word for it.

A real server process, a real MCP client over standard input and output, a real project in a temporary folder, real
test runs. Only the assistant is a script. Exit code 0 only when every step went as the story tells it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import anyio
from _demo import first_server, record, second_server
from _demo.bench import Bench
from _demo.stage import Stage, SurpriseError
from _demo.wire import Place, serving


def main() -> int:
    """Play the story; 0 when everything went as told."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Show in one minute what pos-workflow is for.")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder and say where it is")
    parser.add_argument("--transcript", type=Path, metavar="FILE", help="also write what was printed, normalised")
    parser.add_argument("--workflows-dir", type=Path, metavar="PATH", help="drive other copies of the definitions")
    given = parser.parse_args()
    stage = Stage()
    root = Path(tempfile.mkdtemp(prefix="pos-workflow-demo-")).resolve()
    place = Place(root, given.workflows_dir.resolve() if given.workflows_dir else None)
    code = 1
    try:
        began = time.monotonic()
        anyio.run(_story, stage, place)
        stage.plain("", f"Every step went as expected, in {time.monotonic() - began:.1f} s.")
        code = 0
    except* SurpriseError as group:
        _complain(place, [str(one) for one in _leaves(group)])
    except* Exception as group:  # noqa: BLE001 - whatever else goes wrong is a surprise as well, and is said as one
        _complain(place, [f"{type(one).__name__}: {one}" for one in _leaves(group)])
    finally:
        if given.keep:
            print(f"Kept: {place.project} (the server's user folder and log are beside it)")
        else:
            shutil.rmtree(root, ignore_errors=True)
    if code == 0 and given.transcript:
        given.transcript.write_text(stage.transcript)
    return code


async def _story(stage: Stage, place: Place) -> None:
    bench = Bench(place.project)
    bench.lay_out()
    stage.title("pos-workflow: an assistant writes tests, and a server does not take its word for it")
    stage.plain(
        "All of this happens now, in a temporary folder: a server process, an MCP client over stdio,",
        "test runs, measurements. Only the assistant is a script that stands in for the model.",
    )
    async with serving(place) as wire:
        first = await first_server.play(stage, wire, bench, place)
    stage.expect(first.wire.is_gone(), "the first server to be gone", first.wire.pid)
    async with serving(place) as wire:
        second = await second_server.play(stage, wire, bench, first.version)
        second.verified = first.verified | second.verified
        await record.play(second, first.titles | second.titles, place)


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for one in group.exceptions:
        found += _leaves(one) if isinstance(one, BaseExceptionGroup) else [one]
    return found


def _complain(place: Place, problems: list[str]) -> None:
    for problem in problems:
        print(f"\nThe demo stopped: {problem}", file=sys.stderr)
    if place.log.exists() and (lines := place.log.read_text().splitlines()[-5:]):
        print("The server's last log lines:", *lines, sep="\n  ", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
