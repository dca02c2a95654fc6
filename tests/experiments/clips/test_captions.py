"""Captions: words in order, at the pace they say, or one clear line."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossweep.endpoints.clip import Clip, ClipError
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.text.endpoint import TextEndpoint, TextParams
from lossweep.experiments.clips.captions import parse_captions, read_captions

SRT = "1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i> you\n\n2\n00:00:02,500 --> 00:00:03,000\nall\n"


def words_of(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_captions(path)


def test_srt_words_share_their_cue_by_length(tmp_path):
    words, source, _ = words_of(tmp_path, "a.srt", SRT)
    assert [(w.text, w.start_s, w.end_s) for w in words] == [
        ("Hello", 1.0, pytest.approx(1.625)),
        ("you", pytest.approx(1.625), 2.0),
        ("all", 2.5, 3.0),
    ]
    assert "even pace" in source


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("WEBVTT\nKind: captions\nLanguage: de\n", "de"),
        ("WEBVTT - said\n", ""),
        ("WEBVTT\n\nNOTE\nLanguage: de\n", ""),
    ],
)
def test_the_header_names_the_language_and_english_is_asked_for_in_one_line(tmp_path, header, language):
    words, _, said = words_of(tmp_path, "a.vtt", f"{header}\n00:01.000 --> 00:02.000\nHallo zusammen\n")
    assert (said, len(words)) == (language, 2)
    clip = Clip("gruss", words=words, language=said)
    TextEndpoint(TextParams(), NoCode()).encode(clip)
    conceals = TextEndpoint(TextParams(concealment="ngram"), NoCode())
    if language:
        with pytest.raises(
            ClipError, match="clip gruss: its captions are in 'de', and concealment ngram knows"
        ):
            conceals.encode(clip)
    else:
        conceals.encode(clip)


def test_vtt_inline_times_are_heeded_and_rolling_lines_said_once(tmp_path):
    text = (
        "WEBVTT - made by hand\nKind: captions\n\nNOTE nothing\nto see\n\nSTYLE\n::cue { color: red }\n\n"
        "first\n"
        "00:01.000 --> 00:03.000 align:start\nGood<00:00:01.500><c> old</c><00:00:02.000><c> times</c>\n\n"
        "00:03.000 --> 00:04.000\nGood old times\nfish &amp;<00:00:03.600> chips\n"
    )
    words, source, _ = words_of(tmp_path, "a.vtt", text)
    assert [w.text for w in words] == ["Good", "old", "times", "fish", "&", "chips"]
    assert [w.start_s for w in words] == [1.0, 1.5, 2.0, 3.0, pytest.approx(3.48), 3.6]
    assert words[2].end_s == 3.0
    assert "times in the cues" in source


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1\nHello\n", "line 1: no time range"),
        ("1\n00:00:01,000 --> 00:00:02\nHello\n", "line 1: no time range"),
        ("1\n00:00:03,000 --> 00:00:02,000\nHello\n", "line 2: the caption ends before it begins"),
        ("WEBVTT\n\n00:01.000 -> 00:02.000\nHello\n", "line 3: no time range"),
        ("", "no words"),
        ("WEBVTT\n\n", "no words"),
    ],
)
def test_malformed_captions_end_in_one_line(tmp_path, text, says):
    with pytest.raises(ClipError, match=says) as caught:
        words_of(tmp_path, "a.srt", text)
    assert "\n" not in str(caught.value)


def test_captions_that_are_not_utf8_say_so(tmp_path):
    (tmp_path / "a.srt").write_bytes("1\n00:00:01,000 --> 00:00:02,000\nGr\xfc\xdfe\n".encode("latin-1"))
    with pytest.raises(ClipError, match="not UTF-8"):
        read_captions(tmp_path / "a.srt")


@given(st.text(max_size=200))
def test_parser_raises_nothing_but_its_own_error(text):
    for head in ("", "WEBVTT\n\n", "1\n00:00:01,000 --> 00:00:02,000\n"):
        with contextlib.suppress(ClipError):
            cues = parse_captions(head + text, "a")
            assert all(cue.start_s <= cue.end_s for cue in cues)
