"""What the voice activity detector takes for speech, and how many streams a core hears, beside Silero alone."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks import line_sounds as sounds
from data_pipeline.audio.decode import decode
from data_pipeline.audio.speech.detector import SECONDS, speech_frames
from data_pipeline.audio.speech.segments import segments
from data_pipeline.audio.speech.silero import FRAME, Silero
from data_pipeline.audio.speech.verdict import LEAST_SPEECH, speech_seconds

Detect = Callable[[Sequence[np.ndarray]], list[np.ndarray]]

_LEVELS = (-6, -12, -20, -30, -40)


def silero_alone(waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Frames of a probability above 0.5, with no other rule: bool [frames] for each waveform."""
    counts = [-(-len(waveform) // FRAME) for waveform in waveforms]
    frames = np.zeros((len(waveforms), max(counts), FRAME), np.float32)
    for row, waveform in zip(frames, waveforms, strict=True):
        row.reshape(-1)[: len(waveform)] = waveform
    silero, streams, active = Silero(len(frames)), np.arange(len(frames)), np.ones(len(frames), bool)
    heard = np.stack([silero.hear(frames[:, place], streams, active) for place in range(max(counts))], axis=1)
    return [row[:count] > 0.5 for row, count in zip(heard, counts, strict=True)]


def by_telephone(waveform: np.ndarray) -> np.ndarray:
    """A waveform after a telephone channel: float32 [samples] at 16 kHz."""
    import tensorflow as tf

    from data_pipeline.audio.telephone import TelephoneSettings, telephone

    return telephone(tf.constant(waveform.astype(np.float32)), TelephoneSettings(), [1, 2]).numpy()


def not_speech(music: dict[str, np.ndarray], speech: np.ndarray, detect: Detect) -> dict[str, float]:
    """The largest share of frames taken for speech in each kind of sound that is none, over levels and places."""
    random = np.random.default_rng(0)
    worst: dict[str, float] = {}
    for name, sound in {**{key: make(12.0) for key, make in sounds.UNCHANGING.items()}, **music}.items():
        heard, first = [], []
        for level in _LEVELS:
            samples = sound * (10 ** (level / 20) / np.abs(sound).max())
            line = random.normal(0, 10 ** ((level - 20) / 20), len(samples))
            for before, after in ((0, samples), (len(speech), samples), (0, samples + line)):
                heard.append(by_telephone(np.concatenate([speech[:before], after])))
                # A quarter of a second after the speech may still be part of it.
                first.append(-(-before // FRAME) + (8 if before else 0))
        worst[name] = max(float(frames[start:].mean()) for frames, start in zip(detect(heard), first, strict=True))
    return worst


def over_music(clips: Sequence[np.ndarray], music: Sequence[np.ndarray], detect: Detect) -> float:
    """Share of the speech of clips that is still found with hold music 10 dB below it."""
    random = np.random.default_rng(0)
    plain, mixed = [], []
    for index, clip in enumerate(clips):
        piece = music[index % len(music)]
        start = int(random.integers(0, len(piece) - len(clip)))
        under = piece[start : start + len(clip)]
        loud = np.sqrt(np.mean(np.sort(np.square(clip))[len(clip) // 2 :]))
        plain.append(by_telephone(clip))
        mixed.append(by_telephone(clip + under * (loud * 10 ** (-10 / 20) / np.sqrt(np.mean(np.square(under))))))
    pairs = zip(map(_smoothed, detect(plain)), map(_smoothed, detect(mixed)), strict=True)
    return float(np.mean(np.concatenate([found[spoken] for spoken, found in pairs])))


def conversation_error(path: Path, detect: Detect) -> float:
    """Share of time in which speech and its reference differ, but for 0.25 s around the reference's edges."""
    waveform = decode(path) / np.float32(32_768)
    milliseconds = len(waveform) // 16
    heard, spoken, edges = np.zeros((3, milliseconds), bool)
    for start, end in segments(detect([waveform])[0]):
        heard[round(1_000 * start) : round(1_000 * end)] = True
    for line in path.with_suffix(".rttm").read_text().splitlines():
        start, seconds = map(float, line.split()[3:5])
        spoken[round(1_000 * start) : round(1_000 * (start + seconds))] = True
    for edge in np.flatnonzero(np.diff(spoken)):
        edges[max(0, edge - 250) : edge + 250] = True
    return float((heard != spoken)[~edges].mean())


def streams_a_core(waveforms: Sequence[np.ndarray], detect: Detect) -> float:
    """Seconds of audio that one core hears in a second, in batches of 256 streams of ten seconds."""
    batch = [np.resize(waveforms[index % len(waveforms)], 160_000) for index in range(256)]
    detect(batch[:2])
    start = time.process_time()
    detect(batch)
    return 256 * 10 / (time.process_time() - start)


def _smoothed(frames: np.ndarray) -> np.ndarray:
    smooth = np.zeros_like(frames)
    for start, end in segments(frames):
        smooth[round(start / SECONDS) : round(end / SECONDS)] = True
    return smooth


def main(
    data: Annotated[Path, typer.Argument(help="Folder with `crema_d/`, `ravdess*/` and `calls/` (hold music, RTTM).")],
    clips_of_each: Annotated[
        int, typer.Option("--clips", help="Number of real clips of each corpus to judge; 0 for all.", min=0)
    ] = 300,
) -> None:
    """Compare `data_pipeline.audio.speech` with Silero alone, frame by frame.

    Silero alone is the same network at the threshold of its authors, 0.5, without noise floor, keys, steady sounds and
    a second hearing. Sounds go through a telephone channel (µ-law) first: keys, tones, hum and noise at five levels,
    alone, after speech and with line noise; hold music likewise; a conversation with reference turns; clips of actors.

    The claim, in `docs/data.md`: what is not speech is not judged, and no voice is lost.

    Example: `python -m benchmarks.speech_detector path/to/data --clips 500`
    """
    from rich.table import Table

    from benchmarks.report import console

    calls = data / "calls"
    music = {path.stem: decode(path, track="mix") / 32_768 for path in sorted((calls / "hold_music").glob("*.flac"))}
    corpora = {
        "CREMA-D": sorted((data / "crema_d" / "AudioMP3").glob("*.mp3")),
        "RAVDESS": sorted(path for folder in data.glob("ravdess*") for path in folder.rglob("*.ogg")),
    }
    clips = {
        name: [decode(path) / np.float32(32_768) for path in _some(paths, clips_of_each)]
        for name, paths in corpora.items()
    }
    speech = np.concatenate(clips["CREMA-D"][:3])
    table = Table(
        "",
        "this project",
        "Silero alone",
        title="share of frames taken for speech, or what is said",
        title_justify="left",
    )
    both: tuple[Detect, Detect] = (speech_frames, silero_alone)
    found = [not_speech(music, speech, detect) for detect in both]
    for name in found[0]:
        table.add_row(f"{name}, the worst of 15 conditions", *(f"{one[name]:.1%}" for one in found))
    mixed = [over_music(clips["CREMA-D"][:60], list(music.values()), detect) for detect in both]
    table.add_row("speech 10 dB above hold music: found", *(f"{one:.1%}" for one in mixed))
    error = [conversation_error(calls / "two_speakers_mono.flac", detect) for detect in both]
    table.add_row("conversation: error of speech and pauses", *(f"{one:.1%}" for one in error))
    for name, some in clips.items():
        for where, heard in (("clean", some), ("by telephone", [by_telephone(clip) for clip in some])):
            ours = sum(speech_seconds([clip], LEAST_SPEECH)[0] < LEAST_SPEECH for clip in heard)
            alone = sum(
                float(frames.sum()) * SECONDS < LEAST_SPEECH for clip in heard for frames in silero_alone([clip])
            )
            table.add_row(f"{name}, {where}: of {len(heard)} clips without speech", str(ours), str(alone))
    legs = [decode(calls / "auto_repairs_40.flac", track=track) / np.float32(32_768) for track in ("left", "right")]
    parts = [leg[start : start + 160_000] for leg in legs for start in range(0, len(leg) - 160_000, 160_000)]
    table.add_row("streams a core, legs of a call", *(f"{streams_a_core(parts, detect):,.0f}" for detect in both))
    table.add_row(
        "streams a core, people who never pause", *(f"{streams_a_core([speech], detect):,.0f}" for detect in both)
    )
    console().print(table)


def _some(paths: Sequence[Path], most: int) -> list[Path]:
    places = np.unique(np.linspace(0, len(paths) - 1, most or len(paths)).astype(int))
    return [paths[place] for place in places]


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
