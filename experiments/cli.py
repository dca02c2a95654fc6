"""The command `lossweep`. Commands import what they need when they run, so that `--help` is quick."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from lossweep.experiments.exit_status import FAILED, INTERRUPTED


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; each user error is one line on stderr, with exit status 2.

    Returns:
        0: done; 1: cells failed, or the folder or disk cannot be used; 2: bad input; 130: interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of clips may not be in the locale's alphabet
            stream.reconfigure(errors="backslashreplace")
    if threading.current_thread() is threading.main_thread():  # a cluster's time limit, as Ctrl-C
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from lossweep.channels.errors import LossweepError

        options = _parser().parse_args(arguments)
        try:
            from lossweep.experiments import commands

            status: int = getattr(commands, f"do_{options.command}")(options)
            sys.stdout.flush()
            return status
        except LossweepError as error:
            return _say(error, error.exit_status)
        except MemoryError:
            return _say(MemoryError("out of memory; use a shorter or smaller clip, or fewer workers"), FAILED)
        except BrokenPipeError:  # of `lossweep ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return INTERRUPTED
        except OSError as error:
            if error.filename is None:
                raise
            what = f"{error.filename}: {error.strerror}; choose a place that can be read and written"
            return _say(OSError(what), FAILED)
    except KeyboardInterrupt as error:
        return _say(error, INTERRUPTED)


def _say(error: BaseException, status: int) -> int:
    for line in (str(error) or "interrupted").split("\n"):
        print(f"lossweep: {line}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lossweep", description="What does the other end see and hear when the network loses this much?"
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and the commit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=name)
        return command

    run = add("run", "run or resume a scenario")
    _takes_scenario(run)
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    run.add_argument("--workers", type=_positive, help="processes (default: one per core)")
    run.add_argument("--threads", type=_positive, default=1, help="threads per process (default: 1)")
    run.add_argument(
        "--accept-changes",
        action="store_true",
        help="reuse a folder made by another scenario, code or versions",
    )
    run.add_argument("--engine", choices=("pool", "ray"), default="pool", help="what runs the cells")
    run.add_argument("--address", metavar="ADDRESS", help="of a Ray cluster, or auto (default: Ray here)")
    run.add_argument(
        "--gpus-per-worker", type=float, default=0.0, metavar="GPUS", help="with Ray; 0.25 shares a GPU"
    )
    run.add_argument("--shard", metavar="I/N", help="only part I of N of the cells; see lossweep merge")
    run.add_argument("--cell", metavar="ID", help="only this cell, computed anew")

    check = add("check", "check a scenario, count its cells and estimate its time; nothing is run")
    _takes_scenario(check)

    plot = add("plot", "draw the curves of a finished sweep")
    plot.add_argument("directory", type=Path, metavar="DIR")
    plot.add_argument("--x", metavar="COLUMN", help="horizontal axis (default: the scenario's)")
    plot.add_argument("--y", nargs="+", default=[], metavar="COLUMN", help="one plot for each")
    plot.add_argument("--facet", nargs="+", default=[], metavar="COLUMN", help="a panel for each value")
    plot.add_argument(
        "--where", nargs="+", default=[], metavar="CONDITION", help="rows to draw: COLUMN=VALUE, !=, <=, >="
    )

    plot.add_argument(
        "--style",
        choices=("ieee", "slides"),
        help="for print: one PDF per panel, fonts embedded, in plots/STYLE",
    )
    plot.add_argument("--pgf", action="store_true", help="with --style: PGF for LaTeX too")

    frontier = add(
        "frontier",
        "find the cheapest wire rate that meets targets within a delay, per scheme and network; draw it",
    )
    frontier.add_argument(
        "source", metavar="SCENARIO|DIR", help="a scenario, which is run, or a finished sweep"
    )
    frontier.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="LIMIT",
        help="such as 'freeze_ratio<=0.01'; all are met",
    )
    frontier.add_argument(
        "--delay", type=float, required=True, metavar="SECONDS", help="from capture to display"
    )
    frontier.add_argument(
        "--x", default="loss_rate", metavar="COLUMN", help="horizontal axis (default: loss_rate)"
    )
    frontier.add_argument("--y", metavar="COLUMN", help="of the map: burst duration, propagation delay, ...")
    frontier.add_argument(
        "--where", nargs="+", default=[], metavar="CONDITION", help="rows to use: COLUMN=VALUE, !=, <=, >="
    )
    frontier.add_argument("--out", type=Path, metavar="DIR", help="folder for the results of a scenario")
    frontier.add_argument(
        "--set", action="append", default=[], metavar="A.B=VALUE", help="change the scenario"
    )
    frontier.add_argument("--workers", type=_positive, help="processes (default: one per core)")

    report = add("report", "write one HTML page: plots, tables, frames, versions")
    report.add_argument("directory", type=Path, metavar="DIR")
    report.add_argument("--no-strip", action="store_true", help="without frames of the clip")

    report.add_argument(
        "--size", type=float, default=10.0, metavar="MB", help="most that the page takes (default: 10)"
    )

    merge = add("merge", "merge the shards of a sweep into one folder")
    merge.add_argument("directories", nargs="+", type=Path, metavar="DIR", help="folders of the shards")
    merge.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the whole sweep")

    serve = add(
        "serve", "show the page of a sweep, with every cell of it, on this machine; a running one too"
    )
    serve.add_argument("directory", type=Path, metavar="DIR")
    serve.add_argument("--port", type=int, default=8000, help="of 127.0.0.1 (default: 8000; 0: a free one)")
    state = add("status", "print how far a sweep is, and the time that is left")
    state.add_argument("directory", type=Path, metavar="DIR")

    listing = add("list", "list endpoints, codes, channels, metrics and scenarios, or the options of one")
    listing.add_argument("name", nargs="?", metavar="NAME", help="an endpoint, code, channel or metric")
    show = add("show", "print a ready-made scenario")
    show.add_argument("name", metavar="NAME")
    add("columns", "list the columns of the tables, with units, ranges and directions")

    simulate = add(
        "simulate", "send one cell, or a recorded stream, through the network; print what the network did"
    )
    _takes_scenario(simulate, optional=True)
    simulate.add_argument("--packets", type=_positive, default=20, help="rows of the packet table to print")
    simulate.add_argument("--pcap", type=Path, metavar="FILE", help="write the packets that are sent")
    simulate.add_argument("--pcap-received", type=Path, metavar="FILE", help="write the packets that arrive")
    simulate.add_argument("--sdp", type=Path, metavar="FILE", help="write the session's SDP")
    simulate.add_argument("--from", dest="recorded", metavar="CAPTURE", help="send a recorded RTP stream")
    simulate.add_argument("--ssrc", type=_ssrc, help="which RTP stream of the capture, such as 0x1234abcd")

    fit = add("fit", "fit loss models to a trace of losses, or to a capture of a received RTP stream")
    fit.add_argument(
        "trace", metavar="TRACE|PCAP", help="0/1 text, sequence numbers, pcap, pcapng or rtpdump"
    )
    fit.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the histogram and a hidden-state model"
    )
    fit.add_argument("--packet-interval", type=float, metavar="SECONDS", help="gives bursts in time too")
    fit.add_argument("--ssrc", type=_ssrc, help="which RTP stream of the capture, such as 0x1234abcd")

    tc = add("tc", "print the Linux tc commands of a scenario's paths")
    _takes_scenario(tc)
    tc.add_argument("--dev", default="eth0", metavar="DEVICE", help="network device (default: eth0)")
    return parser


def _takes_scenario(command: argparse.ArgumentParser, optional: bool = False) -> None:
    how_many = "?" if optional else None
    command.add_argument("scenario", nargs=how_many, help="a YAML file, or the name of a ready-made scenario")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="A.B=VALUE",
        help="change a value (YAML) of the scenario",
    )
    command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="for networks")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def _ssrc(text: str) -> int:
    value = int(text, 0)
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"{text} is no SSRC (0 to 0xffffffff)")
    return value


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        from lossweep.experiments.commit import REPOSITORY, git_commit

        commit = git_commit(REPOSITORY)
        print(f"lossweep {version('lossweep')}" + (f" ({commit})" if commit else ""))
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
