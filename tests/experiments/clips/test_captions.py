"""Captions: words in order, at the pace they say; WebVTT by its block rules, SubRip as ffmpeg reads it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossweep.endpoints.clip import Clip, ClipError
from lossweep.experiments.clips.captions import parse_captions

CUE = "00:01.000 --> 00:02.000\n"
SRT_CUE = "00:00:01,000 --> 00:00:02,000\n"


def texts(text):
    return [word.text for word in parse_captions(text, "a").words]


def test_srt_words_share_their_cue_by_length():
    captions = parse_captions(f"1\n{SRT_CUE}<i>Hello</i> you\n\n2\n00:00:02,500 --> 00:00:03,000\nall\n", "a")
    assert [(w.text, w.start_s, w.end_s) for w in captions.words] == [
        ("Hello", 1.0, pytest.approx(1.625)),
        ("you", pytest.approx(1.625), 2.0),
        ("all", 2.5, 3.0),
    ]
    assert "even pace" in captions.source


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("WEBVTT\nKind: captions\nLanguage: de\n", "de"),
        ("WEBVTT - said\n", ""),
        ("WEBVTT\n\nNOTE\nLanguage: de\n", ""),
    ],
)
def test_the_header_names_the_language_and_english_is_asked_for_in_one_line(header, language):
    captions = parse_captions(f"{header}\n{CUE}Hallo zusammen\n", "a.vtt")
    assert (captions.language, len(captions.words)) == (language, 2)
    clip = Clip("gruss", words=captions.words, language=captions.language)
    if language:
        with pytest.raises(ClipError, match="clip gruss: its captions are in 'de'"):
            clip.require_english("concealment")
    else:
        clip.require_english("concealment")


def test_automatic_captions_of_youtube_say_each_word_once_at_its_time():
    """Two lines roll; the upper one repeats what was said, and a line of one space is no end of a cue (F3)."""
    captions = parse_captions(
        "WEBVTT\nKind: captions\nLanguage: en\n\n"
        "00:00:00.160 --> 00:00:02.310 align:start position:0%\n \n"
        "good<00:00:00.480><c> morning</c><00:00:01.040><c> all</c>\n\n"
        "00:00:02.310 --> 00:00:02.320 align:start position:0%\ngood morning all\n \n\n"
        "00:00:02.320 --> 00:00:04.470 align:start position:0%\ngood morning all\n"
        "of<00:00:02.560><c> you</c>\n\n"
        "00:00:04.470 --> 00:00:04.480 align:start position:0%\nof you\n \n\n",
        "talk.en.vtt",
    )
    assert [(w.text, w.start_s, w.end_s) for w in captions.words] == [
        ("good", 0.16, 0.48),
        ("morning", 0.48, 1.04),
        ("all", 1.04, 2.31),
        ("of", 2.32, 2.56),
        ("you", 2.56, 4.47),
    ]
    assert captions.notes == ()
    assert "times in the cues" in captions.source


def test_a_line_said_twice_with_times_is_two_lines():
    text = f"WEBVTT\n\n{CUE}oh<00:01.500> no\n\n00:02.000 --> 00:03.000\noh<00:02.500> no\n"
    assert texts(text) == ["oh", "no", "oh", "no"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"WEBVTT\n{CUE}right under it\n", "right under it"),
        (f"WEBVTT\n\n{CUE}one two\n00:02.000 --> 00:03.000\nthree\n", "one two three"),
        (f"WEBVTT\n\nNOTES 1\n{CUE}one\n\nSTYLED\n00:02.000 --> 00:03.000\ntwo\n", "one two"),
        (f"WEBVTT\n\nNOTE not said\nat all\n\nSTYLE\n::cue {{}}\n\nREGION\nid:a\n\nfirst\n{CUE}one\n", "one"),
        (f"WEBVTT\n\n{CUE}one\n\nNOTE after a cue\n\n00:02.000 --> 00:03.000\ntwo\n", "one two"),
        (f"WEBVTT\n\n{CUE}one \n \n two\n", "one two"),
        (f"\ufeffWEBVTT\r\n\r\n1\r\n{CUE.strip()} line:0 align:start\r\none\r\n\r\n", "one"),
        (f"WEBVTT\r\r{CUE.strip()}\rone\r", "one"),
        (f"WEBVTT\n\n{CUE}<v Bob>a &lt;b&gt; &amp; <c.red.big>c</c> <i>d</i>\n", "a <b> & c d"),
        (f"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n{CUE}one\n", "one"),
        ("WEBVTT\n\n100:00:01.000 --> 100:00:02.000\none\n", "one"),
    ],
)
def test_webvtt_blocks(text, expected):
    captions = parse_captions(text, "a.vtt")
    assert " ".join(w.text for w in captions.words) == expected
    assert captions.notes == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"1\n{SRT_CUE}one two\n2\n00:00:02,000 --> 00:00:03,000\nthree\n", "one two three"),
        (f"{SRT_CUE}one\n\n00:00:02,000 --> 00:00:03,000\ntwo\n", "one two"),
        (f"1\n{SRT_CUE}one\n\ntwo\n\n2\n00:00:02,000 --> 00:00:03,000\nthree\n", "one two three"),
        (f"1\n{SRT_CUE}in\n1984\n\n2\n00:00:02,000 --> 00:00:03,000\n42\n", "in 1984 42"),
        (f"1\n{SRT_CUE}I am < 30 and you are > 20 here\n", "I am < 30 and you are > 20 here"),
        (f"1\n{SRT_CUE}if a<b and c>d or x<3\n", "if a<b and c>d or x<3"),
        (f'1\n{SRT_CUE}<font color="#fff">a</font> <B>b</B> {{\\an8}}c<br/>d <i>e</i>\n', "a b c d e"),
        (f"1\n{SRT_CUE}\n\n2\n00:00:02,000 --> 00:00:03,000\ntwo\n", "two"),
        (f"\ufeff1\r\n{SRT_CUE.strip()}\r\none\r\n\r\n", "one"),
        (f"1\r{SRT_CUE.strip()}\rone\r\r", "one"),
        ("1\n00:00:01.000 --> 00:00:02.000 X1:1 X2:2\none\n", "one"),
        ("1\n00:01,000 --> 00:02,000\none\n\n2\n00:00:02 --> 00:00:03\ntwo\n", "one two"),
        (f"1\n00:00:05,000 --> 00:00:06,000\ntwo\n\n2\n{SRT_CUE}one\n", "one two"),
    ],
)
def test_subrip_as_players_read_it(text, expected):
    captions = parse_captions(text, "a.srt")
    assert " ".join(w.text for w in captions.words) == expected
    assert captions.notes == ()


def test_what_is_left_out_is_said_with_its_line():
    captions = parse_captions(f"WEBVTT\n\n00:05.000 -> 00:06.000\nlost\n\n{CUE}kept\n", "a.vtt")
    assert [w.text for w in captions.words] == ["kept"]
    (note,) = captions.notes
    assert "a.vtt" in note
    assert "line 3" in note
    captions = parse_captions(f"1\n{SRT_CUE}kept\n\n2\n00:00:03,000 --> 00:00:02,000\nlost\n", "a.srt")
    assert [w.text for w in captions.words] == ["kept"]
    assert "end before they begin" in captions.notes[0]


@pytest.mark.parametrize(
    "text", ["", "WEBVTT\n\n", "1\nHello\n", "WEBVTT\n\n00:01.000 -> 00:02.000\nHello\n"]
)
def test_captions_without_words_end_in_one_line(text):
    with pytest.raises(ClipError, match=r"a\.srt") as caught:
        parse_captions(text, "a.srt")
    assert "\n" not in str(caught.value)


@given(st.text(max_size=200))
def test_parser_raises_nothing_but_its_own_error(text):
    for head in ("", "WEBVTT\n\n", f"1\n{SRT_CUE}"):
        with contextlib.suppress(ClipError):
            words = parse_captions(head + text, "a").words
            assert all(word.start_s <= word.end_s for word in words)


def test_a_time_inside_a_word_does_not_split_it():
    words = parse_captions(f"WEBVTT\n\n{CUE}he<00:01.500><c>llo</c><00:01.700><c> you</c> - yes\n", "a").words
    assert [w.text for w in words] == ["hello", "you", "-", "yes"]
    assert (words[0].start_s, words[0].end_s, words[1].start_s) == (1.0, 1.7, 1.7)


def test_a_subrip_time_below_zero_is_read_as_ffmpeg_reads_it_and_not_said_to_be_left_out():
    found = parse_captions("1\n-00:00:00,200 --> 00:00:01,000\nhello\n", "talk.srt")
    assert [word.text for word in found.words] == ["hello"]
    assert found.notes == ()
