"""The commit of lossweep's own code."""

from __future__ import annotations

import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def git_commit(repository: Path) -> str:
    """The commit of the code, with "+changes" where the tree differs from it.

    "" where the folder is no checkout of lossweep, such as site-packages inside the user's own repository.
    """

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True)
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    top = git("rev-parse", "--show-toplevel")
    tracked = git("ls-files", "--error-unmatch", str(Path(__file__).resolve()))
    if top is None or Path(top).resolve() != repository or not tracked:
        return ""
    changes = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "HEAD") or "") + ("+changes" if changes else "")
