"""Captions and transcripts beside a clip: found whatever their names, read whatever their encoding."""

from dataclasses import replace

import numpy as np
import pytest

from lossweep.endpoints.clip import Clip, ClipError
from lossweep.experiments.clips.recognized import with_words
from lossweep.experiments.clips.sidecars import read_sidecars, read_text

SRT = "1\n00:00:01,000 --> 00:00:02,000\n{}\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\n{}\n"


def beside(tmp_path, *names):
    for name in names:
        form = VTT if name.lower().endswith("vtt") else SRT
        (tmp_path / name).write_text(form.format(name))
    return read_sidecars(tmp_path / "talk.mp4")


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("talk.vtt", ""),
        ("talk.srt", ""),
        ("talk.VTT", ""),
        ("talk.SRT", ""),
        ("talk.Srt", ""),
        ("talk.en.vtt", "en"),
        ("talk.en.SRT", "en"),
        ("talk.en-orig.vtt", "en-orig"),
        ("talk.pt-BR.srt", "pt-BR"),
        ("talk.de.sdh.srt", "de"),
        ("talk.forced.srt", ""),
        ("talk.mp4.srt", ""),
        ("Talk.srt", ""),
        ("TALK.EN.SRT", "EN"),
        ("Talk.MP4.vtt", ""),
    ],
)
def test_captions_are_found(tmp_path, name, language):
    found = beside(tmp_path, name)
    assert [word.text for word in found.captions.words] == [name]
    assert (found.captions.language, found.notes) == (language, ())


@pytest.mark.parametrize(
    "names",
    [
        ("talk.vtt", "talk.srt"),
        ("talk.srt", "talk.en.vtt"),
        ("talk.en.srt", "talk.de.vtt"),
        ("talk.en-GB.vtt", "talk.en.srt", "talk.ar.vtt"),
        ("talk.de.srt", "talk.en.forced.vtt"),
        ("talk.SRT", "talk.ass"),
        ("talk.de.srt", "Talk.en.vtt"),
    ],
)
def test_of_several_the_best_is_used_and_the_others_are_named(tmp_path, names):
    found = beside(tmp_path, *names)
    assert [word.text for word in found.captions.words] == [names[0]]
    (note,) = found.notes
    assert note.startswith(f"captions of {names[0]} are used, not ")
    assert all(name in note for name in names[1:])


def test_captions_of_another_clip_are_left_alone(tmp_path):
    (tmp_path / "talk.en.mp4").touch()
    found = beside(tmp_path, "talk.en.srt", "talking.srt", "other.srt")
    assert (found.captions, found.problem, found.notes) == (None, "", ())


@pytest.mark.parametrize("name", ["talk.ass", "talk.v2.srt", "talk_en.srt", "talk (1).vtt"])
def test_captions_in_another_format_or_by_another_name_are_named(tmp_path, name):
    found = beside(tmp_path, name)
    assert found.captions is None
    assert f"{name} not used" in found.notes[0]


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("utf-16-le", "UTF-16-LE"),
        ("utf-16-be", "UTF-16-BE"),
        ("utf-32", ""),
        ("latin-1", "Windows-1252"),
        ("cp1252", "Windows-1252"),
    ],
)
@pytest.mark.parametrize("form", [SRT, VTT])
def test_any_encoding_is_read_or_said(tmp_path, form, encoding, said):
    suffix = "vtt" if form is VTT else "srt"
    (tmp_path / f"talk.{suffix}").write_bytes(form.format("Grüße façade").encode(encoding))
    found = read_sidecars(tmp_path / "talk.mp4").captions
    assert [word.text for word in found.words] == ["Grüße", "façade"]
    assert said in "".join(found.notes)
    assert bool(found.notes) == bool(said)


def test_broken_captions_stop_only_what_needs_words(tmp_path):
    (tmp_path / "talk.srt").write_text("no captions at all\n")
    found = read_sidecars(tmp_path / "talk.mp4")
    assert found.captions is None
    assert "talk.srt" in found.problem
    clip = Clip("talk", speech=np.zeros(16000, np.float32), words_problem=found.problem)
    with pytest.raises(ClipError, match=r"clip talk: talk\.srt"):
        with_words(clip)
    assert with_words(replace(clip, speech=None, words_problem="")).words is None


def test_a_transcript_is_read_in_its_encoding(tmp_path):
    (tmp_path / "talk.txt").write_bytes("Gr\xfc\xdfe\r\nan alle".encode("utf-16"))
    assert read_sidecars(tmp_path / "talk.mp4").transcript == "Grüße\nan alle"
    assert read_text(tmp_path / "talk.txt") == ("Grüße\nan alle", "")


def test_names_that_differ_in_case_belong_to_a_clip_that_has_no_own(tmp_path):
    (tmp_path / "TALK.txt").write_text("in capitals")
    assert beside(tmp_path, "TALK.srt").transcript == "in capitals"
    (tmp_path / "talk.txt").write_text("exact")
    assert read_sidecars(tmp_path / "talk.mp4").transcript == "exact"
    (tmp_path / "TALK.mp4").touch()  # now the captions are those of another clip
    assert read_sidecars(tmp_path / "talk.mp4").captions is None


def test_accents_may_be_composed_or_not(tmp_path):
    composed, apart = "na\u00efve", "nai\u0308ve"
    for clip, other in ((composed, apart), (apart, composed)):
        folder = tmp_path / clip
        folder.mkdir()
        (folder / f"{other}.en_GB.srt").write_text(SRT.format("one two"))
        (folder / f"{other}.txt").write_text("one two")
        found = read_sidecars(folder / f"{clip}.mp4")
        assert found.captions.language == "en_GB"
        assert found.transcript == "one two"
