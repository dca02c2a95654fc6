"""SqueezeNet with ImageNet weights, which trainings start from or listen to; torchvision's, from TORCH_HOME."""

from __future__ import annotations

from urllib.error import URLError

from torch import Tensor, nn

from lossweep.channels.errors import WeightsError


def features() -> dict[str, Tensor]:
    """Weights of SqueezeNet 1.1's features.

    Raises:
        WeightsError: they are neither in TORCH_HOME nor to be downloaded.
    """
    from torchvision.models import SqueezeNet1_1_Weights, squeezenet1_1

    try:
        return squeezenet1_1(weights=SqueezeNet1_1_Weights.IMAGENET1K_V1).features.state_dict()
    except (URLError, OSError) as error:
        raise _absent(error) from None


def lpips_squeeze() -> nn.Module:
    """LPIPS on SqueezeNet's features, frozen.

    Raises:
        WeightsError: as `features`.
    """
    import lpips

    try:
        return lpips.LPIPS(net="squeeze", verbose=False).eval().requires_grad_(False)
    except (URLError, OSError) as error:
        raise _absent(error) from None


def _absent(error: Exception) -> WeightsError:
    return WeightsError(
        "training needs torchvision's squeezenet1_1 weights and they could not be downloaded "
        f"({error}); set TORCH_HOME to a folder with hub/checkpoints/squeezenet1_1-b8a52dc0.pth"
    )
