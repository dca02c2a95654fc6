"""lossweep: what a receiver sees and hears when the network loses packets.

The same as the command line, from Python: in a script (no `__main__` guard is needed) or a notebook.

    import lossweep

    scenario = lossweep.load("smoke", {"channel.loss_rate": [0, 0.1], "clip.seconds": 1, "endpoint.gop": 25})
    table = lossweep.run(scenario, "out")
    print(table.groupby(["endpoint", "loss_rate"])["ssim"].mean())
    lossweep.plot("out", y=["ssim"])

A scenario is a YAML file, the name of a ready-made one, or a mapping. Errors that a user can put right are
`lossweep.LossweepError`, one line each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossweep.channels.errors import LossweepError

if TYPE_CHECKING:
    import pandas as pd

    from lossweep.experiments.recompute import Replay
    from lossweep.experiments.scenario import Scenario

__all__ = ["LossweepError", "change", "load", "plot", "replay", "run", "table"]


def load(source: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Scenario:
    """A scenario, checked whole.

    Args:
        source: a YAML file, the name of a ready-made scenario ("quickstart"), or the scenario itself as a mapping.
        changes: key in the scenario ("endpoint.gop") to new value; where the scenario has a list, of every member.
    Raises:
        ScenarioError: anything in it that cannot run; one line for each mistake.
    """
    from lossweep.experiments import scenario_file

    return scenario_file.load(source, changes)


def change(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """A scenario with some values changed; see `load`.

    Raises:
        ScenarioError: the changed scenario cannot run.
    """
    from lossweep.experiments import scenario_file

    return scenario_file.change(scenario, changes)


def run(
    scenario: Scenario | str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    workers: int | None = None,
    threads: int = 1,
    device: str = "auto",
    accept_changes: bool = False,
) -> pd.DataFrame:
    """Runs a scenario, or what is left of it, and gives back its table: one row per cell.

    Args:
        scenario: as `load` gives it or takes it.
        out: output folder, which is kept and resumed; None uses a folder that is removed afterwards.
        workers: processes; None is one per core that this process may use; 0 computes in this process.
        threads: per process.
        device: "auto", "cpu" or "cuda", for networks.
        accept_changes: go on in a folder with cells of another scenario, code or versions.
    Raises:
        ScenarioError: the scenario cannot run.
        StoreError: the folder belongs to another scenario, is in use, or cannot be written.
    """
    import tempfile

    from lossweep.experiments.commands import device as chosen
    from lossweep.experiments.run import Settings, run_scenario
    from lossweep.experiments.scenario import Scenario

    ready = scenario if isinstance(scenario, Scenario) else load(scenario)
    settings = Settings(chosen(device), workers, threads, accept_changes)
    if out is not None:
        run_scenario(ready, Path(out), settings)
        return table(out)
    with tempfile.TemporaryDirectory() as folder:
        run_scenario(ready, Path(folder), settings)
        return table(folder)


def table(directory: str | Path) -> pd.DataFrame:
    """The table of a finished sweep: one row per cell; `lossweep columns` explains the columns.

    Raises:
        StoreError: the folder holds no table.
    """
    import pandas as pd

    from lossweep.experiments.store import StoreError

    try:
        return pd.read_parquet(Path(directory) / "table.parquet")
    except OSError as error:
        raise StoreError(
            f"{directory} holds no table ({error.strerror}); run a scenario into it first"
        ) from None


def plot(
    directory: str | Path,
    x: str | None = None,
    y: Sequence[str] = (),
    facet: Sequence[str] = (),
    where: Sequence[str] = (),
) -> list[Path]:
    """Draws the curves of a finished sweep into `DIR/plots`; see `lossweep plot`.

    Args:
        x: column of the horizontal axis; None is the scenario's.
        y: columns, one plot for each; none are the scenario's.
        facet: columns with a panel for each value.
        where: rows to draw, "column=value", or with !=, <=, >=.
    Returns:
        The files.
    Raises:
        PlotError: an unknown column, or more than a figure can show.
    """
    from lossweep.experiments.plot import plot as draw

    return draw(Path(directory), x, y, facet, where)


def replay(directory: str | Path, cell: str) -> Replay:
    """A finished cell computed again: its clip, what the receiver shows, and its packets.

    Args:
        directory: output folder of the sweep.
        cell: id, of the column `cell` of the table.
    Returns:
        `clip` and `playback.clip` have pictures, speech (16 kHz) and words; `playback.outcome` says what became of each
        frame; `delivery.table()` has one row per packet.
    Raises:
        ClipError: the clip is no longer here, or is another one than the cell was made from.
        StoreError: the folder has no such cell.
    """
    from lossweep.experiments.recompute import replay as again

    return again(cell, Path(directory))
