"""Packets per second of ns-3: UDP over a point-to-point link with a RateErrorModel; printed as the last word."""

import time

from ns import ns

PACKETS = 50_000

nodes = ns.NodeContainer()
nodes.Create(2)
link = ns.PointToPointHelper()
link.SetDeviceAttribute("DataRate", ns.StringValue("1Gbps"))
link.SetChannelAttribute("Delay", ns.StringValue("20ms"))
devices = link.Install(nodes)
ns.InternetStackHelper().Install(nodes)
addresses = ns.Ipv4AddressHelper()
addresses.SetBase(ns.Ipv4Address("10.1.1.0"), ns.Ipv4Mask("255.255.255.0"))
interfaces = addresses.Assign(devices)
errors = ns.CreateObject[ns.RateErrorModel]()
errors.SetAttribute("ErrorRate", ns.DoubleValue(0.05))
errors.SetAttribute("ErrorUnit", ns.StringValue("ERROR_UNIT_PACKET"))
devices.Get(1).SetAttribute("ReceiveErrorModel", ns.PointerValue(errors))
ns.UdpServerHelper(9).Install(nodes.Get(1)).Start(ns.Seconds(0))
client = ns.UdpClientHelper(interfaces.GetAddress(1).ConvertTo(), 9)
client.SetAttribute("MaxPackets", ns.UintegerValue(PACKETS))
client.SetAttribute("Interval", ns.TimeValue(ns.MicroSeconds(20)))
client.SetAttribute("PacketSize", ns.UintegerValue(1172))
client.Install(nodes.Get(0)).Start(ns.Seconds(1))
ns.Simulator.Stop(ns.Seconds(3))
start = time.process_time()
ns.Simulator.Run()
print(f"ns-3: {PACKETS} packets, packets per processor second {PACKETS / (time.process_time() - start):.0f}")
ns.Simulator.Destroy()
