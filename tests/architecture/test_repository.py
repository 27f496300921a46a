"""The checkout as a whole: what it may depend on, what it may name, and that its pages tell the truth."""

import re
import subprocess
import tomllib

import pytest

FORBIDDEN_PACKAGES = {
    "boto3": "clashes with other pins; obstore does S3",
    "aioboto3": "clashes with other pins; obstore does S3",
    "moto": "needs boto3",
    "httpx": "its maintained successor is httpx2",
    "respx": "needs httpx",
    "passlib": "unmaintained; argon2-cffi",
    "python-jose": "unmaintained; joserfc",
    "slowapi": "unmaintained; limits",
    "sse-starlette": "FastAPI brings server-sent events",
    "pytest-kind": "tests need a kubeconfig only",
}
LOCK_FILES = ("uv.lock", "go.sum", "package-lock.json")
# Spelled in two parts, so that this file does not find itself.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "proxy.golang" + ".org",
    "sum.golang" + ".org",
    "repo.maven" + ".apache.org",
    "static.crates" + ".io",
]
MACHINE_PATHS = ["/wor" + "k/", "/tmp/scra" + "tch", "/roo" + "t/"]
PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]


@pytest.fixture(scope="module")
def texts(repository, tracked_files):
    found = {}
    for name in tracked_files:
        if name.rpartition("/")[2] in LOCK_FILES:
            continue
        try:
            found[name] = (repository / name).read_text()
        except UnicodeDecodeError:
            continue
    return found


@pytest.fixture(scope="module")
def make_targets(repository):
    return set(re.findall(r"^([a-z][a-z0-9-]*):", (repository / "Makefile").read_text(), re.MULTILINE))


def test_nothing_forbidden_is_locked(repository):
    locked = {package["name"] for package in tomllib.loads((repository / "uv.lock").read_text())["package"]}
    assert {name: why for name, why in FORBIDDEN_PACKAGES.items() if name in locked} == {}


@pytest.mark.parametrize("words", [REGISTRY_HOSTS, MACHINE_PATHS], ids=["registry hosts", "machine paths"])
def test_no_file_names_where_it_was_written(texts, words):
    found = [
        f"{name}: {word}"
        for name, text in texts.items()
        for word in words
        if re.search(rf"(?<![\w.-]){re.escape(word)}", text) and not _may_name(name, word)
    ]
    assert found == []


def _may_name(name, word):
    """Inside an image, root's home is a fact of the image; anywhere else it is somebody's machine."""
    return word == MACHINE_PATHS[2] and name.startswith("images/")


def test_make_alone_prints_every_target_on_one_line(repository, make_targets):
    result = subprocess.run(["make"], cwd=repository, capture_output=True, text=True, check=True)
    printed = {line.split()[1]: line.split(maxsplit=2)[2] for line in result.stdout.splitlines()}
    assert {"up", "down", "status", "test", "lint", "generate", "images", "bench-%"} <= set(printed)
    # Only the parts of `lint`, which have their name from it, go without a word of their own.
    assert {name for name in make_targets - set(printed) if not name.startswith("lint-")} == set()
    assert all(printed.values())


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_only_make_targets_that_exist(repository, make_targets, page):
    named = set(re.findall(r"`make ([a-z][a-z0-9-]*)`", (repository / page).read_text()))
    benchmarks = {f"bench-{file.stem}" for file in (repository / "benchmarks").glob("*.py")}
    assert named - make_targets - benchmarks == set()


@pytest.mark.parametrize(
    "page", [*PAGES, "charts/frankenpanel/README.md", "charts/frankenpanel-crds/README.md"]
)
def test_links_between_pages_lead_somewhere(repository, page):
    source = repository / page
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", source.read_text())
    assert [target for target in targets if not (source.parent / target).exists()] == []


def test_decision_records_are_numbered_without_repetition_and_have_their_parts(repository):
    records = sorted((repository / "docs" / "adr").glob("[0-9]*.md"))
    numbers = [record.name[:4] for record in records]
    assert records
    assert len(numbers) == len(set(numbers))
    for record in records:
        text = record.read_text().lower()
        for part in ("context", "decision", "consequences"):
            assert part in text, f"{record.name} lacks its {part}"


def test_actions_of_workflows_are_pinned_by_commit(repository):
    for workflow in (repository / ".github" / "workflows").iterdir():
        for action in re.findall(r"uses: (\S+)", workflow.read_text()):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), f"{workflow.name}: {action}"
