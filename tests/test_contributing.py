"""The examples of CONTRIBUTING.md run: as a package beside lossweep, in a sweep and in the contract tests."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
GROUPS = ("lossweep.codes", "lossweep.channels", "lossweep.metrics", "lossweep.endpoints")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder that Python takes for an installed package, with the examples in it."""
    folder = tmp_path_factory.mktemp("examples")
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for name, content in re.findall(r"```\w+ file=(\S+)\n(.*?)```", text, re.DOTALL):
        (folder / name).write_text(content)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / "lossweep_examples-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1\n")
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


def run(folder, *command):
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "LOSSWEEP_CACHE": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_every_group_has_an_example(package):
    text = (package / "lossweep_examples-0.1.dist-info" / "entry_points.txt").read_text()
    assert all(f"[{group}]" in text for group in GROUPS)


def test_the_examples_run_in_a_sweep(package):
    out = package / "out"
    result = run(
        package, "lossweep.experiments.cli", "run", str(package / "examples.yaml"), "--out", str(out)
    )
    assert result.returncode == 0, result.stderr
    table = pd.read_csv(out / "table.csv")
    assert len(table) == 16
    assert set(table["code"]) == {"parity"}
    assert set(table["channel"]) == {"every_nth"}
    pictures = table[table["codec"] == "h264"]
    assert (pictures["mae"] > 0).all()
    worse = table[table["n"] == 5]["post_repair_loss"].mean()
    assert worse > table[table["n"] == 50]["post_repair_loss"].mean()


@pytest.mark.parametrize(
    ("tests", "keyword"),
    [("test_codes.py", "parity"), ("test_metrics.py", "mae")],
)
def test_the_examples_pass_the_contract_tests_unchanged(package, tests, keyword):
    path = ROOT / "tests" / "contracts" / tests
    result = run(package, "pytest", str(path), "-q", "-k", keyword, "-p", "no:cacheprovider")
    assert result.returncode == 0, result.stdout[-3000:]
    assert "passed" in result.stdout or re.search(r"^\.+", result.stdout)


def test_the_endpoint_passes_the_contract_tests_unchanged(package):
    path = ROOT / "tests" / "contracts" / "test_endpoints.py"
    result = run(package, "pytest", str(path), "-q", "-k", "l16", "-p", "no:cacheprovider")
    assert result.returncode == 0, result.stdout[-3000:]
