"""The packages' imports: one direction, no cycles, no training in what ships, every package listed in pyproject."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
ORDER = ("channels", "sim", "endpoints", "experiments")


def modules():
    found = {}
    for folder in ORDER:
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(("lossweep", *parts)).removesuffix(".__init__")
            found[name] = path
    return found


MODULES = modules()


def imports(path):
    """Modules of lossweep that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lossweep."):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                target = full if full in MODULES else node.module
                if target in MODULES:
                    yield target


GRAPH = {name: set(imports(path)) for name, path in MODULES.items()}


def test_imports_point_one_way():
    upward = [
        (name, target)
        for name, targets in GRAPH.items()
        for target in targets
        if ORDER.index(name.split(".")[1]) < ORDER.index(target.split(".")[1])
    ]
    assert upward == []


def test_nothing_that_ships_imports_training():
    training = "lossweep.experiments.training"
    assert [
        (name, target)
        for name, targets in GRAPH.items()
        for target in targets
        if target.startswith(training) and not name.startswith(training)
    ] == []


def test_there_are_no_cycles():
    done, path, on_path = set(), [], set()

    def visit(name):
        if name in on_path:
            raise AssertionError(" -> ".join([*path[path.index(name) :], name]))
        if name in done:
            return
        path.append(name)
        on_path.add(name)
        for target in sorted(GRAPH[name]):
            visit(target)
        on_path.discard(path.pop())
        done.add(name)

    for name in GRAPH:
        visit(name)


def test_every_package_is_listed():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {
        ".".join(("lossweep", *path.relative_to(ROOT).parent.parts))
        for folder in ORDER
        for path in (ROOT / folder).rglob("__init__.py")
    }
    there = {name for name in there if "training" not in name and "notebooks" not in name}
    assert listed == {"lossweep"} | there - {"lossweep.experiments.api"}


def test_files_are_short():
    tracked = [path for path in MODULES.values() if len(path.read_text().splitlines()) > 350]
    assert tracked == []


def test_text_files_are_read_and_written_in_utf8_whatever_the_locale():
    """Not the tools for training, which are no part of what ships."""
    found = []
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            text = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if text and node.func.attr in ("read_text", "write_text"):
                named = any(keyword.arg == "encoding" for keyword in node.keywords)
                found += [] if named or ".training" in name else [f"{name}:{node.lineno}"]
    assert found == []
