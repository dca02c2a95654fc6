"""The receiver's voice: it is told what arrived and no more, and costs nothing on the wire."""

import dataclasses

import numpy as np
import pytest

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.channels.errors import WeightsError
from lossweep.endpoints.clip import SPEECH_RATE, Clip, ClipError, Word
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.system import SystemEndpoint, SystemParams
from lossweep.endpoints.tts.synthesizer import SYNTHESIZERS
from lossweep.endpoints.tts.voice import Voice, VoiceParams
from lossweep.experiments.clips import load_clips
from lossweep.experiments.scenario import ScenarioError, check
from lossweep.sim.simulate import simulate

VIDEO = {"name": "syncsc", "drawing": "frozen"}
WORDS = {"name": "text"}


class Hum:
    """Keeps what it was told; hums as often as there are words."""

    follows_lips = True
    told: list = []  # noqa: RUF012

    @classmethod
    def load(cls, device="cpu", sounds="own"):
        return cls()

    def speak(self, words, lips, frames, voice):
        Hum.told.append((words, lips, frames, voice))
        count = sum(word.text is not None for word in words)
        return np.sin(0.01 * count * np.arange(frames * 640)).astype(np.float32)


@pytest.fixture(autouse=True)
def _hum(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setitem(SYNTHESIZERS._targets, "hum", f"{__name__}:Hum")
    Hum.told.clear()


@pytest.fixture(scope="module")
def clip():
    whole = load_clips("portrait", seconds=3)[0]
    return dataclasses.replace(whole, video=whole.video[:50])


def system(**parts):
    return SystemEndpoint(SystemParams(**{"video": VIDEO, "words": WORDS, **parts}), NoCode())


def test_the_voice_is_told_the_words_and_lips_that_arrived_and_nothing_is_sent_for_it(clip):
    spoken, mute = system(voice="hum"), system()
    stream = spoken.encode(clip)
    assert stream.packets == mute.encode(clip).packets
    for loss in (0.0, 0.5):
        received = spoken.decode(stream, simulate(stream, Bernoulli(loss), Delay(0.02), seed=3))
        words, lips, frames, voice = Hum.told[-1]
        assert words == received.clip.words
        assert np.allclose(lips, received.semantics[1][:, :6])
        assert frames == len(clip.video) == len(lips)
        assert len(received.clip.speech) == frames * 640
        assert np.array_equal(voice, clip.speech[: 3 * SPEECH_RATE])
        lost = sum(word.text is None for word in words)
        assert (lost > 0) == (loss > 0)
        assert np.array_equal(received.clip.speech, Hum().speak(words, lips, frames, voice))
        assert received.sound_late_s == pytest.approx(0, abs=1e-4)
    assert spoken.columns(stream)["voice"] == "hum"
    assert spoken.label == "syncsc-frozen+text+hum-none"


def test_lips_come_25_times_a_second_whatever_the_clip(clip):
    slow = Clip("slow", [None] * 30, 30.0, clip.speech, (Word("one", 0.1, 0.4),))
    ramp = np.arange(30, dtype=np.float32)[:, None] * np.ones((1, 16), np.float32)
    speech = Voice(VoiceParams(name="hum")).speak(slow, (ramp, ramp), clip.speech)
    _, lips, frames, _ = Hum.told[-1]
    assert frames == 25
    assert np.allclose(lips[:, 0], np.arange(25) * 1.2)
    assert len(speech) == SPEECH_RATE


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({"video": VIDEO, "voice": "hum"}, "a voice speaks words at the receiver: name words"),
        ({"words": WORDS, "speech": {"name": "opus"}, "voice": "hum"}, "and no speech beside it"),
        (
            {"video": {"name": "h264", "bpp": 0.03}, "words": WORDS, "voice": "hum"},
            "voice hum follows the lips that syncsc sends",
        ),
        ({"video": VIDEO, "words": WORDS, "voice": "humm"}, "unknown synthesizer 'humm'; did you mean 'hum'"),
        (
            {"video": VIDEO, "words": WORDS, "voice": {"name": "hum", "reference_s": 0.5}},
            "voice.reference_s: .*greater than or equal to 1",
        ),
    ],
)
def test_mistakes_about_a_voice_are_one_line_each(parts, line):
    scenario = {"name": "s", "channel": {"name": "bernoulli", "loss_rate": 0}, "metrics": []}
    with pytest.raises(ScenarioError, match=line) as error:
        check(scenario | {"endpoint": {"name": "system", **parts}})
    assert len(str(error.value).splitlines()) == 1


def test_a_vocoder_of_the_users_that_is_not_there_is_named(clip, tmp_path):
    there = Voice(VoiceParams(name="visual", vocoder=str(tmp_path / "hifigan")))
    with pytest.raises(WeightsError, match="hifigan"):
        there.speak(clip, None, clip.speech)
    assert there.label == "visual-hifigan"


def test_a_clip_without_sound_has_no_voice_to_borrow(clip):
    with pytest.raises(ClipError, match="clip portrait has no sound, of which the voice hum needs 3 s"):
        system(voice="hum").encode(dataclasses.replace(clip, speech=None))
