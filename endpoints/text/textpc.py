"""TextPC: concealment of lost words by a masked language model of whole words and n-gram counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.text import ngram_counts as counts
from lossweep.endpoints.text.concealment import window_slices
from lossweep.endpoints.text.mbr_decoding import MbrDecoder, breaks_before
from lossweep.endpoints.text.ngram_features import NgramFeatures
from lossweep.endpoints.text.vocabulary import MASK, SPECIAL
from lossweep.endpoints.text.weights import SHIPPED, load

CONTEXT = 30
"""Words of context at least, once there are as many; the network's length less this is filled at a time."""
BATCH = 16


class TextPC:
    """A masked language model of whole words fills gaps from what arrived, on both sides in the window.

    A missing word is one mask and the head chooses a whole word, so the number of tokens never has to be
    known. The context is what *arrived*: earlier gaps stay masked, so all windows of a text go through the network
    in batches, each with 30 to 114 words before it. Counts of neighbours and of recent words
    add to the scores (`lossweep.endpoints.text.ngram_features`). Casing and mark come from a second, small head.

    Source: the SyncSC paper, Section III-C; the network is `lossweep.endpoints.text.network`.
    """

    def __init__(self, folder: Path = SHIPPED, device: str = "cpu") -> None:
        self.network, self.vocabulary = load(folder, device)
        self.ngram_features = NgramFeatures(counts.load(folder / counts.FILE), self.vocabulary.frequency)
        self.device = device

    def fill(
        self, words: Sequence[str | None], windows: NDArray[np.int64], ahead: int = 0
    ) -> list[str | None]:
        """The words with every missing one filled in; see `Concealment.fill`."""
        ids, casing_punct = self.vocabulary.encode(words)
        gaps = np.flatnonzero(ids == MASK)
        breaks = breaks_before(casing_punct, ids == MASK)
        filled, decoder = list(words), MbrDecoder(self.vocabulary)
        for places, probabilities, forms in self.distributions(ids, casing_punct, windows, gaps, ahead):
            broken = breaks[np.searchsorted(gaps, places)]
            for part in window_slices(windows[places]):
                chosen = decoder.decode(probabilities[part], forms[part], broken[part])
                for place, word in zip(places[part], chosen, strict=True):
                    filled[place] = word
        return filled

    def distributions(
        self,
        ids: NDArray[np.int64],
        casing_punct: NDArray[np.int64],
        windows: NDArray[np.int64],
        gaps: NDArray[np.int64],
        ahead: int = 0,
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]]:
        """Probabilities of the words and casing classes at gaps.

        Args:
            ids, casing_punct, windows: int64 [words], of the text; ids are MASK where a word is missing.
            gaps: int64 [gaps], ascending places; all the gaps of a window or none.
            ahead: windows after a gap's own that its context may include.
        Yields:
            Some of the gaps, in order; float32 [them, vocabulary]; float32 [them, CASING_PUNCT_CLASSES].
        """
        import torch

        length = self.network.config.positions
        spans = list(_spans(windows, gaps, length, ahead))
        for first in range(0, len(spans), BATCH):
            part = spans[first : first + BATCH]
            begins, firsts, ends = (np.array(column)[:, None] for column in zip(*part, strict=True))
            places = begins + np.arange(min(length, int((ends - begins).max())))
            inside = places < ends
            wanted = inside & (places >= firsts) & np.isin(places, gaps)
            places = np.minimum(places, len(ids) - 1)
            seen = np.minimum(windows[places], windows[firsts]) if ahead else windows[places]
            wanted &= seen == windows[places]
            seen = np.where(inside, seen, windows[-1] + 1)
            features = self.ngram_features.at(ids, windows, places[wanted], ahead)
            with torch.inference_mode():
                scores, forms = self.network(
                    *(
                        torch.from_numpy(x).to(self.device)
                        for x in (ids[places], casing_punct[places], seen, wanted)
                    ),
                    features,
                )
                scores[:, :SPECIAL] = -torch.inf
                yield places[wanted], scores.softmax(1).cpu().numpy(), forms.softmax(1).cpu().numpy()


def _spans(
    windows: NDArray[np.int64], gaps: NDArray[np.int64], length: int, ahead: int
) -> Iterator[tuple[int, int, int]]:
    """Parts of the text, whole windows each, that go through the network: begin, first place filled, end."""
    starts = np.flatnonzero(np.diff(windows, prepend=windows[:1] - 1))
    ends = np.append(starts[1:], len(windows))
    asked = np.unique(np.searchsorted(starts, gaps, side="right") - 1)
    at = 0
    while at < len(asked):
        first = asked[at]
        begin = int(starts[np.searchsorted(starts, max(starts[first] - CONTEXT, 0), side="right") - 1])
        if ahead:
            last = min(first + ahead, len(ends) - 1)
            begin = int(starts[np.searchsorted(starts, max(ends[last] - length, 0))])
            yield min(begin, int(starts[first])), int(starts[first]), int(ends[last])
            at += 1
            continue
        last = first
        while last + 1 < len(ends) and ends[last + 1] - begin <= length:
            last += 1
        yield begin, int(starts[first]), int(ends[last])
        at = int(np.searchsorted(asked, last, side="right"))
