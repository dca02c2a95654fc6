"""Writes ms.csv, milliseconds per frame to send and to show: `python results/table1/time_frames.py`.

The first 3 s of the built-in clip: encoding (or tracking) and decoding (or drawing) with no loss, one thread, best of
two; rates as in table.csv.
"""

import time
from pathlib import Path

import pandas as pd
import torch

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.endpoints.codecs.video.codec import AV1, H264, H265
from lossweep.endpoints.codecs.video.decode import decode_block
from lossweep.endpoints.codecs.video.encode import encode
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.receiver import receive
from lossweep.endpoints.syncsc import face_endpoint, lazy_frames
from lossweep.experiments.clips import load_clips
from lossweep.sim.simulate import simulate

HERE = Path(__file__).parent
CODECS = {"h264": H264, "h265": H265, "av1": AV1}
PASSES = 2


def forget() -> None:
    """Drops what is kept between calls."""
    decode_block.cache_clear()
    face_endpoint._found.clear()
    lazy_frames._rendered.clear()


def main() -> None:
    """Times the endpoints of table.csv."""
    torch.set_num_threads(1)
    (clip,) = load_clips("portrait", seconds=3)
    table = pd.read_csv(HERE / "table.csv")
    rows = []
    for _, row in table[table["clip"] == "portrait"].iterrows():
        name = row["codec"].split("-")[0]
        options = {"name": name}
        if name in CODECS:
            options |= {"quantizer": row["quantizer"], "gop": 32, "packetization": "rtp"}
        elif name == "syncsc":
            options["drawing"] = row["drawing"]
        rate = {} if row["code"] == "none" else {"code_rate": row["code_rate"]}
        kind, family = ENDPOINTS.get(name), CODES.get(row["code"]).from_params(**rate)
        tried = kind(kind.Params.model_validate(options), family)
        sent, shown = [], []
        for _ in range(PASSES):
            forget()
            start = time.perf_counter()
            if name in CODECS:
                encode(CODECS[name], clip.video, clip.fps, 32, row["quantizer"], 256)
            else:
                tried.encode(clip)
            sent.append(time.perf_counter() - start)
            encoded = tried.encode(clip)
            delivery = simulate(encoded.stream, Bernoulli(0.0), Delay(0.04, 0.005), seed=1)
            received = receive(
                delivery.arrivals(encoded.stream), encoded.session.streams, delivery.playout_delay_s
            )
            start = time.perf_counter()
            list(tried.decode(received, encoded.session).clip.video)
            shown.append(time.perf_counter() - start)
        frames = len(clip.video) / 1000
        said = {"send_ms": round(min(sent) / frames, 2), "show_ms": round(min(shown) / frames, 2)}
        rows.append({"endpoint": row["endpoint"], **said})
        print(rows[-1], flush=True)
    pd.DataFrame(rows).to_csv(HERE / "ms.csv", index=False)


if __name__ == "__main__":
    main()
