"""Losses of tc-netem in the kernel, where there is one, agree with ours in law."""

import ctypes
import math
import os
import shutil
import socket
import subprocess

import numpy as np
import pytest

from lossweep.channels.fit import burst_lengths
from lossweep.channels.gilbert_elliott import GilbertElliott
from lossweep.channels.netem import tc_commands

PACKETS = 20_000
CLONE_NEWNET = 0x40000000
MODEL = GilbertElliott(p=0.02, r=0.25, one_minus_h=0.9)


@pytest.fixture
def lossy_loopback():
    """Loopback of a network namespace of this process, with netem on it."""
    if os.geteuid() or shutil.which("tc") is None or shutil.which("ip") is None:
        pytest.skip("needs root and the programs tc and ip")
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    if libc.unshare(CLONE_NEWNET):
        pytest.skip("cannot make a network namespace")
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for command in tc_commands([MODEL], "lo"):
            done = subprocess.run(command.split(), capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"the kernel has no netem ({done.stderr.strip()})")
        yield
    finally:
        libc.setns(before, CLONE_NEWNET)
        os.close(before)


def test_gilbert_elliott_losses_of_the_kernel(lossy_loopback):
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        lost = np.ones(PACKETS, dtype=bool)
        for number in range(PACKETS):
            sender.sendto(number.to_bytes(4, "big"), receiver.getsockname())
            try:
                while True:
                    lost[int.from_bytes(receiver.recv(16), "big")] = False
            except BlockingIOError:
                pass
    memory = 1 - MODEL.p - MODEL.r
    spread = MODEL.loss_rate * (1 - MODEL.loss_rate) * (1 + 2 * memory / (1 - memory)) / PACKETS
    assert abs(lost.mean() - MODEL.loss_rate) < 4.5 * math.sqrt(spread)
    lengths = burst_lengths(lost)
    assert abs(lengths.mean() - MODEL.mean_burst_length) < 4.5 * lengths.std() / math.sqrt(len(lengths))
