"""The columns that lossweep itself gives: one line each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lossweep.experiments.column import PARTS, Column


def _setting(name: str, label: str, **more: Any) -> Column:
    return Column(name, label, "setting", **more)


def _rate(name: str, label: str) -> Column:
    return Column(name, label, "rate", "bit/s", "kbit/s", "lower", 0.0)


def _count(name: str, label: str, **more: Any) -> Column:
    return Column(name, label, "network", lowest=0.0, **more)


def _share(name: str, label: str, **more: Any) -> Column:
    return Column(name, label, "network", shown="%", lowest=0.0, highest=1.0, **more)


def _pictures(name: str, label: str, better: Any, **more: Any) -> Column:
    return Column(name, label, "quality", better=better, media="pictures", **more)


def _speech(name: str, label: str, better: Any = "higher", **more: Any) -> Column:
    return Column(name, label, "quality", better=better, media="speech", **more)


def _words(name: str, label: str, better: Any = "higher", **more: Any) -> Column:
    return Column(name, label, "quality", better=better, media="words", **more)


REVERSE = (
    "loss_rate",
    "mean_burst_s",
    "mean_burst_length",
    "propagation_delay_s",
    "jitter_s",
    "capacity_bps",
)
UNIT: dict[str, Any] = {"lowest": 0.0, "highest": 1.0}
OF_CODE = (
    _setting("code_rate", "code rate", **UNIT),
    _setting("key_code_rate", "code rate of key frames", **UNIT),
    _setting("interleave", "FEC codes interleaved", short="{} codes interleaved", lowest=1.0),
    _setting("pattern", "FEC pattern", short="{}"),
    _setting("window", "FEC window", short="FEC window {}", unit="packets", lowest=1.0),
    _setting("delay", "FEC delay", short="FEC delay {}", unit="packets", lowest=1.0),
)
"""Options of packet codes."""
MOS: dict[str, Any] = {"lowest": 1.0, "highest": 5.0, "near": 0.5}

COLUMNS: tuple[Column, ...] = (
    Column("cell", "cell", "identity"),
    Column("clip", "clip", "identity"),
    Column("endpoint", "system", "identity"),
    Column("repetition", "repetition", "identity", lowest=0.0),
    Column("seed", "seed", "identity", lowest=0.0),
    # What the scenario says.
    _setting("endpoint_name", "endpoint"),
    _setting("codec", "codec"),
    _setting("video_codec", "video codec"),
    _setting("speech_codec", "speech codec"),
    _setting("words_codec", "code of the words"),
    _setting("voice", "voice"),
    _setting("gop", "GOP", lowest=1.0),
    _setting("packetization", "packetization", short="{} packets"),
    _setting("resolution", "coded height", short="{} high", unit="pixels", lowest=1.0),
    _setting("fec_frames", "length of an FEC block", short="FEC over {}", unit="frames", lowest=1.0),
    _setting("quantizer", "quantizer"),
    _setting("target_bpp", "target rate", short="{}", unit="bit/pixel", lowest=0.0),
    _setting("target_bps", "target rate", short="{}", unit="bit/s", shown="kbit/s", lowest=0.0),
    _setting("budget", "what the target rate covers", short="{} budget"),
    _setting("max_payload_size", "largest payload", short="payload {}", unit="bytes", lowest=1.0),
    _setting("bitrate", "coder's bitrate", short="{}", unit="bit/s", shown="kbit/s", lowest=0.0),
    _setting("payload", "payload format"),
    _setting("fec", "in-band FEC"),
    _setting("expected_loss", "loss expected by the coder", shown="%", lowest=0.0, highest=1.0),
    _setting("redundancy", "earlier frames per packet", short="redundancy {}", lowest=0.0),
    _setting("block_frames", "frames per block", lowest=1.0),
    _setting("tracker", "tracker", short="{}"),
    _setting("tracker_folder", "tracker's folder"),
    _setting("faces", "faces"),
    _setting("drawing", "rendering", short="{}"),
    _setting("references", "shared beforehand", short="{}", unit="reference pictures", lowest=1.0),
    _setting("group", "blocks per packet group", short="group {}", lowest=1.0),
    _setting("look_ahead", "look-ahead", unit="frames", lowest=0.0),
    _setting("interpolation", "interpolation", short="{}"),
    _setting("coding", "coding of the semantics", short="{}"),
    _setting("concealment", "concealment of words", short="{}"),
    _setting("window_words", "length of a text window", short="windows of {}", unit="words", lowest=1.0),
    _setting("windows_interleaved", "windows interleaved", lowest=1.0),
    _setting("look_ahead_windows", "look-ahead", unit="windows", lowest=0.0),
    _setting("vocoder", "vocoder"),
    _setting("reference_s", "voice reference", unit="s", lowest=0.0),
    _setting("look_ahead_s", "look-ahead of the voice", short="look-ahead {}", unit="s", lowest=0.0),
    _setting("code", "packet code"),
    *OF_CODE,
    _setting("channel", "channel", short="{}"),
    _setting("loss_rate", "packet loss rate", shown="%", **UNIT),
    _setting("mean_burst_length", "mean loss burst", short="loss bursts of {}", unit="packets", lowest=1.0),
    _setting("mean_burst_s", "mean loss burst", short="loss bursts of {}", unit="s", shown="ms", lowest=0.0),
    _setting("capacity_bps", "link capacity", short="{}", unit="bit/s", shown="kbit/s", lowest=0.0),
    _setting("snr_db", "SNR", short="SNR {}", unit="dB"),
    _setting("snr_est_db", "SNR that both ends believe", short="believed SNR {}", unit="dB"),
    _setting("symbols_per_s", "channel uses of the link", short="{}", unit="1/s", lowest=0.0),
    _setting("coherence_time_s", "coherence time", short="fading over {}", unit="s", shown="ms", lowest=0.0),
    _setting("block", "symbols per fading gain", short="fading blocks of {}", lowest=0.0),
    _setting("known", "receiver knows the gain", short="gain known: {}"),
    _setting("rho", "bandwidth ratio", short="rho {}", **UNIT),
    _setting("link", "choice of the scheme", short="{}"),
    _setting("restore", "with its network"),
    _setting("mcs", "fixed scheme", short="MCS {}", lowest=0.0),
    _setting("chunk", "chunk", short="chunk {}", unit="coefficients", lowest=1.0),
    _setting("queue_s", "queue", short="queue {}", unit="s", shown="ms", lowest=0.0),
    _setting("begin", "begin of the trace"),
    _setting("queue_packets", "queue", short="queue {}", unit="packets", lowest=1.0),
    _setting("queue_bytes", "queue", short="queue {}", unit="bytes", lowest=1.0),
    _setting("aqm", "queue management", short="{}"),
    _setting("rate_bps", "cross traffic", short="cross traffic {}", unit="bit/s", shown="kbit/s", lowest=0.0),
    _setting("file", "trace", short="{}"),
    _setting("duplicate_rate", "duplicated packets", shown="%", **UNIT),
    _setting("corrupt_rate", "corrupted packets", shown="%", **UNIT),
    _setting("distribution", "delay distribution", short="{}"),
    _setting("correlation_time_s", "correlation time of the delay", unit="s", shown="ms", lowest=0.0),
    _setting("reordering", "reordering"),
    _setting("propagation_delay_s", "propagation delay", unit="s", shown="ms", lowest=0.0),
    _setting("jitter_s", "jitter", unit="s", shown="ms", lowest=0.0),
    _setting("playout", "playout", short="{} playout"),
    _setting("playout_delay_s", "playout delay", unit="s", shown="ms", lowest=0.0),
    _setting("pacing_factor", "pacing factor", lowest=1.0),
    _setting("nack", "retransmission", short="NACK"),
    _setting("pli", "key frames on request", short="PLI"),
    _setting("adaptive_fec", "adaptive FEC", short="FEC by {}"),
    _setting("congestion_control", "congestion control", short="{}"),
    _setting("repeat", "times that the clip is sent", lowest=1.0),
    _setting("parties", "calls on the path", short="{} calls", lowest=1.0),
    _setting("party_interval_s", "interval of their beginnings", unit="s", lowest=0.0),
    _setting("max_retries", "requests for one packet", lowest=1.0),
    _setting("report_interval_s", "interval of RTCP reports", unit="s", lowest=0.0),
    *(
        _setting(f"{w}_rate_bps", f"{w} rate", unit="bit/s", shown="kbit/s")
        for w in ("least", "largest", "start")
    ),
    _setting("reverse", "path back", short="back over {}"),
    *(_setting(f"reverse_{one}", f"{one} of the path back".replace("_", " ")) for one in REVERSE),
    _setting("clip_fps", "frame rate", short="{}", unit="fps", lowest=0.0),
    _setting("clip_size", "picture size", short="{}", unit="pixels", lowest=1.0),
    _setting("clip_seconds", "length of the clip", unit="s", lowest=0.0),
    _setting("clip_recognizer", "recognizer of the words"),
    _setting("score_every", "frames per score", lowest=1.0),
    *(_setting(f"{part}_name", f"{part} endpoint") for part in PARTS),
    *(_setting(f"{part}_code", f"packet code of the {part}") for part in PARTS[:3]),
    *(
        replace(option, name=f"{part}_{option.name}", label=f"{option.label} of the {part}")
        for part in PARTS[:3]
        for option in OF_CODE
    ),
    # Rates.
    Column("bpp", "coded rate", "rate", "bit/pixel", "", "lower", 0.0),
    _rate("speech_bps", "coded speech rate"),
    _rate("source_bps", "source rate"),
    _rate("repair_bps", "repair rate"),
    _rate("payload_bps", "payload rate"),
    _rate("wire_bps", "wire rate"),
    _rate("video_wire_bps", "wire rate of the video"),
    _rate("speech_wire_bps", "wire rate of the speech"),
    _rate("words_wire_bps", "wire rate of the words"),
    _rate("source_wire_bps", "wire rate of source packets"),
    _rate("fec_wire_bps", "wire rate of FEC"),
    _rate("rtx_wire_bps", "wire rate of retransmissions"),
    _rate("feedback_wire_bps", "wire rate of RTCP"),
    Column("fairness", "Jain's fairness of the calls", "network", lowest=0.0, highest=1.0, better="higher"),
    Column("target_bitrate_mean", "rate of the congestion control", "rate", "bit/s", "kbit/s", lowest=0.0),
    Column("reference_bytes", "reference pictures", "rate", "bytes", lowest=0.0),
    Column("head_turn", "largest turn from the reference", "rate", "degrees", lowest=0.0, highest=180.0),
    Column("reference_note", "head far from the reference", "note"),
    Column("repair_overhead", "repair overhead", "rate", "", "%", "lower", 0.0),
    Column("rate_note", "rate out of reach", "note"),
    Column("scheme", "modulation and coding scheme", "rate", lowest=0.0),
    Column("channel_uses", "complex channel uses", "rate", lowest=0.0),
    Column("rho_used", "bandwidth ratio used", "rate", lowest=0.0, log=True),
    Column("symbol_rate", "channel uses per second", "rate", "1/s", lowest=0.0),
    Column("words", "words sent", "rate", lowest=0.0),
    Column("windows", "windows sent", "rate", lowest=0.0),
    Column("lbrr", "frames with in-band FEC", "rate", shown="%", lowest=0.0, highest=1.0),
    # What the network did.
    _count("packets_sent", "packets sent"),
    _count("packets_received", "packets received"),
    _count("packets_lost", "packets lost", better="lower"),
    _count("packets_late", "packets too late", better="lower"),
    _count("packets_discarded", "packets discarded", better="lower"),
    _count("packets_repaired", "packets repaired"),
    _count("retransmitted_packets_sent", "packets sent again"),
    _count("retransmitted_packets_received", "retransmissions received"),
    _count("nack_count", "NACK messages"),
    _count("pli_count", "key-frame requests", better="lower"),
    _count("key_frames_encoded", "key frames"),
    _count("fec_packets_sent", "FEC packets sent"),
    _count("fec_packets_received", "FEC packets received"),
    _count("repaired_by_fec", "packets repaired by FEC in time"),
    _count("repaired_by_rtx", "packets repaired by retransmission in time"),
    _count("repaired_late", "packets repaired too late", better="lower"),
    _count("unrepaired", "packets never repaired", better="lower"),
    _count("repair_unused", "repair packets not needed", better="lower"),
    _share("realised_loss", "realised loss"),
    Column("realised_mean_burst_length", "realised loss burst", "network", "packets", lowest=1.0),
    _share("discard_rate", "packets too late", better="lower"),
    _share("post_repair_loss", "loss after repair", better="lower", log=True),
    Column("end_to_end_delay_s", "end-to-end delay", "network", "s", "ms", "lower", 0.0),
    Column("shown_delay_s", "delay from capture to display", "network", "s", "ms", "lower", 0.0),
    Column("look_ahead_delay_s", "delay of the look-ahead", "network", "s", "ms", "lower", 0.0),
    Column("queue_delay_p95_s", "queueing delay, 95 %", "network", "s", "ms", "lower", 0.0),
    _share("frames_in_time", "frames in time", better="higher"),
    _share("frames_decodable", "frames decodable at last", better="higher"),
    *(
        Column(f"frame_latency_p{p}_s", f"frame latency, {p} %", "network", "s", "ms", "lower", 0.0)
        for p in (50, 95, 99)
    ),
    _share("speech_loss", "speech frames not there in time", better="lower"),
    Column("e_model_r", "E-model R", "quality", "", "", "higher", 0.0, 100.0, "speech", 10.0),
    Column("e_model_mos", "E-model MOS", "quality", "", "", "higher", 1.0, 5.0, "speech", 0.5),
    _count("freeze_count", "freezes that ended", better="lower"),
    _count("total_freezes_duration", "time in freezes that ended", unit="s", better="lower"),
    _share("freeze_ratio", "share of the time in freezes that ended", better="lower"),
    _count("frames_dropped", "frames not shown", better="lower"),
    _share("frozen_share", "frozen share", better="lower"),
    # Pictures.
    _pictures("lpips", "LPIPS", "lower", near=0.05, **UNIT),
    _pictures("lpips_paper", "LPIPS, undecodable = 1", "lower", near=0.05, **UNIT),
    _pictures("lpips_student", "LPIPS, distilled network", "lower", near=0.05, **UNIT),
    _pictures("lpips_student_paper", "LPIPS, distilled network, undecodable = 1", "lower", near=0.05, **UNIT),
    _pictures("dists", "DISTS", "lower", near=0.05, **UNIT),
    _pictures("ssim", "SSIM", "higher", lowest=-1.0, highest=1.0, near=0.05),
    _pictures("ms_ssim", "MS-SSIM", "higher", lowest=-1.0, highest=1.0, near=0.05),
    _pictures("psnr", "PSNR", "higher", unit="dB", lowest=0.0, highest=100.0, near=2.0),
    _pictures("vmaf", "VMAF", "higher", lowest=0.0, highest=100.0, near=10.0),
    _pictures("face_lpips", "LPIPS of the face", "lower", near=0.05, **UNIT),
    _pictures("mouth_lpips", "LPIPS of the mouth", "lower", near=0.05, **UNIT),
    _pictures("aed", "expression distance (AED)", "lower", unit="standard deviations", lowest=0.0),
    _pictures("apd", "pose distance (APD)", "lower", unit="degrees", lowest=0.0),
    _pictures("eye_closure", "agreement of closed eyes", "higher", **UNIT),
    _pictures("coefficient_rmse", "RMSE of the semantics", "lower", unit="standard deviations", lowest=0.0),
    _pictures("eye_rmse", "RMSE of the eyes", "lower", unit="standard deviations", lowest=0.0),
    # Speech.
    _speech("pesq", "PESQ (wideband)", lowest=-0.5, highest=4.65, near=0.5),
    _speech("stoi", "STOI", lowest=-1.0, highest=1.0, near=0.1),
    _speech("mcd", "MCD", "lower", unit="dB", lowest=0.0, near=1.0),
    _speech("mcd_dtw", "MCD-DTW", "lower", unit="dB", lowest=0.0, near=1.0),
    _speech("mcd_dtw_sl", "MCD-DTW-SL", "lower", unit="dB", lowest=0.0, near=1.0),
    _speech("mel_ssim", "mel SSIM", lowest=-1.0, highest=1.0, near=0.1),
    _speech("mfcc_cos", "MFCC cosine", lowest=-1.0, highest=1.0, near=0.1),
    _speech("mfcc_fid", "MFCC Frechet distance", "lower", lowest=0.0),
    _speech("dnsmos", "DNSMOS (overall)", **MOS),
    _speech("dnsmos_sig", "DNSMOS (signal)", **MOS),
    _speech("dnsmos_bak", "DNSMOS (background)", **MOS),
    _speech("dnsmos_p808", "DNSMOS (P.808)", **MOS),
    _speech("plcmos", "PLCMOS", **MOS),
    _speech("utmos", "UTMOS", **MOS),
    _speech("speaker_similarity", "speaker similarity", near=0.05, **UNIT),
    _speech("heard_wer", "WER of a recognizer, received speech", "lower", shown="%", lowest=0.0, near=0.1),
    _speech("heard_wer_clean", "WER of a recognizer, clean speech", "lower", shown="%", lowest=0.0),
    _speech("recognizer_wer", "WER of the recognizer of the words", "lower", shown="%", lowest=0.0),
    # Words.
    *(_words(f"bleu_{n}", f"BLEU-{n}", near=0.1, **UNIT) for n in (1, 2, 3, 4)),
    _words("bleu", "BLEU", near=0.1, **UNIT),
    *(_words(f"bleu_{n}_dropped", f"BLEU-{n}, lost words dropped", near=0.1, **UNIT) for n in (1, 2, 3, 4)),
    _words("bleu_dropped", "BLEU, lost words dropped", near=0.1, **UNIT),
    Column("bleu_signature", "BLEU's signature", "note"),
    _words("semantic_similarity", "semantic similarity", lowest=-1.0, highest=1.0, near=0.1),
    _words(
        "semantic_similarity_dropped",
        "semantic similarity, lost words dropped",
        lowest=-1.0,
        highest=1.0,
        near=0.1,
    ),
    _words("word_recovery", "words recovered", shown="%", near=0.1, **UNIT),
    _words("word_recovery_cosine", "words recovered, by meaning", lowest=-1.0, highest=1.0, near=0.1),
    _words("wer", "WER of the words", "lower", shown="%", lowest=0.0, near=0.1),
    _words("chrf", "chrF", near=0.1, **UNIT),
    # Pictures with speech.
    Column("lse_d", "LSE-D", "quality", better="lower", lowest=0.0),
    Column("lse_c", "LSE-C", "quality", better="higher", lowest=0.0),
    Column("lse_offset", "lip-sync offset", "quality", "frames"),
    Column("lse_d_clean", "LSE-D of the clip itself", "quality", better="lower", lowest=0.0),
    Column("lse_c_clean", "LSE-C of the clip itself", "quality", better="higher", lowest=0.0),
    Column("lse_expert", "lip-sync expert", "note"),
    Column("playout_skew_ms", "sound ahead of picture", "quality", "ms"),
    Column("playout_skew_max_ms", "largest skew of sound and picture", "quality", "ms", "", "lower", 0.0),
    Column("playout_in_sync", "time in sync", "quality", "", "%", "higher", 0.0, 1.0, near=0.05),
)
