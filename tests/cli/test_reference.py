"""The reference pages say what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_server.cli import reference
from mcp_server.settings import Settings

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", reference.pages(ROOT), ids=lambda path: path.name)
def test_the_pages_are_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == reference.pages(ROOT)[path], "run python -m mcp_server.cli.reference"


def test_the_pages_are_written_where_they_belong(tmp_path: Path) -> None:
    reference.main(tmp_path)
    for path, page in reference.pages(tmp_path).items():
        assert path.read_text(encoding="utf-8") == page


def test_every_setting_is_on_its_page() -> None:
    page = reference.settings_page()
    for name in Settings.model_fields:
        assert f"| `{name}` |" in page


def test_the_settings_stand_once_on_the_page_of_the_commands() -> None:
    assert reference.command_line_page().count("`--project PATH`") == 1
