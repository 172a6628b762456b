"""The distributions of this checkout, and an environment that has nothing but them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.node import do_without
from tests.packaging.support import ROOT, Distributions, Installed, Uv, succeeded


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """What would be published of this checkout."""
    return Distributions.built_from(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def uv(pytestconfig: pytest.Config) -> Uv:
    """uv with the package index; skips where that is out of reach, but not under CI."""
    cache: Any = pytestconfig.cache
    uv = Uv(Path(cache.mkdir("uv")))
    asked = uv.run("pip", "compile", "--quiet", "--refresh", "-", given="hatchling")
    if asked.returncode:
        do_without(f"the package index is out of reach: {asked.stderr.strip()[-300:]}")
    return uv


@pytest.fixture(scope="session")
def installed(uv: Uv, distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment of its own, as a user installs it."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    succeeded(uv.run("venv", "--no-project", folder))
    succeeded(uv.run("pip", "install", "--compile-bytecode", "--python", folder / "bin/python", distributions.wheel))
    return Installed(folder)
