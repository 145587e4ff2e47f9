"""Two dozen files that other people's programs stumbled over, each small and made here."""

import io
import os
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soundfile

from tests.voice import voice

RATE = 16_000


def write_all(folder: Path) -> dict[str, Path]:
    """Write every file.

    Args:
        folder: An existing folder.

    Returns:
        The files by name.
    """
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content())
    os.mkfifo(folder / "pipe.wav")
    return {path.name: path for path in sorted(folder.iterdir())}


def sound(
    samples: np.ndarray, rate: int = RATE, container: str = "WAV", coding: str = "PCM_16", channels: int = 1
) -> bytes:
    """A file with these samples, float [samples] or [samples, channels]."""
    file = io.BytesIO()
    samples = np.stack([samples] * channels, axis=1) if channels > 1 else samples
    soundfile.write(file, samples, rate, format=container, subtype=coding)
    return file.getvalue()


def container(
    name: str, coding: str, rate: int = RATE, tracks: int = 1, picture: bool = False, sound_of: Callable = voice
) -> bytes:
    """A container of FFmpeg's with sound tracks, or none, and with or without a picture."""
    file = io.BytesIO()
    with av.open(file, "w", format=name) as out:
        video = out.add_stream("mpeg4", rate=10) if picture else None
        streams = [out.add_stream(coding, rate=rate, layout="mono") for _ in range(tracks)]
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
            for _ in range(10):
                frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
                out.mux(video.encode(frame))
            out.mux(video.encode(None))
        for seed, stream in enumerate(streams):
            frame = av.AudioFrame.from_ndarray(
                sound_of(2.0, rate, seed=seed).astype(np.float32)[np.newaxis], format="fltp", layout="mono"
            )
            frame.sample_rate = rate
            out.start_encoding()
            # Only now the encoder tells the size of its frames.
            resampler = av.AudioResampler(stream.format, "mono", rate, frame_size=stream.frame_size or None)
            for piece in [*resampler.resample(frame), *resampler.resample(None)]:
                out.mux(stream.encode(piece))
            out.mux(stream.encode(None))
    return file.getvalue()


def cut() -> bytes:
    """A WAV of which the second half is missing."""
    content = sound(voice(2.0))
    return content[: len(content) // 2]


def without_size() -> bytes:
    """A WAV whose recorder crashed before it wrote the sizes into its header."""
    content = bytearray(sound(voice(1.0)))
    struct.pack_into("<I", content, 4, 36)
    struct.pack_into("<I", content, 40, 0)
    return bytes(content)


def without_total() -> bytes:
    """A FLAC that was streamed: its STREAMINFO does not give the number of samples (RFC 9639, section 8.2)."""
    content = bytearray(sound(voice(1.0), container="FLAC"))
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    return bytes(content)


def two_parties() -> bytes:
    """A call: who speaks on the left is silent on the right, and the other way round."""
    left, right = voice(2.0, 8_000, seed=1), voice(2.0, 8_000, seed=2)
    left[8_000:], right[:8_000] = 0.001 * left[8_000:], 0.001 * right[:8_000]
    return sound(np.stack([left, right], axis=1), 8_000)


def dtmf() -> bytes:
    """The keys of a telephone: two tones each (ITU-T Q.23), 100 ms long with pauses of 100 ms."""
    time = np.arange(800) / 8_000
    keys = [(697, 1_209), (770, 1_336), (852, 1_477), (941, 1_336)] * 2
    pressed = [np.concatenate([sum(np.sin(2 * np.pi * hertz * time) for hertz in key), np.zeros(800)]) for key in keys]
    return sound(0.2 * np.concatenate(pressed), 8_000)


def music() -> bytes:
    """Four chords, each note plucked and with its harmonics, as hold music has them."""
    time = np.arange(RATE) / RATE
    chords = [(262, 330, 392), (220, 262, 330), (349, 440, 523), (392, 494, 587)]
    bars = [
        sum(np.sin(2 * np.pi * note * k * time) / k**2 * np.exp(-2 * time) for note in chord for k in (1, 2, 3, 4))
        for chord in chords
    ]
    return sound(0.1 * np.concatenate(bars))


def noise() -> bytes:
    """White noise."""
    return sound(np.random.default_rng(0).normal(0, 0.1, 2 * RATE))


CONTENTS: dict[str, Callable[[], bytes]] = {
    "cut.wav": cut,
    "size-0.wav": without_size,
    "no-total.flac": without_total,
    "float-scaled.wav": lambda: sound(20_000 * voice(1.0), coding="FLOAT"),
    "stereo-opposite.wav": lambda: sound(np.stack([voice(1.0), -voice(1.0)], axis=1)),
    "stereo-two-parties.wav": two_parties,
    "noise.wav": noise,
    "silence.wav": lambda: sound(np.zeros(2 * RATE)),
    "dtmf.wav": dtmf,
    "music.wav": music,
    "voice.m4a": lambda: container("mp4", "aac"),
    "voice.webm": lambda: container("webm", "libopus", 48_000),
    "voice.amr": lambda: container("amr", "libopencore_amrnb", 8_000),
    "picture.mp4": lambda: container("mp4", "aac", picture=True),
    "mute.mp4": lambda: container("mp4", "aac", tracks=0, picture=True),
    "two-tracks.mp4": lambda: container("mp4", "aac", tracks=2),
    "pointer.wav": lambda: (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a2146" * 8 + b"\nsize 64044\n"
    ),
    "page.mp3": lambda: b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>Sorry</body></html>\n",
    "empty.wav": bytes,
    "one-sample.wav": lambda: sound(np.full(1, 0.5)),
    "mulaw.wav": lambda: sound(voice(2.0, 8_000), 8_000, coding="ULAW"),
    "96-khz.wav": lambda: sound(voice(1.0, 96_000), 96_000),
    "6-channels.wav": lambda: sound(np.stack([voice(1.0, seed=seed) for seed in range(6)], axis=1)),
}
"""What each file holds but one, a pipe."""
