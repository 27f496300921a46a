"""The import contracts hold, and each of them is proven to notice what it forbids."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
MEMBERS = ("crds", "operator", "dashboard-api", "images/gateway", "hack")
CONFIGURATION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
CONTRACTS = [contract["name"] for contract in CONFIGURATION["tool"]["importlinter"]["contracts"]]

# One violation per contract, which no other contract forbids: a module, and the line it gets.
VIOLATIONS = {
    "The programs share only the CRD models": (
        "dashboard-api/src/frankenpanel_api/__init__.py",
        "import frankenpanel_operator.errors",
    ),
    "Operator layers": (
        "operator/src/frankenpanel_operator/errors.py",
        "import frankenpanel_operator.observed",
    ),
    "API layers": (
        "dashboard-api/src/frankenpanel_api/settings.py",
        "import frankenpanel_api.routes.health",
    ),
    "Gateway layers": (
        "images/gateway/src/frankenpanel_gateway/settings.py",
        "import frankenpanel_gateway.tree",
    ),
    "What the gateway compiles is pure": (
        "images/gateway/src/frankenpanel_gateway/tree.py",
        "import random",
    ),
    "Only handlers and main know kopf": ("operator/src/frankenpanel_operator/engine/key.py", "import kopf"),
    "Desired state, status, names and statements are pure": (
        "operator/src/frankenpanel_operator/desired/inputs.py",
        "import random",
    ),
    "CRD models do no I/O": ("crds/src/frankenpanel_crds/labels.py", "import socket"),
    "Reconcilers reach the world only through ports": (
        "operator/src/frankenpanel_operator/reconcilers/__init__.py",
        "import pymysql",
    ),
}


def _lint_imports(root: Path) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(root / member / "src") for member in MEMBERS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
    }
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", str(root / "pyproject.toml")]
    result = subprocess.run(
        [*command, "--no-cache"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    return result.stdout + result.stderr


def _verdicts(output: str) -> dict[str, str]:
    found = re.findall(r"^(.+?) (KEPT|BROKEN)(?: .*)?$", output, re.MULTILINE)
    assert found, output
    return dict(found)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The verdicts on a copy of the sources in which every contract is violated once."""
    root = tmp_path_factory.mktemp("planted")
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    for member in MEMBERS:
        ignore = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(REPOSITORY / member / "src", root / member / "src", ignore=ignore)
    for module, line in VIOLATIONS.values():
        with (root / module).open("a") as file:
            file.write(f"\n{line}\n")
    return _verdicts(_lint_imports(root))


def test_the_contracts_are_kept():
    output = _lint_imports(REPOSITORY)
    assert _verdicts(output) == dict.fromkeys(CONTRACTS, "KEPT"), output


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_planted_violation_is_noticed(planted: dict[str, str], contract: str):
    assert contract in VIOLATIONS, f"add a violation that proves the contract {contract!r}"
    assert planted[contract] == "BROKEN"


def test_no_contract_has_an_exception():
    for contract in CONFIGURATION["tool"]["importlinter"]["contracts"]:
        assert "ignore_imports" not in contract, contract["name"]
