"""The network of TextPC: a small BERT over whole words, block-causal over windows.

One position is one word, so a missing word is one mask whatever its number of subword tokens; the head scores whole
words. Attention is bidirectional inside a window and covers earlier windows, but no later ones (block-causal). So all
windows of a text are filled in one pass, each from what had been received when it was played, and a live receiver can
keep its state of earlier windows.

The score of a word is the output of the masked language model plus the n-gram features of `ngram_features.py`, each
multiplied by a positive gate that the network computes at each gap. So training starts at the level of an n-gram model.
Deviation: the SyncSC paper has the masked language model alone, with far more training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.text.ngram_features import FEATURES, TOTALS, GapFeatures
from lossweep.endpoints.text.word_forms import CASING_PUNCT_CLASSES

KNOWN_SCALE = 0.1
FIRST_GATE = -0.7
"""Gates start at softplus of it, 0.4, since the features overlap."""
FIRST_OUTPUT = 0.1
"""Initial scale of the network's own scores, small against the n-gram features."""


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
    """Words, some masked, to a distribution over whole words at each wanted place."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.word = nn.Embedding(config.vocabulary, config.hidden)
        self.shape = nn.Embedding(CASING_PUNCT_CLASSES, config.hidden)
        self.position = nn.Embedding(config.positions, config.hidden)
        self.embedded_norm = nn.LayerNorm(config.hidden, config.norm_eps)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.transform = nn.Linear(config.hidden, config.hidden)
        self.transform_norm = nn.LayerNorm(config.hidden, config.norm_eps)
        self.word_bias = nn.Parameter(torch.zeros(config.vocabulary))
        self.shape_head = nn.Linear(config.hidden, CASING_PUNCT_CLASSES)
        self.gates = nn.Linear(config.hidden, FEATURES)
        self.gates_known = nn.Linear(TOTALS, FEATURES, bias=False)
        self.dropout = nn.Dropout(0.1)
        nn.init.zeros_(self.gates.weight)
        nn.init.zeros_(self.gates_known.weight)
        nn.init.constant_(self.gates.bias, FIRST_GATE)
        nn.init.constant_(self.transform_norm.weight, FIRST_OUTPUT)

    def forward(
        self, ids: Tensor, casing_punct: Tensor, windows: Tensor, wanted: Tensor, features: GapFeatures
    ) -> tuple[Tensor, Tensor]:
        """Scores of the words and casing classes at the wanted places.

        Args:
            ids: int64 [batch, words], MASK where a word is missing.
            casing_punct: int64 [batch, words].
            windows: int64 [batch or 1, words], not decreasing; the number of the window each word is in.
            wanted: bool [batch, words].
            features: of the wanted places, in their order.
        Returns:
            Word logits float [wanted places, vocabulary], and casing logits
            float [wanted places, CASING_PUNCT_CLASSES].
        """
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.word(ids) + self.shape(casing_punct) + self.position(places)
        x = self.dropout(self.embedded_norm(x))
        may_attend = (windows.unsqueeze(1) <= windows.unsqueeze(2)).unsqueeze(1)
        for layer in self.layers:
            x = layer(x, may_attend)
        x = functional.gelu(self.transform(x[wanted]))
        x = self.transform_norm(x)
        scores = functional.linear(x, self.word.weight, self.word_bias)
        return self.add_ngram_logits(scores, x / FIRST_OUTPUT, features), self.shape_head(x / FIRST_OUTPUT)

    def add_ngram_logits(self, scores: Tensor, x: Tensor, features: GapFeatures) -> Tensor:
        gap, feature, word, value, known = (
            torch.from_numpy(part).to(scores.device)
            for part in (features.gap, features.feature, features.word, features.value, features.known)
        )
        gates = functional.softplus(self.gates(x) + self.gates_known(KNOWN_SCALE * known))
        logits = gates.flatten()[gap * FEATURES + feature] * value
        return scores.flatten().index_add(0, gap * scores.shape[1] + word, logits).view_as(scores)
