"""The wheel and the source distribution hold what they need and nothing else."""

from __future__ import annotations

import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import mcp_server
from tests.packaging.support import ROOT, Distributions, build, copy_of_the_checkout, tracked

pytestmark = pytest.mark.integration

LEFT_LYING_AROUND = (
    ".DS_Store",
    ".praxis-os/state/workflows/a_session.json",
    ".venv/bin/python",
    "dist/pos_workflow-0.0.1.tar.gz",
    "mcp_server/__pycache__/settings.cpython-311.pyc",
    "node_modules/mermaid/package.json",
    "state/workflows/a_session.json",
    "workflows/bug_fix_v1/.DS_Store",
    "workflows/bug_fix_v1/core/__pycache__/run_tests.cpython-311.pyc",
)
"""What work leaves behind in a checkout."""


def metadata_of(name: str) -> str:
    return f"pos_workflow-{mcp_server.__version__}.dist-info/{name}"


def test_the_wheel_holds_the_package_the_workflows_and_nothing_else(distributions: Distributions) -> None:
    package = [name for name in tracked() if name.startswith("mcp_server/")]
    workflows = [f"mcp_server/_{name}" for name in tracked() if name.startswith("workflows/")]
    about = map(metadata_of, ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"))
    assert "mcp_server/py.typed" in package
    _, wheel = distributions.files()
    assert wheel == sorted([*package, *workflows, *about])


def test_the_source_distribution_holds_what_git_tracks(distributions: Distributions) -> None:
    source, _ = distributions.files()
    assert source == sorted([*tracked(), "PKG-INFO"])


def test_the_wheel_of_the_source_distribution_is_that_of_the_checkout(
    distributions: Distributions, tmp_path: Path
) -> None:
    build(ROOT, tmp_path, "--wheel")
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == distributions.wheel.name
    assert wheel.read_bytes() == distributions.wheel.read_bytes()


def test_what_work_leaves_behind_in_a_checkout_is_not_distributed(distributions: Distributions, tmp_path: Path) -> None:
    checkout = copy_of_the_checkout(tmp_path / "checkout")
    for name in LEFT_LYING_AROUND:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("{}")
    (tmp_path / "dist").mkdir()
    assert Distributions.built_from(checkout, tmp_path / "dist").files() == distributions.files()


def test_the_metadata_say_what_an_index_shows(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as wheel:
        metadata = message_from_bytes(wheel.read(metadata_of("METADATA")))
    assert metadata["Name"] == "pos-workflow"
    assert metadata["Version"] == mcp_server.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
