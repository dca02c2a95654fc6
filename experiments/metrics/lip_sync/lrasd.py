"""The two encoders of LR-ASD, an active-speaker network, of which the shipped expert is made.

LR-ASD learned on films (AVA) whether the face that is seen says what is heard. Each encoder gives 128 numbers a
frame and looks 9 frames to either side (pictures), 0.3 s (sound).

Source: Liao et al., LR-ASD: Lightweight and Robust Network for Active Speaker Detection, IJCV 2025 (MIT licence,
github.com/Junhua-Liao/LR-ASD); layers as in its published checkpoint.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils.fusion import fuse_conv_bn_eval

SIDE = 112
WIDTHS = (32, 64, 128)
PICTURE_MEAN, PICTURE_STD = 0.4161, 0.1688
NORM = {"momentum": 0.01, "eps": 0.001}


class PictureBlock(nn.Module):
    """A layer across each picture, then one along time, twice; batch norm after each.

    The published layers are three-dimensional; as two-dimensional ones they give the same three times as fast.
    """

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        half = outside // 2
        self.s_1 = nn.Conv2d(inside, half, 5, stride, 2, bias=False)
        self.s_norm_1 = nn.BatchNorm2d(half, **NORM)
        self.s_2 = nn.Conv2d(half, outside, 3, padding=1, bias=False)
        self.s_norm_2 = nn.BatchNorm2d(outside, **NORM)
        self.t_1 = nn.Conv2d(outside, outside, (5, 1), padding=(2, 0), bias=False)
        self.t_norm_1 = nn.BatchNorm2d(outside, **NORM)
        self.t_2 = nn.Conv2d(outside, outside, (3, 1), padding=(1, 0), bias=False)
        self.t_norm_2 = nn.BatchNorm2d(outside, **NORM)

    def forward(self, x: Tensor, clips: int) -> Tensor:
        """[clips frames, inside, rows, columns] to [clips frames, outside, rows, columns], `stride` times smaller."""
        x = relu(self.s_norm_1(self.s_1(x)))
        x = relu(self.s_norm_2(self.s_2(x)))
        pictures, channels, *places = x.shape
        x = x.view(clips, pictures // clips, channels, -1).transpose(1, 2)
        x = relu(self.t_norm_1(self.t_1(x)))
        x = relu(self.t_norm_2(self.t_2(x)))
        return x.transpose(1, 2).reshape(pictures, channels, *places)

    def fuse(self) -> None:
        """Takes the norms into their layers, a third faster; for use alone, not for training."""
        for name in ("s_1", "s_2", "t_1", "t_2"):
            kind, number = name.split("_")
            norm = f"{kind}_norm_{number}"
            setattr(self, name, fuse_conv_bn_eval(getattr(self, name), getattr(self, norm)))
            setattr(self, norm, nn.Identity())


class PictureEncoder(nn.Module):
    """From lower faces to 128 numbers a frame.

    Takes grey pictures [clips, frames, 112, 112] in 0..255; gives [clips, frames, 128].
    """

    def __init__(self) -> None:
        super().__init__()
        narrow, middle, wide = WIDTHS
        self.block1 = PictureBlock(1, narrow, 2)
        self.block2 = PictureBlock(narrow, middle, 1)
        self.block3 = PictureBlock(middle, wide, 1)
        self.pool = nn.MaxPool2d(3, 2, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        clips, frames = pictures.shape[:2]
        x = ((pictures / 255 - PICTURE_MEAN) / PICTURE_STD).flatten(0, 1)[:, None]
        x = self.pool(self.block2(self.pool(self.block1(x, clips)), clips))
        return self.block3(x, clips).amax((2, 3)).view(clips, frames, -1)


class SoundBlock(nn.Module):
    """A layer across the cepstra, then one along time, twice; batch norm after each."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        half = outside // 2
        self.m_1 = nn.Conv2d(inside, half, (5, 1), padding=(2, 0), bias=False)
        self.m_norm_1 = nn.BatchNorm2d(half, **NORM)
        self.m_2 = nn.Conv2d(half, outside, (3, 1), padding=(1, 0), bias=False)
        self.m_norm_2 = nn.BatchNorm2d(outside, **NORM)
        self.t_1 = nn.Conv2d(outside, outside, (1, 5), padding=(0, 2), bias=False)
        self.t_norm_1 = nn.BatchNorm2d(outside, **NORM)
        self.t_2 = nn.Conv2d(outside, outside, (1, 3), padding=(0, 1), bias=False)
        self.t_norm_2 = nn.BatchNorm2d(outside, **NORM)

    def forward(self, x: Tensor) -> Tensor:
        x = relu(self.m_norm_1(self.m_1(x)))
        x = relu(self.m_norm_2(self.m_2(x)))
        x = relu(self.t_norm_1(self.t_1(x)))
        return relu(self.t_norm_2(self.t_2(x)))


class SoundEncoder(nn.Module):
    """From cepstra to 128 numbers a video frame.

    Takes [clips, 4 frames, 13], see `mfcc`; gives [clips, frames, 128].
    """

    def __init__(self) -> None:
        super().__init__()
        narrow, middle, wide = WIDTHS
        self.block1, self.block2 = SoundBlock(1, narrow), SoundBlock(narrow, middle)
        self.block3 = SoundBlock(middle, wide)
        self.pool = nn.MaxPool2d((1, 3), (1, 2), (0, 1))

    def forward(self, cepstra: Tensor) -> Tensor:
        x = self.pool(self.block1(cepstra.mT[:, None]))
        return self.block3(self.pool(self.block2(x))).mean(2).mT


def pretrained(checkpoint: dict[str, Tensor]) -> tuple[PictureEncoder, SoundEncoder]:
    """The encoders with the weights of a published checkpoint.

    Raises:
        RuntimeError: it is not one of LR-ASD.
    """
    encoders = PictureEncoder(), SoundEncoder()
    for encoder, name in zip(encoders, ("visualEncoder", "audioEncoder"), strict=True):
        prefix = f"model.{name}."
        wanted = encoder.state_dict()
        state = {
            key.removeprefix(prefix): value for key, value in checkpoint.items() if key.startswith(prefix)
        }
        encoder.load_state_dict({key: value.reshape(wanted[key].shape) for key, value in state.items()})
    return encoders
