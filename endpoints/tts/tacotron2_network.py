"""A small Tacotron 2 with three mel frames per step and location-sensitive attention."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lossweep.endpoints.tts.inputs import PhonemeInputs
from lossweep.endpoints.tts.networks import WIDTH, StyleEncoder
from lossweep.endpoints.tts.phonemes import NAMES
from lossweep.endpoints.tts.spectrum import BANDS

FRAMES_PER_STEP = 3
"""Mel frames per step (the reduction factor of Wang et al. 2017)."""
OUT = BANDS + 3
STATE = 256
MAX_FRAMES = 1500
"""Maximum length of a phrase in mel frames, 15 s."""
OWN_FRAMES, ZERO_FRAMES = 0.5, 0.2
"""Shares of training steps that continue from the network's own output, and from zeros."""


class Attention(nn.Module):
    """Location-sensitive attention (Chorowski et al. 2015): earlier weights enter through a convolution."""

    def __init__(self, inner: int = 96) -> None:
        super().__init__()
        self.query = nn.Linear(STATE, inner, bias=False)
        self.key = nn.Linear(WIDTH, inner)
        self.location = nn.Conv1d(2, 16, 21, padding=10)
        self.seen = nn.Linear(16, inner, bias=False)
        self.score = nn.Linear(inner, 1)

    def forward(self, state: Tensor, keys: Tensor, before: Tensor, absent: Tensor) -> Tensor:
        """Weights [batch, n]; keys as `key` gives them; before [batch, 2, n], last and summed weights."""
        seen = self.seen(self.location(before).transpose(1, 2))
        logits = self.score(torch.tanh(self.query(state)[:, None] + keys + seen))[..., 0]
        return logits.masked_fill(absent, -1e4).softmax(1)


class TacotronOutput(NamedTuple):
    """What the network computes.

    Attributes:
        coarse, mel: [batch, 80, frames] in the networks' scale, before and after the postnet.
        predicted: [batch, 3, frames], pitch, voicing as a logit and energy.
        attention: [batch, steps, n].
        stop: [batch, steps], a logit.
    """

    coarse: Tensor
    mel: Tensor
    predicted: Tensor
    attention: Tensor
    stop: Tensor


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
        self.out = nn.Linear(STATE + WIDTH, FRAMES_PER_STEP * OUT)
        self.stop = nn.Linear(STATE + WIDTH, 1)
        self.postnet = nn.Sequential(
            nn.Conv1d(BANDS, 160, 5, padding=2),
            nn.Tanh(),
            nn.Conv1d(160, 160, 5, padding=2),
            nn.Tanh(),
            nn.Conv1d(160, BANDS, 5, padding=2),
        )

    def encode(self, inputs: PhonemeInputs) -> Tensor:
        """Phonemes and voice to [batch, n, width]."""
        x = (self.name(inputs.names) + self.stress(inputs.stress)).transpose(1, 2)
        for layer in self.near:
            x = x + torch.relu(layer(x.masked_fill(inputs.absent[:, None], 0.0)))
        return self.along(x.transpose(1, 2))[0] + self.style(inputs.voice)[:, None]

    def _sample(self, teacher: Tensor, own: Tensor) -> Tensor:
        """The frame that a training step continues from: the teacher's, the network's own or zeros.

        A frame determines the next one almost completely, so a network that always has the true one does not learn
        to attend. Source: scheduled sampling (Bengio et al. 2015).
        """
        if not self.training:
            return teacher
        chance = torch.rand(len(teacher), 1, device=teacher.device)
        zeroed = torch.where(chance < OWN_FRAMES + ZERO_FRAMES, 0.0, teacher)
        return torch.where(chance < OWN_FRAMES, own, zeroed)

    def forward(self, inputs: PhonemeInputs, teacher: Tensor | None = None) -> TacotronOutput:
        """A mel spectrogram for each sequence.

        Args:
            teacher: true frames that steps continue from in training, [batch, 83, frames]: mel, pitch, voiced, energy;
                None: the network's own, until it stops (for a batch of one).
        """
        memory = self.encode(inputs)
        keys = self.attention.key(memory)
        batch, count, _ = memory.shape
        state = [memory.new_zeros(batch, STATE) for _ in range(4)]
        context, shares = memory.new_zeros(batch, WIDTH), memory.new_zeros(batch, count)
        shares[:, 0], total = 1.0, memory.new_zeros(batch, count)
        last = memory.new_zeros(batch, OUT)
        drawn, stops, attended = [], [], []
        for step in range(
            MAX_FRAMES // FRAMES_PER_STEP if teacher is None else teacher.shape[2] // FRAMES_PER_STEP
        ):
            x = self.drop(self.prenet(last))
            state[0], state[1] = self.first(torch.cat([x, context], 1), (state[0], state[1]))
            shares = self.attention(state[0], keys, torch.stack([shares, total], 1), inputs.absent)
            total = total + shares
            context = torch.einsum("bn,bnw->bw", shares, memory)
            state[2], state[3] = self.second(torch.cat([state[0], context], 1), (state[2], state[3]))
            seen = torch.cat([state[2], context], 1)
            frames = self.out(seen).view(batch, FRAMES_PER_STEP, OUT)
            drawn.append(frames)
            stops.append(self.stop(seen)[:, 0])
            attended.append(shares)
            own = _fed(frames[:, -1])
            if teacher is None:
                last = own
                if float(stops[-1]) > 0 and int(shares.argmax()) >= count - 2:
                    break
            else:
                last = self._sample(teacher[:, :, (step + 1) * FRAMES_PER_STEP - 1], own.detach())
        x = torch.cat(drawn, 1).transpose(1, 2)
        coarse, predicted = x[:, :BANDS], x[:, BANDS:]
        attention, stop = torch.stack(attended, 1), torch.stack(stops, 1)
        return TacotronOutput(coarse, coarse + self.postnet(coarse), predicted, attention, stop)


def _fed(frame: Tensor) -> Tensor:
    """An output frame [batch, 83] as the next step's input: voicing 0 or 1."""
    mel, pitch, voicing, energy = frame.split([BANDS, 1, 1, 1], 1)
    return torch.cat([mel, pitch, (voicing > 0).to(frame.dtype), energy], 1)
