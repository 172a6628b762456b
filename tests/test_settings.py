"""Settings: which layer wins, and which folder is the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_server.errors import ConfigurationError
from mcp_server.settings import ENV_PREFIX, Settings, find_project, load

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in Settings.model_fields:
        monkeypatch.delenv(ENV_PREFIX + name.upper(), raising=False)
    monkeypatch.setenv(ENV_PREFIX + "USER_DIR", str(tmp_path / "user"))
    return tmp_path


def write_file(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "user" / "config"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text(text)


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path, 'log_level = "error"\nlock_timeout = 3\nlog_json = true\n')
    monkeypatch.setenv(ENV_PREFIX + "LOG_LEVEL", "warning")
    monkeypatch.setenv(ENV_PREFIX + "LOCK_TIMEOUT", "4")
    loaded = load({"log_level": "debug", "lock_timeout": None}, tmp_path)
    settings = loaded.settings
    assert (settings.log_level, settings.lock_timeout, settings.log_json) == ("debug", 4, True)
    origins = {name: loaded.origins[name] for name in ("log_level", "lock_timeout", "log_json", "state_dir")}
    assert origins == {
        "log_level": "flag",
        "lock_timeout": "environment",
        "log_json": "file",
        "state_dir": "default",
    }


def test_every_setting_that_is_wrong_is_named_with_its_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path, "colour = 1\n")
    monkeypatch.setenv(ENV_PREFIX + "LOG_LEVEL", "loud")
    with pytest.raises(ConfigurationError, match=r"log_level \(from environment\).*colour \(from file\)"):
        load({}, tmp_path)


@pytest.mark.requirement("format:root-is-chosen")
@pytest.mark.parametrize("marker", [".git", ".praxis-os", "pyproject.toml", "go.mod"])
def test_the_nearest_folder_with_a_marker_is_the_project(tmp_path: Path, marker: str) -> None:
    inside = tmp_path / "project" / "deep" / "inside"
    inside.mkdir(parents=True)
    (tmp_path / "project" / marker).mkdir()
    assert find_project(inside) == (tmp_path / "project", marker)
    assert load({}, inside).project == tmp_path / "project"


def test_the_home_folder_and_the_root_are_never_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_project(tmp_path / "sub") is None
    loaded = load({}, tmp_path / "sub")
    assert loaded.project is None
    assert "no marker" in loaded.project_found_by


def test_the_root_of_the_file_system_is_no_project_even_when_it_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no project"):
        load({"project": "/"})


def test_a_project_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not a folder"):
        load({"project": tmp_path / "gone"})


def test_a_project_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "\udcfc"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match="cannot name"):
        load({"project": folder})


def test_a_program_to_run_is_named_by_the_users_own_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path, 'notify_command = ["notify-send", "pos-workflow"]\n')
    monkeypatch.setenv(ENV_PREFIX + "NOTIFY_COMMAND", "evil")
    (tmp_path / "settings.toml").write_text('notify_command = ["evil"]\n')
    loaded = load({}, tmp_path)
    assert loaded.settings.notify_command == ("notify-send", "pos-workflow")
    assert loaded.origins["notify_command"] == "file"
