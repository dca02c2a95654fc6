"""RTP payload formats: an access unit becomes RTP payloads, and what arrived of them an access unit again.

One module a format, each with the pair `packetize` and `depacketize`: `h264` (RFC 6184), `h265` (RFC 7798),
`av1` (AV1 RTP specification).
"""

from lossweep.endpoints.packetize.access_unit import AccessUnit, PayloadError, Unit

__all__ = ["AccessUnit", "PayloadError", "Unit"]
