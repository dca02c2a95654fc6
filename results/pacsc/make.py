"""`python results/pacsc/make.py`: the tables of README.md from the three sweeps' table.parquet, as Markdown."""

from pathlib import Path

import pandas as pd

from lossweep.experiments.confidence import interval

HERE = Path(__file__).parent
KEYS = ["clip", "repetition", "loss_rate"]


def text(values: pd.Series, lowest: float | None = None) -> str:
    """Mean with its 95 % interval over loss patterns; `values` are indexed by clip and repetition."""
    return interval(values.unstack("clip").to_numpy(), lowest).text(3)


def curves(table: pd.DataFrame) -> str:
    """One line per endpoint, one column per loss rate."""
    losses = sorted(table["loss_rate"].unique())
    lines = ["| | kbit/s | " + " | ".join(f"{x:g}" for x in losses) + " |", "|---" * (len(losses) + 2) + "|"]
    for name, part in table.groupby("endpoint", sort=False):
        rmse = part.set_index(KEYS)["coefficient_rmse"]
        cells = [text(rmse.xs(x, level="loss_rate"), 0.0) for x in losses]
        lines.append(f"| {name} | {part['wire_bps'].mean() / 1000:.1f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def lower(table: pd.DataFrame, code: str, than: str) -> str:
    """How much lower the RMSE of one endpoint is, in % of the other's, by loss rate; and the paired difference."""
    a, b = (table[table["endpoint"] == name].set_index(KEYS)["coefficient_rmse"] for name in (code, than))
    cells = []
    for loss in sorted(table["loss_rate"].unique()):
        x, y = (t.xs(loss, level="loss_rate") for t in (a, b))
        low = f"{100 * (1 - x.mean() / y.mean()):.0f} %" if y.mean() else "–"
        cells.append(f"{low} ({text(x - y)})")
    return f"| {code} | {than} | " + " | ".join(cells) + " |"


def ways(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The endpoints that are pacsc-s, and against each the best of the same rate without a model."""
    names = list(table["endpoint"].unique())
    ours = [n for n in names if "pacsc-s" in n]
    return ours, [n.replace("pacsc-s", "rs") for n in ours]


for folder in ("erasure", "burst"):
    found = pd.read_parquet(HERE / folder / "table.parquet")
    for burst, part in found.groupby("mean_burst_s") if folder == "burst" else [(0, found)]:
        losses = sorted(part["loss_rate"].unique())
        print(f"\n## Mean burst {1000 * burst:g} ms" if burst else "\n## Independent loss")
        print(f"\n{curves(part)}\n")
        print("| how much lower (paired difference) | than | " + " | ".join(f"{x:g}" for x in losses) + " |")
        print("|---" * (len(losses) + 2) + "|")
        for pair in zip(*ways(part), strict=True):
            print(lower(part, *pair))
