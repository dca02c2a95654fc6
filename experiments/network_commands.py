"""The commands about the network alone: simulate, fit, tc."""

from __future__ import annotations

import argparse
import time

from lossweep.channels.errors import OptionError
from lossweep.experiments.cell import Cell
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.in_words import in_words
from lossweep.experiments.scenario_file import read
from lossweep.sim.delivery import Delivery
from lossweep.sim.stream import Stream


def fit(options: argparse.Namespace) -> int:
    """Fits loss models to a trace or capture."""
    from lossweep.experiments.fit_report import report_fit

    print(report_fit(options.trace, options.out, options.packet_interval, options.ssrc))
    return 0


def tc(options: argparse.Namespace) -> int:
    """Prints the tc commands of each path of a scenario."""
    from lossweep.channels.netem import tc_commands

    seen: dict[str, None] = {}
    for cell in read(options.scenario, options.set).cells():
        network = cell.channel.make(cell.path.propagation_delay_s, cell.path.jitter_s)
        try:
            lines = tc_commands(network.elements, options.dev)
        except ValueError as error:
            lines = [f"# {error}"]
        seen.setdefault("\n".join([f"# {in_words(cell.channel.model_dump())}", *lines]))
    print("\n".join(seen))
    return 0


def simulate(options: argparse.Namespace, device: str) -> int:
    """Sends one cell, or a recorded stream, through the network and prints what the network did."""
    from lossweep.sim.statistics import statistics

    started = time.perf_counter()
    if options.recorded is not None:
        title, stream, delivery = _recorded(options)
    else:
        title, stream, delivery = _cell(options, device)
    print(title)
    for name, value in statistics(stream, delivery).items():
        print(f"  {name:<28} {value:.6g}")
    print(delivery.table().head(options.packets).to_string(index=False, float_format="{:.4f}".format))
    print(f"{len(stream.packets)} packets, {time.perf_counter() - started:.1f} s")
    return 0


def _cell(options: argparse.Namespace, device: str) -> tuple[str, Stream, Delivery]:
    from lossweep.endpoints import capture_files
    from lossweep.endpoints.sdp import session_description
    from lossweep.experiments.evaluator import Evaluator, deliver

    cell = _first_cell(options)
    try:
        endpoint, encoded = Evaluator([], device).encoded(cell)
        delivery = deliver(cell, encoded.stream)
    except ValueError as error:
        raise ScenarioError(str(error)) from None
    try:
        if options.pcap is not None:
            capture_files.write_sent(options.pcap, encoded.stream, encoded.session, delivery)
        if options.pcap_received is not None:
            capture_files.write_received(options.pcap_received, encoded.stream, encoded.session, delivery)
        if options.sdp is not None:
            options.sdp.write_text(
                session_description(encoded.session, capture_files.FIRST_PORT), newline="", encoding="utf-8"
            )
    except OSError as error:
        raise OptionError(f"cannot write {error.filename}: {error.strerror}") from None
    title = f"{endpoint.label} over {in_words(cell.channel.model_dump())}, repetition {cell.repetition}"
    return title, encoded.stream, delivery


def _recorded(options: argparse.Namespace) -> tuple[str, Stream, Delivery]:
    from lossweep.channels.captures import only_stream, read_rtp
    from lossweep.channels.delay import Delay
    from lossweep.sim.recorded import AS_RECORDED, recorded_traffic
    from lossweep.sim.simulate import simulate as send

    if options.pcap or options.pcap_received or options.sdp:
        raise OptionError(
            "--from takes only times, sizes and losses; --pcap and --sdp need a scenario that is encoded"
        )
    captured = only_stream(options.recorded, read_rtp(options.recorded), options.ssrc)
    stream, losses = recorded_traffic(captured)
    if options.scenario is None:
        delivery = send(stream, losses, Delay(), seed=0, pacing_factor=AS_RECORDED)
        return f"{options.recorded}, SSRC {captured.ssrc:#010x}, as recorded", stream, delivery
    cell = _first_cell(options)
    network = cell.channel.make(cell.path.propagation_delay_s, cell.path.jitter_s)
    delivery = send(
        stream,
        losses,
        *network.elements,
        seed=cell.seed,
        repetition=cell.repetition,
        playout_delay_s=cell.path.playout_delay_s,
        pacing_factor=AS_RECORDED,
    )
    over = in_words(cell.channel.model_dump())
    title = f"{options.recorded}, SSRC {captured.ssrc:#010x}, with its losses, over {over}"
    return title, stream, delivery


def _first_cell(options: argparse.Namespace) -> Cell:
    if options.scenario is None:
        raise OptionError("simulate needs a scenario, or --from with a capture")
    return next(read(options.scenario, options.set).cells())
