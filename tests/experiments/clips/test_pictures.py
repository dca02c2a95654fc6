"""Pictures: as ffmpeg shows them, and kept where some frames do not decode."""

import struct
import subprocess

import av
import imageio_ffmpeg
import numpy as np
import pytest
from clip_files import grey_of, mux_sound, write_video

from lossweep.endpoints.clip import ClipError
from lossweep.experiments.clips import load_clips
from lossweep.experiments.clips.pictures import read_pictures

ONE = 65536
MATRICES = [(a, 0, 0, d) for a in (ONE, -ONE) for d in (ONE, -ONE)]
MATRICES += [(0, b, c, 0) for b in (ONE, -ONE) for c in (ONE, -ONE)]


def with_matrix(path, a, b, c, d):
    """Writes a display matrix into the track header of an MP4 whose matrix is the identity."""
    identity = struct.pack(">9i", ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
    data = bytearray(path.read_bytes())
    at = data.index(identity, data.index(b"tkhd"))
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


@pytest.mark.parametrize("matrix", MATRICES)
def test_all_eight_display_matrices_are_shown_as_ffmpeg_shows_them(tmp_path, matrix):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 96, 64, "yuv420p", 4_000_000
        picture = np.full((64, 96, 3), 128, np.uint8)
        picture[:24, :40] = 255, 0, 0
        picture[40:, 70:] = 0, 0, 255
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    with_matrix(path, *matrix)
    ours = read_pictures(path, None, None, None).video[0].astype(int)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-frames:v", "1"]
    raw = subprocess.run(
        [*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True
    )
    theirs = np.frombuffer(raw.stdout, np.uint8).reshape(ours.shape).astype(int)
    assert np.abs(ours - theirs).mean() < 4


def spoilt(source, target, which):
    """Copies a video with the bytes of these packets replaced."""
    with av.open(str(source)) as given, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for i, packet in enumerate(p for p in given.demux(video=0) if p.size):
            if i in which:
                bad = av.Packet(b"\xff" * 40)
                bad.pts, bad.dts, bad.time_base, bad.duration = (
                    packet.pts,
                    packet.dts,
                    packet.time_base,
                    packet.duration,
                )
                packet = bad
            packet.stream = stream
            container.mux(packet)
    return target


def test_frames_that_do_not_decode_leave_the_picture_before(tmp_path):
    path = write_video(tmp_path / "a.mkv", rate=25, frames=20, width=64, height=64, codec="mjpeg")
    given = read_pictures(path, None, None, None).video
    pictures = read_pictures(spoilt(path, tmp_path / "b.mkv", {7, 8, 19}), None, None, None)
    expected = [6 if i in (7, 8) else 18 if i == 19 else i for i in range(len(pictures.video))]
    np.testing.assert_array_equal(pictures.video, given[expected])
    assert len(pictures.video) >= 19
    assert pictures.notes == ("3 of its 20 frames do not decode; the picture before stays",)


def test_a_recording_that_begins_without_a_key_frame_is_used_from_the_first_picture_on(tmp_path):
    path = write_video(tmp_path / "a.webm", rate=25, frames=30, width=64, height=64, codec="libvpx", gop=10)
    with av.open(str(path)) as given, av.open(str(tmp_path / "b.webm"), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        packets = [packet for packet in given.demux(video=0) if packet.size][4:]
        key = next(packet for packet in packets if packet.is_keyframe)
        first = round(float(key.pts * key.time_base) * 25)
        for packet in packets:
            packet.stream = stream
            container.mux(packet)
    pictures = read_pictures(tmp_path / "b.webm", None, None, None)
    assert (pictures.video[0].mean() - grey_of(0)) / 6 == pytest.approx(first, abs=0.5)
    assert len(pictures.video) == 30 - first
    missing = first - 4
    said = f"its first {missing} frames ({missing / 25:.2f} s) do not decode and are left out"
    assert pictures.notes == (said,)


def test_a_file_of_which_nothing_decodes_is_refused_in_one_line(tmp_path):
    path = write_video(tmp_path / "a.mkv", rate=25, frames=4, width=64, height=64, codec="mjpeg")
    with pytest.raises(ClipError, match="decodes") as caught:
        read_pictures(spoilt(path, tmp_path / "b.mkv", range(4)), None, None, None)
    assert "\n" not in str(caught.value)


def test_a_file_that_breaks_off_is_used_up_to_there(tmp_path):
    whole = write_video(tmp_path / "a.mkv", rate=25, frames=20, width=64, height=64)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    pictures = read_pictures(cut, None, None, None)
    assert 8 <= len(pictures.video) <= 14


def test_a_cover_picture_is_no_video(tmp_path):
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=48000, layout="mono")
        cover = container.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        mux_sound(container, sound, np.zeros((1, 48000), np.float32), "fltp", "mono", 48000, 0)
        container.mux(sound.encode(None))
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(cover.encode(None))
    with av.open(str(path)) as container:
        assert container.streams.video[0].disposition & av.stream.Disposition.attached_pic
    assert read_pictures(path, None, None, None) is None
    assert load_clips(str(path))[0].speech is not None


def test_of_several_videos_the_default_one_is_taken(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=25) for _ in range(2)]
        for stream, side in zip(streams, (128, 64), strict=True):
            stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        streams[0].disposition, streams[1].disposition = 0, av.stream.Disposition.default
        for stream, side in zip(streams, (128, 64), strict=True):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((side, side, 3), np.uint8))))
            container.mux(stream.encode(None))
    assert read_pictures(path, None, None, None).video.shape[1:3] == (64, 64)
