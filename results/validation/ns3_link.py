"""The same traffic through ns-3: `python results/validation/ns3_link.py OUT` in an environment with PyPI's `ns3`.

Writes OUT/ns3_loss.csv (a point-to-point link of 100 Mbit/s and 20 ms whose receiver has a RateErrorModel of 5 %) and
OUT/ns3_queue.csv (1 Mbit/s, 10 ms, a DropTailQueue of 6 packets): client, sequence number, time sent, time received.
"""

import csv
import struct
import sys
from pathlib import Path

from ns import ns
from ns3_traffic import FRAME_BYTES, INTERVALS_US, SECONDS

PPP_IP_UDP = 2 + 20 + 8


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
    address = interfaces.GetAddress(1).ConvertTo()
    for number, interval_us in enumerate(INTERVALS_US):
        server = ns.UdpServerHelper(9 + number).Install(nodes.Get(1))
        server.Start(ns.Seconds(0))
        client = ns.UdpClientHelper(address, 9 + number)
        client.SetAttribute("MaxPackets", ns.UintegerValue(SECONDS * 1_000_000 // interval_us))
        client.SetAttribute("Interval", ns.TimeValue(ns.MicroSeconds(interval_us)))
        client.SetAttribute("PacketSize", ns.UintegerValue(FRAME_BYTES - PPP_IP_UDP))
        client.Install(nodes.Get(0)).Start(ns.MicroSeconds(1_000_000 + 137 * number))
    link.EnablePcap(str(folder / name), devices.Get(1), True)
    ns.Simulator.Stop(ns.Seconds(SECONDS + 5))
    ns.Simulator.Run()
    ns.Simulator.Destroy()
    (capture,) = folder.glob(f"{name}-*.pcap")
    with (folder / f"ns3_{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["client", "number", "sent_s", "received_s"])
        writer.writerows(rows(capture.read_bytes()))
    capture.unlink()


def rows(data: bytes) -> list[tuple[int, int, float, float]]:
    """Client, number and time of sending (ns-3's SeqTsHeader), time of capture; of frames that came whole."""
    unit = 1e-9 if data[:4] == b"\x4d\x3c\xb2\xa1" else 1e-6
    place, found = 24, []
    while place + 16 <= len(data):
        seconds, fraction, captured, _ = struct.unpack_from("<4I", data, place)
        frame = data[place + 16 : place + 16 + captured]
        port = struct.unpack_from("!H", frame, 2 + 20 + 2)[0]
        number, sent_ns = struct.unpack_from("!IQ", frame, PPP_IP_UDP)
        found.append((port - 9, number, sent_ns / 1e9, seconds + fraction * unit))
        place += 16 + captured
    return found


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    run("loss", out, "100Mbps", "20ms", "10000p", 0.05)
    run("queue", out, "1Mbps", "10ms", "6p", 0.0)
