"""The project as these tests read it: what git tracks, parsed once."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class PythonFile:
    """One tracked Python file; `name` is its path in the repository."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, self.name)

    @property
    def is_test(self) -> bool:
        """Whether it is a test or a measurement, and not part of a program."""
        return self.name.startswith(("tests/", "benchmarks/"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def tracked_files() -> list[str]:
    """Every file that git tracks or would add, without those that are deleted."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return sorted(name for name in set(names) if (REPOSITORY / name).is_file())


@pytest.fixture(scope="session")
def python_files(tracked_files: list[str]) -> list[PythonFile]:
    """Every Python file of the project."""
    return [
        PythonFile(name, (REPOSITORY / name).read_text()) for name in tracked_files if name.endswith(".py")
    ]


@pytest.fixture(scope="session")
def program_files(python_files: list[PythonFile]) -> list[PythonFile]:
    """Every Python file that runs at a user's."""
    return [file for file in python_files if not file.is_test]
