"""Which clips a name stands for, and that a clip can name no other file."""

import os

import pandas as pd
import pytest
from clip_files import write_video

from lossweep.experiments.clips import ClipError, load_clips
from lossweep.experiments.clips.source import sources
from lossweep.experiments.run import Settings, run_scenario
from lossweep.experiments.scenario_file import load


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "video.mkv", rate=25, frames=2, width=64, height=64)


def test_a_folder_gives_its_videos_by_name(tmp_path, monkeypatch, video):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("b.mkv", "a.MKV", "c.avi"):
        (folder / name).write_bytes(video.read_bytes())
    (folder / "notes.txt").write_text("no video")
    (folder / "d.wav").write_text("no video either")
    monkeypatch.setenv("LOSSWEEP_TEST_CLIPS", str(folder))
    assert [clip.name for clip in load_clips("$LOSSWEEP_TEST_CLIPS")] == ["a", "b", "c"]


def test_a_folder_leaves_out_dot_files_and_names_what_it_skips(tmp_path, video, caplog):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.mkv").write_bytes(video.read_bytes())
    (folder / "._a.mkv").write_bytes(b"\0\5\x16\7")
    (folder / "empty.mp4").touch()
    (folder / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (folder / "deep.mp4").mkdir()
    assert sources(str(folder)) == [str(folder / "a.mkv")]
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if "empty.mp4 is skipped: an empty file" in line]
    assert [line for line in lines if "gone.mp4 is skipped: a broken link" in line]
    assert len(lines) == 2


@pytest.mark.parametrize(
    "name",
    [
        "talk $1.mkv",
        "$HOME.mkv",
        "50% {a} [b].mkv",
        "a:b.mkv",
        "file:x.mkv",
        "http:x.mkv",
        "concat:a|b.mkv",
        "日本.mkv",
    ],
)
def test_names_are_kept_whatever_they_look_like(tmp_path, monkeypatch, video, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(video.read_bytes())
    for source in (str(tmp_path / "in" / name), str(tmp_path / "in")):
        (clip,) = load_clips(source)
        assert clip.name == name.removesuffix(".mkv")
    monkeypatch.chdir(tmp_path / "in")
    (clip,) = load_clips(name)
    assert len(clip.video) == 2


def test_a_name_that_is_not_utf8_is_shown_with_marks(tmp_path, video):
    (tmp_path / "in").mkdir()
    target = os.fsencode(tmp_path / "in") + b"/a\xff.mkv"
    with open(target, "wb") as file:
        file.write(video.read_bytes())
    (clip,) = load_clips(str(tmp_path / "in"))
    assert clip.name == "a\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{video}\n#EXT-X-ENDLIST\n"),
        ("a.mkv", "ffconcat version 1.0\nfile {video}\n"),
        ("a.mp4", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"),
        (
            "a.mp4",
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
            "<Representation id='1' bandwidth='1'><BaseURL>{video}</BaseURL></Representation>"
            "</AdaptationSet></Period></MPD>",
        ),
    ],
)
def test_a_clip_that_is_a_playlist_opens_nothing(tmp_path, video, name, content):
    path = tmp_path / name
    path.write_text(content.format(video=video))
    with pytest.raises(ClipError, match="playlists are not opened") as caught:
        load_clips(str(path))
    assert "\n" not in str(caught.value)


def test_addresses_and_devices_are_no_clips(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    for source in ("http://127.0.0.1:9/a.mp4", "concat:/etc/passwd", "pipe:0", "file:/etc/passwd"):
        with pytest.raises(ClipError, match="no such clip"):
            load_clips(source)
    for source in (str(tmp_path / "pipe.mp4"), "/dev/zero"):
        with pytest.raises(ClipError, match="no regular file"):
            load_clips(source)


def test_a_sweep_takes_a_file_whose_name_is_not_unicode(tmp_path, video):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mkv")
    os.link(video, path)
    scenario = load(
        {
            "name": "odd",
            "clip": path,
            "endpoint": {"name": "h264", "quantizer": 45, "gop": 1},
            "channel": {"name": "bernoulli", "loss_rate": 0},
            "metrics": ["psnr"],
        }
    )
    assert run_scenario(scenario, tmp_path / "out", Settings(workers=0)) == 0
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert table["clip"].tolist() == ["caf\ufffd"]
    assert "caf" in (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")
