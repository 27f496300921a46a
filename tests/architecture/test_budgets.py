"""Files and functions stay small enough to be read in one go."""

import ast

FILE_LINES = 400
FUNCTION_LINES = 60
HANDLER_LINES = 20
CODE_SUFFIXES = (".py", ".go", ".sh", ".php", ".ts", ".tsx")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base_utils", "shared"}


def _functions(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _lines(node):
    return node.end_lineno - node.lineno + 1


def _body_lines(function):
    """Count the lines of the body without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_no_file_is_long(repository, tracked_files):
    long = {}
    for name in tracked_files:
        if name.endswith(CODE_SUFFIXES):
            lines = len((repository / name).read_text().splitlines())
            if lines > FILE_LINES:
                long[name] = lines
    assert long == {}, f"split what has more than {FILE_LINES} lines"


def test_no_function_is_long(python_files):
    long = {
        f"{file.name}:{function.lineno} {function.name}": _lines(function)
        for file in python_files
        for function in _functions(file.tree)
        if _lines(function) > FUNCTION_LINES
    }
    assert long == {}, f"split what has more than {FUNCTION_LINES} lines"


def test_handlers_are_doorways(program_files):
    long = {
        f"{file.name}:{function.lineno} {function.name}": _body_lines(function)
        for file in program_files
        if "/frankenpanel_operator/handlers/" in file.name
        for function in _functions(file.tree)
        if _body_lines(function) > HANDLER_LINES
    }
    assert long == {}, "a handler makes a key or calls one thing; the rest belongs to a reconciler"


def test_modules_say_what_they_hold(program_files):
    vague = [f.name for f in program_files if set(f.name.removesuffix(".py").split("/")) & VAGUE_NAMES]
    assert vague == [], "name modules after what they hold"


def test_packages_and_modules_with_several_functions_say_what_they_are_for(program_files):
    silent = [
        file.name
        for file in program_files
        if len(list(_functions(file.tree))) > 1 and not ast.get_docstring(file.tree)
    ]
    assert silent == []
