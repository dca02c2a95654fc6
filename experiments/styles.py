"""Panels for papers and slides: one vector file per panel, at the size in which it is printed, with embedded fonts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.text import Text

from lossweep.channels.errors import MissingPackage
from lossweep.experiments.column import Column
from lossweep.experiments.figure import heading, references_in_panel
from lossweep.experiments.layout import name_in_panel
from lossweep.experiments.looks import SIZE, looks
from lossweep.experiments.panel import Panel
from lossweep.experiments.panel_axes import Reference, draw_panel, lies_flat, limits_of, scale

LETTER, HANDLE = 0.52, 4.5
"""Widths of a letter, and of a legend's line with its gaps, in font sizes."""
NO_TEX = "--pgf needs a LaTeX program (xelatex) to measure text; install TeX Live, or use the PDF files"


@dataclass(frozen=True)
class Style:
    """How a panel is printed.

    Attributes:
        width, height: of the file in inches; the height without the legend below the axes.
        columns: of the legend at most; fewer where its names are long.
        settings: of matplotlib.
    """

    name: str
    width: float
    height: float
    columns: int
    settings: dict[str, Any]


STYLES = {
    style.name: style
    for style in (
        Style(
            "ieee",
            3.5,
            2.3,
            2,
            {
                "font.family": "STIXGeneral",
                "mathtext.fontset": "stix",
                "font.size": 8,
                "axes.titlesize": 8,
                "axes.linewidth": 0.6,
            },
        ),
        Style("slides", 9.0, 4.6, 3, {"font.size": 18, "axes.titlesize": 18, "axes.linewidth": 1.5}),
    )
}
"""`ieee`: a column of a two-column paper, Times-like letters of 8 points. `slides`: most of a 16:9 page, 18 points."""


def export_panels(
    panels: Sequence[Panel],
    x: Column,
    y: Column,
    level: float | None,
    references: Sequence[Reference],
    style: Style,
    stem: Path,
    pgf: bool = False,
) -> list[Path]:
    """Writes `FOLDER/STYLE/NAME.pdf`, or `NAME-CONDITION.pdf` per panel.

    Args:
        level: the metric's value of the clips themselves.
        stem: `FOLDER/NAME`.
        pgf: the same as `.pgf`, by matplotlib's own backend.
    Raises:
        MissingPackage: pgf without a LaTeX program.
    """
    folder = stem.parent / style.name
    folder.mkdir(exist_ok=True)
    files = []
    looked = looks(panels)
    limits = limits_of(panels, x, y, level, references)
    settings: dict[Any, Any] = SIZE | style.settings
    with mpl.rc_context(settings):
        for panel in panels:
            shown = references_in_panel(panel, references)
            figure = Figure(layout="constrained")
            axis = figure.add_subplot()
            draw_panel(axis, panel, x, y, looked, level, shown)
            up = limits_of([panel], x, y)[1] if lies_flat(panel, y, limits[1]) else limits[1]
            scale(axis, x, y, limits[0], up)
            axis.set_xlabel(x.heading())
            axis.set_ylabel(heading(y))
            thicker = style.settings["font.size"] / SIZE["font.size"]
            _legend(figure, panel, style, thicker)
            name = f"{stem.name}-{_plain(panel.title)}" if len(panels) > 1 else stem.name
            files.append(folder / f"{name}.pdf")
            figure.savefig(files[-1], metadata={"CreationDate": None})
            if pgf:
                files.append(folder / f"{name}.pgf")
                _pgf(figure, files[-1])
    return files


def _legend(figure: Figure, panel: Panel, style: Style, thicker: float) -> None:
    """The legend below the axes, and lines as thick as the letters ask for."""
    (axis,) = figure.axes
    names = {curve.name: name_in_panel(curve, panel) for curve in panel.curves}
    found = {}
    for line in axis.lines:
        name = line.get_gid()
        line.set_linewidth(line.get_linewidth() * thicker)
        line.set_markersize(line.get_markersize() * thicker)
        if name is not None and name != "context" and not name.startswith("_"):
            found[names.get(name, name)] = line
    size = style.settings["font.size"] / 72
    longest = max(map(len, found), default=1) * LETTER * size + HANDLE * size
    columns = max(1, min(style.columns, int(style.width / longest)))
    rows = -(-len(found) // columns)
    figure.set_size_inches(style.width, style.height + 1.35 * size * rows)
    figure.legend(
        list(found.values()),
        list(found),
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        columnspacing=1.2,
        handlelength=2.2,
        labelspacing=0.25,
    )


def _plain(title: str) -> str:
    """A panel's title as a part of a file name."""
    return re.sub(r"[^\w.+]+", "_", title).strip("_")


def _pgf(figure: Figure, path: Path) -> None:
    """Writes PGF in the document's own serif letters; LaTeX does not know the fonts of matplotlib."""
    for text in figure.findobj(Text):
        text.set_fontfamily("serif")
    try:
        with mpl.rc_context({"pgf.rcfonts": False}):
            figure.savefig(path, backend="pgf")
    except (RuntimeError, OSError) as error:
        path.unlink(missing_ok=True)
        raise MissingPackage(f"{NO_TEX} ({str(error).splitlines()[0]})") from None
