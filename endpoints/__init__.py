"""Senders and receivers of a clip, and the packet codes that they bring along."""

from lossweep.endpoints.fec.code import CODES

CODES.register(
    {
        "pacsc": "lossweep.endpoints.syncsc.codes.family:PacSCFamily",
        "pacsc-s": "lossweep.endpoints.syncsc.codes.family:PacSCSFamily",
    }
)
