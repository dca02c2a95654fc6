"""The network of TextPC: a small BERT that sees whole words, and no window later than the one it fills.

One position is one word, so a missing word is one mask however many tokens another vocabulary would cut it
into: the head chooses among whole words. Attention is two-sided inside a window and reaches back over earlier
windows, never forward (block-causal). All windows of a text are then filled in one pass, each from exactly
what had been received when it was played, and what a live receiver keeps of earlier windows never changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from endpoints.text.forms import SHAPES


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
        self.dropout = nn.Dropout(0.1)

    def forward(self, ids: Tensor, shapes: Tensor, windows: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the words and shapes that may stand at the wanted places.

        Args:
            ids: int64 [batch, words], MASK where a word is missing.
            shapes: int64 [batch, words].
            windows: int64 [batch or 1, words], not falling; the number of the window each word is in.
            wanted: bool [batch, words].
        Returns:
            Word logits float [wanted places, vocabulary], and shape logits float [wanted places, SHAPES].
        """
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.word(ids) + self.shape(shapes) + self.position(places)
        x = self.dropout(self.embedded_norm(x))
        may_attend = (windows.unsqueeze(1) <= windows.unsqueeze(2)).unsqueeze(1)
        for layer in self.layers:
            x = layer(x, may_attend)
        x = self.transform_norm(functional.gelu(self.transform(x[wanted])))
        return functional.linear(x, self.word.weight, self.word_bias), self.shape_head(x)
