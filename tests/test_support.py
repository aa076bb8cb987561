"""What tests share is in tests/support and tests/conftest.py: no module of tests needs another one."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted names of all that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively."
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_no_module_imports_from_a_module_of_tests_or_a_conftest():
    def is_for_pytest_alone(name: str) -> bool:
        start, *rest = name.split(".")
        return start == "tests" and any(part.startswith("test_") or part == "conftest" for part in rest[:-1])

    modules = {".".join(("tests", *path.relative_to(TESTS).with_suffix("").parts)) for path in TESTS.rglob("*.py")}
    assert len(modules) > 100
    found = {
        (str(path.relative_to(TESTS)), name)
        for path in TESTS.rglob("*.py")
        for name in imported(path)
        if is_for_pytest_alone(name) or (name in modules and is_for_pytest_alone(f"{name}.*"))
    }
    assert found == set()
