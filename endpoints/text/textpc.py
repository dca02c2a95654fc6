"""TextPC: a masked language model of whole words puts lost words back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from endpoints.text.choice import Chooser
from endpoints.text.forms import compose
from endpoints.text.vocabulary import MASK, SPECIAL
from endpoints.text.weights import SHIPPED, load

FIRST_CONTEXT = 5
"""Windows of context at least, once there are as many; the network's length less this is filled at a time."""
BATCH = 16


class TextPC:
    """A masked language model of whole words fills gaps from what arrived, on both sides in the window.

    A missing word is one mask and the head chooses a whole word, so the number of tokens never has to be
    known. Context is what *arrived*: earlier gaps stay masks, so all windows of a text go through the network
    in batches, each with 5 to 19 windows before it. Capital and mark come from a second, small head.

    Source: the SyncSC paper, Section III-C; the network is `endpoints.text.network`.
    """

    def __init__(self, folder: Path = SHIPPED, device: str = "cpu") -> None:
        self.network, self.vocabulary = load(folder, device)
        self.device = device

    def fill(self, words: Sequence[str | None], window: int) -> list[str | None]:
        """The words with every missing one filled in; see `Concealment.fill`."""
        import torch

        filled = list(words)
        if all(word is not None for word in filled):
            return filled
        ids, shapes = self.vocabulary.encode(words)
        length = max(self.network.config.positions // window, 1) * window
        stride = max(length - FIRST_CONTEXT * window, window)
        begins = [0, *range(stride, max(len(ids) - length + stride, 0), stride)]
        chooser = Chooser(len(self.vocabulary))
        with torch.inference_mode():
            for first in range(0, len(begins), BATCH):
                part = begins[first : first + BATCH]
                places = np.minimum(np.array(part)[:, None] + np.arange(length), len(ids) - 1)
                inside = np.array(part)[:, None] + np.arange(length) < len(ids)
                fresh = (np.arange(length) >= length - stride) | (np.array(part)[:, None] == 0)
                wanted = (ids[places] == MASK) & inside & fresh
                if not wanted.any():
                    continue
                tensors = [torch.from_numpy(x).to(self.device) for x in (ids[places], shapes[places])]
                windows = torch.arange(length, device=self.device).unsqueeze(0) // window
                logits, shape_logits = self.network(
                    *tensors, windows, torch.from_numpy(wanted).to(self.device)
                )
                logits[:, :SPECIAL] = -torch.inf
                probabilities = logits.softmax(1).cpu().numpy()
                forms = shape_logits.argmax(1).cpu().numpy()
                where = places[wanted]
                cuts = np.flatnonzero(np.diff(where // window)) + 1
                for gaps, members in zip(
                    np.split(where, cuts), np.split(np.arange(len(where)), cuts), strict=True
                ):
                    for place, member, word in zip(
                        gaps, members, chooser.window(probabilities[members]), strict=True
                    ):
                        filled[place] = compose(self.vocabulary.surfaces[word], int(forms[member]))
        return filled
