"""The tables of the page: `python results/references/table.py DIR`."""

import sys
from pathlib import Path

import pandas as pd

from lossweep.experiments.sweep import Sweep

COLUMNS = ("lpips", "face_lpips", "mouth_lpips", "aed", "apd", "head_turn", "reference_bytes")
TURNED = "B004"


def main(folder: Path) -> None:
    """Means over people, those of the clip that begins with its head turned, and LPIPS of each person."""
    sweep = Sweep.read(folder)
    table = sweep.table
    heads = " | ".join(f"{sweep.column(name).heading()}" for name in COLUMNS)
    print(f"| clips | drawing | references | {heads} |")
    print("|---" * (len(COLUMNS) + 3) + "|")
    turned = table["clip"].str.startswith(TURNED)
    for clips, rows in ((f"all {table['clip'].nunique()}", table), (TURNED, table[turned])):
        for (drawing, count), some in rows.groupby(["drawing", "references"]):
            values = " | ".join(f"{some[name].mean():.3g}" for name in COLUMNS[:-1])
            size = some["reference_bytes"].mean()
            print(f"| {clips} | {drawing} | {count} | {values} | {size:.0f} |")
    drawn = table[table["drawing"] == "generator"]
    by_clip = drawn.pivot_table(index="clip", columns="references", values="lpips")
    turns = drawn[drawn["references"] == 1].set_index("clip")["head_turn"]
    print("\n| clip | turn, degrees | " + " | ".join(f"LPIPS, {n}" for n in by_clip) + " |")
    print("|---" * (len(by_clip.columns) + 2) + "|")
    for clip in turns.sort_values().index:
        values = " | ".join(f"{v:.3f}" for v in by_clip.loc[clip])
        print(f"| {clip[:4].rstrip('_')} | {turns[clip]:.0f} | {values} |")
    far = drawn["reference_note"].notna() if "reference_note" in drawn else pd.Series(False, drawn.index)
    print(f"\nnamed by `run`: {', '.join(sorted(set(drawn['clip'][far & (drawn['references'] == 1)])))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
