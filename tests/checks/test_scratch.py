"""What a check is given beside the project does not stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mcp_server.checks.scratch import scratch

pytestmark = pytest.mark.integration

ENDS = """
import sys, threading
from mcp_server.checks.scratch import scratch

made = threading.Event()

def check():
    with scratch() as room:
        print(room.copy({"a/b.md": b"pinned"}), flush=True)
        made.set()
        threading.Event().wait()

threading.Thread(target=check, daemon=True).start()
made.wait()
"""


def test_it_is_gone_after_the_check() -> None:
    with scratch() as room:
        places = [room.empty(), room.empty(), room.copy({"a/b.md": b"pinned"})]
        assert (places[2] / "a/b.md").read_bytes() == b"pinned"
        assert len(set(places)) == 3
        assert list(places[0].iterdir()) == []
    assert not any(place.parent.exists() for place in places)


def test_it_is_gone_when_the_process_ends_meanwhile() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, check=True, timeout=60)
    place = Path(ended.stdout.strip())
    assert place.is_absolute()
    assert not place.parent.exists()


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x"])
def test_a_copy_stays_where_it_belongs(path: str) -> None:
    with scratch() as room, pytest.raises(ValueError, match="is no path of a pinned file"):
        room.copy({path: b""})
