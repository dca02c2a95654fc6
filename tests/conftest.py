"""Property tests have no time limit per example: on a busy machine it fails tests that are right."""

from hypothesis import settings

settings.register_profile("lossweep", deadline=None)
settings.load_profile("lossweep")
