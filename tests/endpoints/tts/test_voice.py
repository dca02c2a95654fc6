"""The receiver's voice: it is told what arrived and no more, and costs nothing on the wire."""

import dataclasses
import math

import numpy as np
import pytest

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.channels.errors import WeightsError
from lossweep.endpoints.clip import SPEECH_RATE, Clip, ClipError, Playback, Word
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.system import SystemEndpoint, SystemParams
from lossweep.endpoints.tts.synthesizer import SYNTHESIZERS
from lossweep.endpoints.tts.voice import VoiceParams, VoiceSession, speak, voice_session
from lossweep.experiments.check import check
from lossweep.experiments.clips import load_clips
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.evaluator import play
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

    def speak(self, words, lips, frames, voice, look_ahead_s=math.inf):
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


def test_the_voice_gets_the_words_and_lips_that_arrived_and_nothing_is_sent_for_it(clip):
    spoken, mute = system(voice="hum"), system()
    encoded = spoken.encode(clip)
    assert encoded.stream.packets == mute.encode(clip).stream.packets
    for loss in (0.0, 0.5):
        delivery = simulate(encoded.stream, Bernoulli(loss), Delay(0.02), seed=3)
        received = play(spoken, encoded, delivery, "cpu")
        words, lips, frames, voice = Hum.told[-1]
        assert words == received.clip.words
        assert len(lips) == frames == -int(-received.clip.duration_s * 25 // 1)
        shown = received.semantics[:, :6]
        assert np.allclose(lips[: len(shown)], shown[: len(lips)])
        assert np.array_equal(voice, clip.speech[: 3 * SPEECH_RATE])
        lost = len(clip.words) - sum(word.text is not None for word in words)
        assert (lost > 0) == (loss > 0)
        speech = Hum().speak(words, lips, frames, voice)
        assert np.array_equal(received.clip.speech, speech[: len(received.clip.speech)])
        assert len(received.clip.speech) == round(received.clip.duration_s * SPEECH_RATE)
    assert encoded.columns["voice"] == "hum"
    assert encoded.columns["look_ahead_delay_s"] == 0.6
    assert spoken.label == "syncsc-frozen+text+hum-none"


def test_lips_come_25_times_a_second_whatever_the_clip(clip):
    slow = Clip("slow", [None] * 30, 30.0, words=(Word("one", 0.1, 0.4),))
    ramp = np.arange(30, dtype=np.float32)[:, None] * np.ones((1, 16), np.float32)
    speech = speak(Playback(slow, semantics=ramp), VoiceSession("hum", "own", clip.speech.tobytes()))
    _, lips, frames, _ = Hum.told[-1]
    assert frames == 25
    assert np.allclose(lips[:, 0], np.arange(25) * 1.2)
    assert len(speech) == SPEECH_RATE


def test_without_words_it_is_silent_and_words_that_cannot_be_said_are_left_out(clip):
    voice = VoiceSession("hum", "own", clip.speech.tobytes())
    assert len(speak(Playback(Clip("received", words=())), voice)) == 0
    unknown = Clip("received", [None] * 25, 25.0, words=(Word("мир", 0, 0.5), Word(None, 0.5, 1)))
    assert not speak(Playback(unknown), voice).any()
    assert not Hum.told
    words = (*unknown.words, Word("peace", 1, 1.5))
    speak(Playback(dataclasses.replace(unknown, words=words)), voice)
    assert [word.text for word in Hum.told[-1][0]] == [None, None, "peace"]
    with pytest.raises(ClipError, match="clip received: the word 'мир' is not in Latin letters"):
        voice_session(VoiceParams(name="hum"), dataclasses.replace(unknown, speech=clip.speech))


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
    params = VoiceParams(name="visual", vocoder=str(tmp_path / "hifigan"))
    assert params.label == "visual-hifigan"
    with pytest.raises(WeightsError, match="hifigan"):
        speak(Playback(dataclasses.replace(clip, video=None)), voice_session(params, clip))


def test_a_clip_without_sound_has_no_voice_reference(clip):
    with pytest.raises(ClipError, match="clip portrait has no sound; the voice hum needs 3 s of it"):
        system(voice="hum").encode(dataclasses.replace(clip, speech=None))
