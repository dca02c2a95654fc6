"""README.md: its commands parse, its scenarios are valid, and every file and name in it exists."""

import ast
import importlib.util
import re
import shlex
from pathlib import Path

import pytest

import lossweep
from lossweep.experiments import cli
from lossweep.experiments.columns import schema
from lossweep.experiments.listing import REGISTRIES
from lossweep.experiments.metrics.metric import METRICS
from lossweep.experiments.scenario_file import find, read
from lossweep.experiments.training.face.train import TRAININGS as FACE
from lossweep.experiments.training.tts.train import TRAININGS as TTS
from lossweep.experiments.yaml_reader import read_yaml

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"(?:^    |`)(lossweep [^`\n]+?)(?:`|$)", TEXT, re.MULTILINE)
TRAININGS = re.findall(r"^    python -m (\S+) ?(.*)$", TEXT, re.MULTILINE)
ENDPOINTS = re.findall(r"^    endpoint:.*\n(?:      .*\n)*", TEXT, re.MULTILINE)


def names():
    return {name for registry in REGISTRIES for name in registry.names()}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse_and_name_what_exists(command):
    arguments = shlex.split(command, comments=True)[1:]
    if arguments == ["--version"]:
        return
    options = cli._parser().parse_args(arguments)
    if getattr(options, "scenario", None):
        find(options.scenario)
        if "LOSSWEEP_DATA" not in find(options.scenario).read_text() or options.set:
            read(options.scenario, options.set)
    if options.command == "show":
        find(options.name)
    if options.command == "list" and options.name:
        assert options.name in names()
    if options.command == "plot":
        assert {options.x, *options.y, *options.facet} <= set(schema())


def test_there_are_commands_of_every_kind():
    kinds = {shlex.split(command)[1] for command in COMMANDS}
    assert kinds >= {"list", "show", "check", "run", "plot", "report", "columns", "simulate", "--version"}


@pytest.mark.parametrize(("module", "arguments"), TRAININGS)
def test_training_commands_exist(module, arguments):
    assert importlib.util.find_spec(module) is not None
    if module.endswith((".face.train", ".tts.train")):
        trainings = FACE if ".face." in module else TTS
        named = {arguments.split()[0], *re.findall(r"[\w-]+", arguments.partition("# or ")[2])}
        assert named == set(trainings)


def test_the_scenario_is_valid(tmp_path):
    for name, content in re.findall(r"```yaml file=(\S+)\n(.*?)```", TEXT, re.DOTALL):
        (tmp_path / name).write_text(content)
        scenario = read(str(tmp_path / name), [])
        assert len(list(scenario.cells())) > 1


@pytest.mark.parametrize("snippet", ENDPOINTS)
def test_endpoints_are_valid(snippet):
    data = read_yaml(re.sub("^    ", "", snippet, flags=re.MULTILINE), "README.md")
    channel = {"name": "bernoulli", "loss_rate": 0}
    lossweep.load({"name": "snippet", "clip": "portrait", **data, "channel": channel, "metrics": ["ssim"]})


def test_python_uses_the_public_functions():
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    used = {
        node.attr
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "lossweep"
    }
    assert used
    assert used <= set(lossweep.__all__)


def test_metrics_exist():
    (lines,) = re.findall(r"- Pictures: (.*?)\n- ", TEXT, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", lines)) <= set(METRICS.names())


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()
