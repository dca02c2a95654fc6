"""What each command does; `lossweep.experiments.cli` reads the arguments."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lossweep.channels.errors import OptionError
from lossweep.experiments.durations import duration
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.exit_status import FAILED
from lossweep.experiments.in_words import in_words
from lossweep.experiments.scenario import Scenario
from lossweep.experiments.scenario_file import find, read


def do_run(options: argparse.Namespace) -> int:
    """Runs or resumes a scenario."""
    from lossweep.experiments.run import Settings, run_scenario
    from lossweep.experiments.shards import shard_of

    if options.engine == "pool" and (options.address or options.gpus_per_worker):
        raise OptionError("--address and --gpus-per-worker need --engine ray")
    if options.gpus_per_worker < 0:
        raise OptionError(f"--gpus-per-worker is {options.gpus_per_worker:g}; it must be 0 or more")
    of_workers = (
        options.engine == "ray" and options.device != "auto"
    )  # theirs may have what this machine has not
    settings = Settings(
        device=options.device if of_workers else device(options.device),
        workers=options.workers,
        threads=options.threads,
        accept_changes=options.accept_changes,
        only=options.cell,
        shard=shard_of(options.shard) if options.shard is not None else None,
        engine=options.engine,
        address=options.address,
        gpus_per_worker=options.gpus_per_worker,
    )
    failed = run_scenario(read(options.scenario, options.set), options.out, settings)
    return FAILED if failed else 0


def do_check(options: argparse.Namespace) -> int:
    """Checks a scenario; prints its cells, axes, absent metrics and estimated time."""
    from lossweep.experiments.engine import available_cores
    from lossweep.experiments.estimate import estimate
    from lossweep.experiments.lateness import late_repair
    from lossweep.experiments.presence import absent, unused
    from lossweep.experiments.scored_frames import key_frames_only

    scenario = read(options.scenario, options.set)
    device(options.device)
    cells = len(list(scenario.cells()))
    fewest = sum(1 for cell in scenario.cells() if cell.repetition < scenario.fewest_repetitions)
    print(f"{scenario.name}: {cells if fewest == cells else f'{fewest} to {cells}'} cells")
    for line in _axes(scenario):
        print(f"  {line}")
    for name, reason in absent(scenario.metrics).items():
        if name in scenario.require:
            raise ScenarioError(f"{name} is required: {reason}")
        print(f"absent: {reason}")
    for line in unused(scenario):
        print(f"unused: {line}")
    for line in late_repair(scenario):
        print(f"late: {line}")
    for line in key_frames_only(scenario):
        print(f"scored: {line}")
    seconds, basis = estimate(scenario)
    cores = available_cores()
    print(f"about {duration(seconds / cores)} on {cores} cores ({basis})")
    return 0


def do_plot(options: argparse.Namespace) -> int:
    """Draws the curves of a finished sweep."""
    from lossweep.experiments import plot

    _needs_table(options.directory)
    if options.pgf and options.style is None:
        raise ScenarioError("--pgf needs --style ieee or --style slides")
    names = ("x", "y", "facet", "where", "style", "pgf")
    asked = {key: getattr(options, key) for key in names if getattr(options, key)}
    files = plot.plot(options.directory, **asked)
    pictures = [file for file in files if file.suffix == (".pdf" if options.style else ".png")]
    kinds = "PDF, PGF" if options.pgf else "PDF" if options.style else "PNG, PDF, CSV"
    print(f"{len(pictures)} plots ({kinds}) in {pictures[0].parent}:")
    for file in pictures:
        print(f"  {file}")
    return 0


def do_frontier(options: argparse.Namespace) -> int:
    """Finds and draws the cheapest scheme for each state of the network."""
    from lossweep.experiments.frontier import FrontierError, frontier, question
    from lossweep.experiments.frontier_plot import sentences, write
    from lossweep.experiments.run import Settings, run_scenario
    from lossweep.experiments.sweep import Sweep

    directory = Path(options.source)
    if directory.is_dir() and not (directory / "manifest.json").exists():
        raise FrontierError(f"{directory} holds no sweep; run a scenario into it first (lossweep run)")
    if not directory.is_dir():
        scenario = read(options.source, options.set)
        if options.out is None:
            raise FrontierError(
                f"{options.source} is a scenario, which is run first; name a folder with --out"
            )
        directory = options.out
        if run_scenario(scenario, directory, Settings(workers=options.workers)):
            return FAILED
    sweep = Sweep.read(directory).where(options.where)
    asked = question(sweep, options.target, options.delay, options.x, options.y)
    found = frontier(sweep, asked)
    for line in sentences(found, sweep.column(asked.x), sweep.column(asked.y) if asked.y else None):
        print(line)
    for file in write(sweep, asked, found, directory / "frontier"):
        print(f"  {file}")
    return 0


def do_report(options: argparse.Namespace) -> int:
    """Writes the page of a finished sweep."""
    from lossweep.experiments.report import report

    if not options.size > 0:
        raise OptionError(f"--size is {options.size:g} MB; it must be above 0")
    _needs_table(options.directory)
    if not options.no_strip:
        print(
            "lossweep: cells are computed again for the page: none is begun after 3 minutes of that "
            "(--no-strip leaves them out)",
            file=sys.stderr,
        )
    print(f"report: {report(options.directory, not options.no_strip, options.size)}")
    return 0


def do_merge(options: argparse.Namespace) -> int:
    """Merges the shards of a sweep."""
    from lossweep.experiments.shards import merge

    stored, total = merge(options.directories, options.out)
    print(f"{options.out}/table.csv: {stored} of {total} cells")
    return 0 if stored == total else FAILED


def do_serve(options: argparse.Namespace) -> int:
    """Serves the page of a sweep until it is interrupted."""
    from lossweep.experiments.serve import ADDRESS, server
    from lossweep.experiments.status import status

    print(status(options.directory).text())
    try:
        made = server(options.directory, options.port)
    except (OSError, OverflowError) as error:
        raise OptionError(
            f"port {options.port} of {ADDRESS} cannot be used ({error}); choose another --port"
        ) from None
    print(f"http://{ADDRESS}:{made.server_address[1]}/  (Ctrl-C ends it)", flush=True)
    with made:
        try:
            made.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def do_status(options: argparse.Namespace) -> int:
    """Prints how far a sweep is."""
    from lossweep.experiments.status import status

    print(status(options.directory).text())
    return 0


def do_list(options: argparse.Namespace) -> int:
    """Lists what is registered, or the options of one name."""
    from lossweep.experiments.listing import describe, overview

    print(overview() if options.name is None else describe(options.name))
    return 0


def do_show(options: argparse.Namespace) -> int:
    """Prints a ready-made scenario."""
    print(find(options.name).read_text(encoding="utf-8"), end="")
    return 0


def do_columns(options: argparse.Namespace) -> int:
    """Prints the schema of the tables."""
    from lossweep.experiments.columns import describe

    print(describe())
    return 0


def do_simulate(options: argparse.Namespace) -> int:
    """Sends one cell, or a recorded stream, through the network and prints what the network did."""
    from lossweep.experiments.network_commands import simulate

    return simulate(options, device(options.device))


def do_fit(options: argparse.Namespace) -> int:
    """Fits loss models to a trace or capture."""
    from lossweep.experiments.network_commands import fit

    return fit(options)


def do_tc(options: argparse.Namespace) -> int:
    """Prints the tc commands of each path of a scenario."""
    from lossweep.experiments.network_commands import tc

    return tc(options)


def device(name: str) -> str:
    """The device that networks run on: "cpu" or "cuda". torch is loaded only where there may be a GPU.

    Raises:
        ScenarioError: cuda is asked for and not there.
    """
    if name == "cpu" or (name == "auto" and not Path("/dev/nvidiactl").exists()):
        return "cpu"
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise ScenarioError("--device cuda: torch sees no CUDA device here; use --device cpu")
    return "cuda" if torch.cuda.is_available() else "cpu"


def _axes(scenario: Scenario) -> list[str]:
    lines = []
    for part, values in scenario.changes().items():
        shown = [in_words(value) for value in values]
        lines.append(f"{part}: {len(shown)}: {'; '.join(shown[:12])}{'; ...' if len(shown) > 12 else ''}")
    seeds = f", seeds {', '.join(map(str, scenario.seed))}" if len(scenario.seed) > 1 else ""
    return [*lines, f"repetitions: {scenario.repetitions}{seeds}"]


def _needs_table(directory: Path) -> None:
    table, failures = directory / "table.csv", directory / "failures.json"
    if not table.exists() and (directory / "table.parquet").exists():
        return
    if not table.exists():
        raise ScenarioError(f"{directory} holds no table; run a scenario into it first (lossweep run)")
    if len(table.read_text(encoding="utf-8").splitlines()) < 2:
        raise ScenarioError(f"no cell of {directory} was finished; see {failures}")
