"""Tacotron 2 on this project's data, smaller: it draws two mel frames at a time and attends to where it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lossweep.endpoints.tts.networks import WIDTH, StyleEncoder
from lossweep.endpoints.tts.phonemes import NAMES
from lossweep.endpoints.tts.spectrum import BANDS

AT_ONCE = 3
"""Mel frames a step (the reduction factor of Wang et al. 2017)."""
OUT = BANDS + 3
STATE = 256
MOST = 1500
"""Mel frames of a phrase at most, 15 s."""


OWN, NOTHING = 0.5, 0.2


class Attention(nn.Module):
    """Location-sensitive attention (Chorowski et al. 2015): what was attended to before is seen through a filter."""

    def __init__(self, inner: int = 96) -> None:
        super().__init__()
        self.query = nn.Linear(STATE, inner, bias=False)
        self.key = nn.Linear(WIDTH, inner)
        self.location = nn.Conv1d(2, 16, 21, padding=10)
        self.seen = nn.Linear(16, inner, bias=False)
        self.score = nn.Linear(inner, 1)

    def forward(self, state: Tensor, keys: Tensor, before: Tensor, absent: Tensor) -> Tensor:
        """Shares [batch, n]; keys as `key` gives them; before [batch, 2, n], last and summed shares."""
        seen = self.seen(self.location(before).transpose(1, 2))
        logits = self.score(torch.tanh(self.query(state)[:, None] + keys + seen))[..., 0]
        return logits.masked_fill(absent, -1e4).softmax(1)


class Tacotron2Network(nn.Module):
    """Phonemes and a voice to a mel spectrogram with pitch and voicing (Shen et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.name, self.stress = nn.Embedding(len(NAMES), WIDTH), nn.Embedding(3, WIDTH)
        self.near = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 5, padding=2) for _ in range(2))
        self.along = nn.LSTM(WIDTH, WIDTH // 2, batch_first=True, bidirectional=True)
        self.style = StyleEncoder()
        self.prenet = nn.Sequential(
            nn.Linear(OUT, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 128), nn.ReLU()
        )
        self.drop = nn.Dropout(0.5)
        self.attention = Attention()
        self.first = nn.LSTMCell(128 + WIDTH, STATE)
        self.second = nn.LSTMCell(STATE + WIDTH, STATE)
        self.out = nn.Linear(STATE + WIDTH, AT_ONCE * OUT)
        self.stop = nn.Linear(STATE + WIDTH, 1)
        self.postnet = nn.Sequential(
            nn.Conv1d(BANDS, 160, 5, padding=2),
            nn.Tanh(),
            nn.Conv1d(160, 160, 5, padding=2),
            nn.Tanh(),
            nn.Conv1d(160, BANDS, 5, padding=2),
        )

    def encoded(self, given: dict[str, Tensor]) -> Tensor:
        """Phonemes and voice to [batch, n, width]; see `FastSpeech2Network` for what is given."""
        x = (self.name(given["names"]) + self.stress(given["stress"])).transpose(1, 2)
        for layer in self.near:
            x = x + torch.relu(layer(x.masked_fill(given["absent"][:, None], 0.0)))
        return self.along(x.transpose(1, 2))[0] + self.style(given["voice"])[:, None]

    def _mixed(self, true: Tensor, own: Tensor) -> Tensor:
        """In training half of the frames that it goes on from are its own and a fifth are nothing.

        A frame says almost all about the next one; a network that may lean on it does not learn to attend.
        Source: scheduled sampling (Bengio et al. 2015).
        """
        if not self.training:
            return true
        chance = torch.rand(len(true), 1, device=true.device)
        return torch.where(chance < OWN, own, torch.where(chance < OWN + NOTHING, 0.0, true))

    def forward(self, given: dict[str, Tensor], true: Tensor | None = None) -> dict[str, Tensor]:
        """Draws a mel spectrogram for each sequence.

        Args:
            given: see `FastSpeech2Network`.
            true: what precedes each step in training, [batch, 83, frames]: mel, pitch, voiced, energy; None: what
                was drawn itself, until it stops (for a batch of one).
        Returns:
            coarse and mel [batch, 80, frames] in the networks' scale; told [batch, 3, frames], pitch, voicing as a
            logit and energy; shares [batch, steps, n]; stop [batch, steps], a logit.
        """
        memory = self.encoded(given)
        keys = self.attention.key(memory)
        batch, count, _ = memory.shape
        state = [memory.new_zeros(batch, STATE) for _ in range(4)]
        context, shares = memory.new_zeros(batch, WIDTH), memory.new_zeros(batch, count)
        shares[:, 0], total = 1.0, memory.new_zeros(batch, count)
        last = memory.new_zeros(batch, OUT)
        drawn, stops, attended = [], [], []
        for step in range(MOST // AT_ONCE if true is None else true.shape[2] // AT_ONCE):
            x = self.drop(self.prenet(last))
            state[0], state[1] = self.first(torch.cat([x, context], 1), (state[0], state[1]))
            shares = self.attention(state[0], keys, torch.stack([shares, total], 1), given["absent"])
            total = total + shares
            context = torch.einsum("bn,bnw->bw", shares, memory)
            state[2], state[3] = self.second(torch.cat([state[0], context], 1), (state[2], state[3]))
            seen = torch.cat([state[2], context], 1)
            frames = self.out(seen).view(batch, AT_ONCE, OUT)
            drawn.append(frames)
            stops.append(self.stop(seen)[:, 0])
            attended.append(shares)
            own = _fed(frames[:, -1])
            if true is None:
                last = own
                if float(stops[-1]) > 0 and int(shares.argmax()) >= count - 2:
                    break
            else:
                last = self._mixed(true[:, :, (step + 1) * AT_ONCE - 1], own.detach())
        x = torch.cat(drawn, 1).transpose(1, 2)
        coarse, told = x[:, :BANDS], x[:, BANDS:]
        return {
            "coarse": coarse,
            "mel": coarse + self.postnet(coarse),
            "told": told,
            "shares": torch.stack(attended, 1),
            "stop": torch.stack(stops, 1),
        }


def _fed(frame: Tensor) -> Tensor:
    """A frame as drawn [batch, 83] as the next step takes it: voicing 0 or 1."""
    mel, pitch, voicing, energy = frame.split([BANDS, 1, 1, 1], 1)
    return torch.cat([mel, pitch, (voicing > 0).to(frame.dtype), energy], 1)
