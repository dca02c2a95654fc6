"""A manifest holds no path of the machine that made it."""

import pytest

from lossweep.experiments.manifest import without_folders


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("utmos: model in /home/me/torch/hub is missing", "utmos: model in hub is missing"),
        (
            "get it from https://example.org/a/b and set TORCH_HOME",
            "get it from https://example.org/a/b and set TORCH_HOME",
        ),
        ("lpips: /a/b/c.pth (not there)", "lpips: c.pth (not there)"),
        ("nothing to hide, 1/2", "nothing to hide, 1/2"),
    ],
)
def test_absolute_paths_are_reduced_to_names(text, wanted):
    assert without_folders(text) == wanted
