"""The network of TextPC: a small BERT that sees whole words, and no window later than the one it fills.

One position is one word, so a missing word is one mask however many tokens another vocabulary would cut it
into: the head chooses among whole words. Attention is two-sided inside a window and reaches back over earlier
windows, never forward (block-causal). All windows of a text are then filled in one pass, each from exactly
what had been received when it was played, and what a live receiver keeps of earlier windows never changes.

The network is a masked language model *and counts*: what the n-gram features of `ngram_features.py` say of a
word is added to its score, each witness times a gate between 0 and infinity that the network sets at each
gap. So it starts at the level of an n-gram model and learns what counts cannot say. (The SyncSC paper has the
masked language model alone, from far more training.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.text.ngram_features import FEATURES, WITNESSES, Evidence
from lossweep.endpoints.text.word_forms import SHAPES

KNOWN_SCALE = 0.1
FIRST_GATE = -0.7
"""Gates start at softplus of it, 0.4: witnesses repeat each other."""
FIRST_OUTPUT = 0.1
"""Scale of the network's own scores at the start, small against what counts say."""


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network; `positions` is the longest text in words."""

    vocabulary: int
    hidden: int = 384
    layers: int = 4
    heads: int = 12
    intermediate: int = 1536
    positions: int = 120
    norm_eps: float = 1e-12


class Layer(nn.Module):
    """A Transformer encoder layer with BERT's order: attention, add and norm, feed-forward, add and norm."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query_key_value = nn.Linear(config.hidden, 3 * config.hidden)
        self.attended = nn.Linear(config.hidden, config.hidden)
        self.attended_norm = nn.LayerNorm(config.hidden, config.norm_eps)
        self.up = nn.Linear(config.hidden, config.intermediate)
        self.down = nn.Linear(config.intermediate, config.hidden)
        self.norm = nn.LayerNorm(config.hidden, config.norm_eps)

    def forward(self, x: Tensor, may_attend: Tensor) -> Tensor:
        """float [batch, words, hidden]; `may_attend` is bool [batch or 1, 1, words, words]."""
        batch, words, hidden = x.shape
        qkv = self.query_key_value(x).view(batch, words, 3, self.heads, hidden // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=may_attend)
        x = self.attended_norm(x + self.attended(mixed.transpose(1, 2).reshape(batch, words, hidden)))
        return self.norm(x + self.down(functional.gelu(self.up(x))))


class TextNetwork(nn.Module):
    """Words, some masked, to a distribution over whole words at each place that is asked for."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.word = nn.Embedding(config.vocabulary, config.hidden)
        self.shape = nn.Embedding(SHAPES, config.hidden)
        self.position = nn.Embedding(config.positions, config.hidden)
        self.embedded_norm = nn.LayerNorm(config.hidden, config.norm_eps)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.transform = nn.Linear(config.hidden, config.hidden)
        self.transform_norm = nn.LayerNorm(config.hidden, config.norm_eps)
        self.word_bias = nn.Parameter(torch.zeros(config.vocabulary))
        self.shape_head = nn.Linear(config.hidden, SHAPES)
        self.gates = nn.Linear(config.hidden, WITNESSES)
        self.gates_known = nn.Linear(FEATURES, WITNESSES, bias=False)
        self.dropout = nn.Dropout(0.1)
        nn.init.zeros_(self.gates.weight)
        nn.init.zeros_(self.gates_known.weight)
        nn.init.constant_(self.gates.bias, FIRST_GATE)
        nn.init.constant_(self.transform_norm.weight, FIRST_OUTPUT)

    def forward(
        self, ids: Tensor, shapes: Tensor, windows: Tensor, wanted: Tensor, evidence: Evidence
    ) -> tuple[Tensor, Tensor]:
        """Scores of the words and shapes that may stand at the wanted places.

        Args:
            ids: int64 [batch, words], MASK where a word is missing.
            shapes: int64 [batch, words].
            windows: int64 [batch or 1, words], not falling; the number of the window each word is in.
            wanted: bool [batch, words].
            evidence: what the witnesses say; its gaps are the wanted places, in their order.
        Returns:
            Word logits float [wanted places, vocabulary], and shape logits float [wanted places, SHAPES].
        """
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.word(ids) + self.shape(shapes) + self.position(places)
        x = self.dropout(self.embedded_norm(x))
        may_attend = (windows.unsqueeze(1) <= windows.unsqueeze(2)).unsqueeze(1)
        for layer in self.layers:
            x = layer(x, may_attend)
        x = functional.gelu(self.transform(x[wanted]))
        x = self.transform_norm(x)
        scores = functional.linear(x, self.word.weight, self.word_bias)
        return self._testify(scores, x / FIRST_OUTPUT, evidence), self.shape_head(x / FIRST_OUTPUT)

    def _testify(self, scores: Tensor, x: Tensor, evidence: Evidence) -> Tensor:
        gap, witness, word, value, known = (
            torch.from_numpy(part).to(scores.device)
            for part in (evidence.gap, evidence.witness, evidence.word, evidence.value, evidence.known)
        )
        gates = functional.softplus(self.gates(x) + self.gates_known(KNOWN_SCALE * known))
        said = gates.flatten()[gap * WITNESSES + witness] * value
        return scores.flatten().index_add(0, gap * scores.shape[1] + word, said).view_as(scores)
