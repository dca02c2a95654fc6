"""Model cards: the figures of a training as JSON beside its weights, and the page that one template makes of them."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lossweep.experiments.training.trainer import TrainConfig, Trained

TEMPLATE = Path(__file__).with_name("model_card.md.jinja")
Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """A table of measured figures.

    Attributes:
        caption: what was measured, on what, with which command.
        header: names of the columns, with units.
        rows: one per line; numbers are printed with 3 significant digits.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class ModelCard:
    """What a user of shipped weights should know.

    Attributes:
        title: of the page.
        files: names of the weight files, or of other files that the training wrote.
        summary: what the model does, its size; one paragraph per entry.
        data: what it was trained on, how it was split, and its terms.
        command: the command that made it.
        training: steps, CPU seconds, device; see `training_of`.
        tables: measured figures.
        limits: what it cannot do, what was tried and failed.
    """

    title: str
    files: Sequence[str]
    summary: Sequence[str]
    data: Sequence[str]
    command: str
    training: dict[str, Cell] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    limits: Sequence[str] = ()

    def write(self, folder: Path, stem: str) -> None:
        """Writes `stem`.json and `stem`.md into a folder."""
        (folder / f"{stem}.json").write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        render(folder / f"{stem}.json")


def training_of(config: TrainConfig, trained: Trained) -> dict[str, Cell]:
    """Steps, CPU seconds and device of a training, for a card."""
    return {
        "steps": trained.step,
        "CPU seconds": round(trained.cpu_seconds),
        "device": f"{config.device} ({platform.machine()}, {config.threads} threads)",
    }


def render(figures: Path) -> Path:
    """The page of a card's JSON file, written beside it.

    Returns:
        The page.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["figure"] = _figure
    page = figures.with_suffix(".md")
    text = environment.get_template(TEMPLATE.name).render(json.loads(figures.read_text(encoding="utf-8")))
    page.write_text(text.rstrip() + "\n", encoding="utf-8")
    return page


def _figure(value: Cell) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
