"""Runs verdicts on a store whose source has one place changed: ``python -m tests.storage.proof.mutated < JSON``.

Reads a list of ``[module, old, new, verdict]``; prints for each whether it ``stands``, or the error that it meets. Each
is judged in a process of its own, forked before anything of the store is imported.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

# What each of them needs and none of them changes.
importlib.import_module("mcp_server.domain.machine")


class Changed(SourceFileLoader):
    """Loads a module from a changed source, and never from what was compiled before."""

    def __init__(self, spec: ModuleSpec, old: str, new: str) -> None:
        assert spec.origin is not None
        super().__init__(spec.name, spec.origin)
        self._old, self._new = old.encode(), new.encode()

    def path_stats(self, path: str) -> dict[str, float]:
        raise OSError(path)

    def get_data(self, path: str) -> bytes:
        source = super().get_data(path)
        assert source.count(self._old) == 1, f"{self._old!r} is not there once"
        return source.replace(self._old, self._new)


class Finder(MetaPathFinder):
    """Finds one module in its changed form."""

    def __init__(self, module: str, old: str, new: str) -> None:
        self._module, self._old, self._new = module, old, new

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self._module else None
        if spec is not None:
            spec.loader = Changed(spec, self._old, self._new)
        return spec


def judge(module: str, old: str, new: str, verdict: str) -> str:
    sys.meta_path.insert(0, Finder(f"mcp_server.storage.{module}", old, new))
    verdicts = importlib.import_module("tests.storage.proof.verdicts").VERDICTS
    try:
        verdicts[verdict]()
    except Exception as error:  # noqa: BLE001 - whatever it is, it was noticed
        return type(error).__name__
    return "stands"


def main() -> None:
    for mutant in json.load(sys.stdin):
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            print(judge(*mutant), flush=True)  # noqa: T201 - for the test that reads it
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
