"""Writes the tables of README.md, below its last line of prose, from table.csv: `python results/tables/make.py`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lossweep.experiments.published import markdown, tables

HERE = Path(__file__).parent
MARK = "<!-- below: made by make.py -->\n"


def section(title: str, rows: pd.DataFrame, over: str) -> list[str]:
    """Tables II, III and IV of some clips, as Markdown lines."""
    lines = [f"## {title}", ""]
    for table in tables(rows, over):
        lines += [f"### {table.title}", "", *markdown(table.table), table.note, ""]
    return lines


def main() -> None:
    """One speaker, people held out from training, and the built-in clip."""
    sentences, rows = (pd.read_csv(HERE / name) for name in ("one_speaker/table.csv", "table.csv"))
    people, portrait = rows[rows["clip"] != "portrait"], rows[rows["clip"] == "portrait"]
    count = sentences["clip"].nunique()
    lines = section(
        f"One speaker: {count} sentences held out", sentences, "mean and 95 % interval over sentences"
    )
    if len(people):
        count = people["clip"].nunique()
        lines += section(f"{count} people held out", people, "mean and 95 % interval over people")
    lines += section("The built-in clip", portrait, "")
    page = HERE / "README.md"
    prose = page.read_text(encoding="utf-8").partition(MARK)[0] if page.exists() else ""
    page.write_text(prose + MARK + "\n" + "\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
