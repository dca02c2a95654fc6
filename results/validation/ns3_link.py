"""The same traffic through ns-3: `python results/validation/ns3_link.py OUT` in an environment with PyPI's `ns3`.

Writes OUT/ns3_loss.csv (a point-to-point link of 100 Mbit/s and 20 ms whose receiver has a RateErrorModel of 5 %) and
OUT/ns3_queue.csv (1 Mbit/s, 10 ms, a DropTailQueue of 20 packets): sequence number, time sent, time received.
"""

import csv
import struct
import sys
from pathlib import Path

import numpy as np
from ns import ns

PACKETS = 20_000
PPP_IP_UDP = 2 + 20 + 8


def traffic(folder: Path) -> Path:
    """Poisson arrivals in whole milliseconds, 0.9 Mbit/s of frames of 500 bytes on the link, for UdpTraceClient."""
    rng = np.random.default_rng(1)
    mean_ms = 500 * 8 / 900.0
    times = np.ceil(np.cumsum(rng.exponential(mean_ms, PACKETS))).astype(int)
    path = folder / "traffic.txt"
    path.write_text("".join(f"{i}\tP\t{t}\t{500 - PPP_IP_UDP}\n" for i, t in enumerate(times)))
    return path


def run(name: str, folder: Path, rate: str, delay: str, queue: str, error_rate: float) -> None:
    """One link, one flow; what is captured at the receiver's device becomes a table."""
    nodes = ns.NodeContainer()
    nodes.Create(2)
    link = ns.PointToPointHelper()
    link.SetDeviceAttribute("DataRate", ns.StringValue(rate))
    link.SetChannelAttribute("Delay", ns.StringValue(delay))
    link.SetQueue("ns3::DropTailQueue", "MaxSize", ns.QueueSizeValue(ns.QueueSize(queue)))
    devices = link.Install(nodes)
    ns.InternetStackHelper().Install(nodes)
    addresses = ns.Ipv4AddressHelper()
    addresses.SetBase(ns.Ipv4Address("10.1.1.0"), ns.Ipv4Mask("255.255.255.0"))
    interfaces = addresses.Assign(devices)
    ns.TrafficControlHelper().Uninstall(devices)
    if error_rate:
        errors = ns.CreateObject[ns.RateErrorModel]()
        errors.SetAttribute("ErrorRate", ns.DoubleValue(error_rate))
        errors.SetAttribute("ErrorUnit", ns.StringValue("ERROR_UNIT_PACKET"))
        devices.Get(1).SetAttribute("ReceiveErrorModel", ns.PointerValue(errors))
    server = ns.UdpServerHelper(9).Install(nodes.Get(1))
    server.Start(ns.Seconds(0))
    client = ns.UdpTraceClientHelper(interfaces.GetAddress(1).ConvertTo(), 9, str(folder / "traffic.txt"))
    client.SetAttribute("TraceFilename", ns.StringValue(str(folder / "traffic.txt")))
    client.SetAttribute("TraceLoop", ns.BooleanValue(False))
    client.Install(nodes.Get(0)).Start(ns.Seconds(1))
    link.EnablePcap(str(folder / name), devices.Get(1), True)
    ns.Simulator.Stop(ns.Seconds(400))
    ns.Simulator.Run()
    ns.Simulator.Destroy()
    (capture,) = folder.glob(f"{name}-*.pcap")
    with (folder / f"ns3_{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "sent_s", "received_s"])
        writer.writerows(rows(capture.read_bytes()))
    capture.unlink()


def rows(data: bytes) -> list[tuple[int, float, float]]:
    """Sequence number and time of sending from ns-3's SeqTsHeader, time of capture; of frames that came whole."""
    unit = 1e-9 if data[:4] == b"\x4d\x3c\xb2\xa1" else 1e-6
    place, found = 24, []
    while place + 16 <= len(data):
        seconds, fraction, captured, _ = struct.unpack_from("<4I", data, place)
        frame = data[place + 16 : place + 16 + captured]
        number, sent_ns = struct.unpack_from("!IQ", frame, PPP_IP_UDP)
        found.append((number, sent_ns / 1e9, seconds + fraction * unit))
        place += 16 + captured
    return found


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    traffic(out)
    run("loss", out, "100Mbps", "20ms", "10000p", 0.05)
    run("queue", out, "1Mbps", "10ms", "20p", 0.0)
