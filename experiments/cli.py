"""The command `lossweep`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lossweep.channels.channel import CHANNELS
from lossweep.channels.errors import LossweepError
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.code import CODES
from lossweep.experiments.metrics.metric import METRICS
from lossweep.experiments.scenario import Scenario, ScenarioError, read, ready_made
from lossweep.experiments.store import StoreError

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; what a user did wrong is one line a mistake on stderr, and exit status 2.

    Returns:
        0: done; 1: cells failed, or the disk is full; 2: bad input; 130: interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except StoreError as error:
        return _say(error, FAILED)
    except LossweepError as error:
        return _say(error, BAD_INPUT)
    except KeyboardInterrupt as error:
        return _say(error, INTERRUPTED)
    except BrokenPipeError:
        return 0


def _say(error: BaseException, status: int) -> int:
    for line in (str(error) or "interrupted").split("\n"):
        print(f"lossweep: {line}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lossweep", description="What does the other end see and hear when the network loses this much?"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, function: Callable[[Any], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=function)
        return command

    def takes_scenario(command: argparse.ArgumentParser) -> None:
        command.add_argument("scenario", help="a YAML file, or the name of a ready-made scenario")
        command.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="A.B=VALUE",
            help="change a value (YAML) of the scenario",
        )
        command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")

    run = add("run", _run, "run a scenario, or what is left of it")
    takes_scenario(run)
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    run.add_argument("--workers", type=_positive, help="processes (default: one a core)")
    run.add_argument("--accept-changes", action="store_true", help="go on in the folder of another scenario")
    run.add_argument("--cell", metavar="ID", help="only this cell, computed anew")
    plot = add("plot", _plot, "draw the curves of what has been run")
    plot.add_argument("directory", type=Path, metavar="DIR")
    report = add("report", _report, "write one HTML page: plots, tables, frames, versions")
    report.add_argument("directory", type=Path, metavar="DIR")
    report.add_argument("--no-strip", action="store_true", help="without frames of the clip")
    add("list", _list, "list endpoints, codes, channels, metrics and scenarios")
    check = add("check", _check, "check a scenario; count its cells and estimate its time")
    takes_scenario(check)
    simulate = add("simulate", _simulate, "send one cell through the network and print what the network did")
    takes_scenario(simulate)
    simulate.add_argument("--packets", type=_positive, default=20, help="rows of the packet table to print")
    return parser


def _run(options: argparse.Namespace) -> int:
    from lossweep.experiments.run import run_scenario

    failed = run_scenario(
        read(options.scenario, options.set),
        options.out,
        device=_device(options.device),
        workers=options.workers,
        accept_changes=options.accept_changes,
        only=options.cell,
    )
    return FAILED if failed else 0


def _plot(options: argparse.Namespace) -> int:
    from lossweep.experiments.plot import plot

    _needs_table(options.directory)
    files = plot(options.directory)
    pictures = [file for file in files if file.suffix == ".png"]
    print(f"{len(pictures)} plots (PNG, PDF, CSV) in {options.directory / 'plots'}:")
    for file in pictures:
        print(f"  {file}")
    return 0


def _report(options: argparse.Namespace) -> int:
    from lossweep.experiments.report import report

    _needs_table(options.directory)
    print(f"report: {report(options.directory, strip=not options.no_strip)}")
    return 0


def _list(_: argparse.Namespace) -> int:
    import yaml

    for registry in (ENDPOINTS, CODES, CHANNELS, METRICS):
        print(f"{registry.kind}s")
        for name in registry.names():
            print(f"  {name:<18} {registry.line(name)}")
    print("scenarios")
    for name, path in ready_made().items():
        data = yaml.safe_load(path.read_text())
        print(f"  {name:<18} {data.get('description', '')}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from lossweep.experiments.estimate import estimate

    scenario = read(options.scenario, options.set)
    cells = list(scenario.cells())
    print(f"{scenario.name}: {len(cells)} cells")
    for line in _axes(scenario):
        print(f"  {line}")
    seconds, basis = estimate(scenario, cells, _device(options.device))
    print(f"about {_duration(seconds)} on one core ({basis})")
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from lossweep.experiments.evaluator import Bench, deliver
    from lossweep.sim.statistics import statistics

    scenario = read(options.scenario, options.set)
    cell = next(scenario.cells())
    started = time.perf_counter()
    endpoint, encoded = Bench([], _device(options.device)).encoded(cell)
    stream = encoded.stream
    delivery = deliver(cell, stream)
    print(f"{endpoint.label} over {cell['channel']}, repetition {cell['repetition']}")
    for name, value in statistics(stream, delivery).items():
        print(f"  {name:<28} {value:.6g}")
    print(delivery.table().head(options.packets).to_string(index=False, float_format="{:.4f}".format))
    print(f"{len(stream.packets)} packets, {time.perf_counter() - started:.1f} s")
    return 0


def _axes(scenario: Scenario) -> list[str]:
    def short(value: Any) -> str:
        if not isinstance(value, dict):
            return str(value)
        return " ".join(
            str(v) if k in ("name", "source") else f"{k}={v}" for k, v in value.items() if v is not None
        )

    lines = []
    for part in ("clip", "endpoint", "code", "channel", "path"):
        values = [short(value) for value in getattr(scenario, part)]
        lines.append(f"{part}: {len(values)}: {'; '.join(values[:12])}{'; ...' if len(values) > 12 else ''}")
    return [*lines, f"repetitions: {scenario.repetitions}"]


def _needs_table(directory: Path) -> None:
    if not (directory / "table.parquet").exists():
        raise ScenarioError(
            f"{directory} holds no table.parquet; run a scenario into it first (lossweep run)"
        )


def _device(name: str) -> str:
    if name == "cpu":
        return name
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise ScenarioError("--device cuda: torch sees no CUDA device here; use --device cpu")
    return "cuda" if torch.cuda.is_available() else "cpu"


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    sys.exit(main())
