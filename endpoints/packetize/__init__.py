"""RTP payload formats: access units to RTP payloads, and received payloads to access units.

One module per format, each with the functions `packetize` and `depacketize`: `h264` (RFC 6184), `h265` (RFC 7798),
`av1` (AV1 RTP specification).
"""

from lossweep.endpoints.packetize.access_unit import AccessUnit, PayloadError, Unit

__all__ = ["AccessUnit", "PayloadError", "Unit"]
