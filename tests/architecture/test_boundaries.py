"""What a program may not do, where no linter has a rule for it."""

import ast

import pytest

LABELS_MODULE = "crds/src/frankenpanel_crds/labels.py"
GROUP_MODULE = "crds/src/frankenpanel_crds/group.py"
KOPF_DOORS = ("operator/src/frankenpanel_operator/handlers/", "operator/src/frankenpanel_operator/main.py")


def _imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _docstrings(tree):
    """Yield every string that stands alone as a statement: docstrings, also those of attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _texts(tree):
    """Yield the line and the text of every string that is a value, whole or a part of an f-string."""
    spoken = {id(constant) for constant in _docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken:
            yield node.lineno, node.value


def _is_joined(node):
    """Say whether an expression puts a text together from parts."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return not (isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def _calls(tree, *names):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in names:
                yield node


@pytest.mark.parametrize(
    ("expression", "is_joined"),
    [
        ('f"DROP DATABASE {name}"', True),
        ('"DROP DATABASE " + name', True),
        ('"DROP DATABASE %s" % name', True),
        ('"DROP DATABASE {}".format(name)', True),
        ('"SELECT 1"', False),
        ('f"SELECT 1"', False),
        ("statement", False),
    ],
)
def test_texts_joined_from_parts_are_recognised(expression, is_joined):
    assert _is_joined(ast.parse(expression, mode="eval").body) is is_joined


def test_only_main_and_handlers_import_kopf(program_files):
    users = [f.name for f in program_files if any(n.split(".")[0] == "kopf" for n in _imported(f.tree))]
    assert [name for name in users if not name.startswith(KOPF_DOORS)] == []


def test_the_typed_kubernetes_client_is_not_used_where_the_raw_one_is(program_files):
    users = [f.name for f in program_files if any(n.split(".")[0] == "kubernetes" for n in _imported(f.tree))]
    assert [name for name in users if name.startswith(("operator/", "images/", "crds/"))] == []


def test_label_and_annotation_keys_come_from_one_place(program_files):
    literal = [
        f"{file.name}:{line} {text!r}"
        for file in program_files
        if file.name not in {LABELS_MODULE, GROUP_MODULE} and not file.name.startswith("hack/")
        for line, text in _texts(file.tree)
        if "app.kubernetes.io/" in text or text.startswith("frankenpanel.io/")
    ]
    assert literal == [], f"take them from {LABELS_MODULE}"


def test_the_group_is_named_in_one_place(program_files):
    literal = [
        f"{file.name}:{line} {text!r}"
        for file in program_files
        if file.name != GROUP_MODULE and not file.name.startswith("hack/")
        for line, text in _texts(file.tree)
        if text == "frankenpanel.io"
    ]
    assert literal == [], f"take it from {GROUP_MODULE}"


def test_no_statement_is_joined_where_it_is_executed(program_files):
    joined = [
        f"{file.name}:{call.lineno}"
        for file in program_files
        for call in _calls(file.tree, "execute", "executemany", "query")
        if any(_is_joined(argument) for argument in call.args[:1])
    ]
    assert joined == [], "statements are built, with quoted identifiers, in databases.statements only"


def test_no_structure_is_parsed_from_joined_text(program_files):
    joined = [
        f"{file.name}:{call.lineno}"
        for file in program_files
        for call in _calls(file.tree, "safe_load", "safe_load_all", "loads")
        if any(_is_joined(argument) for argument in call.args[:1])
    ]
    assert joined == [], "build manifests as dictionaries"


def test_yaml_is_never_loaded_unsafely(python_files):
    unsafe = [
        f"{file.name}:{call.lineno}"
        for file in python_files
        for call in _calls(file.tree, "unsafe_load", "full_load")
    ]
    assert unsafe == []


def test_tests_wait_for_something_and_not_for_time_to_pass(python_files):
    waiting = []
    for file in python_files:
        polled = {
            id(call) for loop in ast.walk(file.tree) if isinstance(loop, ast.While) for call in ast.walk(loop)
        }
        waiting += [
            f"{file.name}:{call.lineno}"
            for call in _calls(file.tree, "sleep")
            if file.name.startswith("tests/")
            and ast.unparse(call.func) == "time.sleep"
            and id(call) not in polled
        ]
    assert waiting == [], "poll with a deadline, or inject the clock"


def test_the_folders_of_members_are_no_packages(tracked_files):
    """An `operator/__init__.py` would hide the standard library's module of that name."""
    roots = ("operator", "crds", "dashboard-api", "images", "images/gateway", "hack")
    assert [root for root in roots if f"{root}/__init__.py" in tracked_files] == []
    assert [n for n in tracked_files if n.startswith("tests/") and n.endswith("/__init__.py")] == []
