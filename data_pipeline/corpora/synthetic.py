"""A corpus of machine speech, for demonstrations and tests where no recorded speech is at hand.

Its files are laid out like those of a recorded corpus: `S01_AWK_ANG_MD_00.wav` names speaker, sentence, emotion,
intensity and repetition, with codes as in CREMA-D, and `speakers.csv` gives the sex of each speaker. What a model
scores on it says nothing about people.
"""

import csv
import io
import re
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data_pipeline.audio.audio_files import audio_among
from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import Corpus, Listing
from data_pipeline.corpora.label_map import LEVELS, emotions_of
from data_pipeline.emotion import LABELS, Emotion
from data_pipeline.errors import UserError
from data_pipeline.speech_synthesis.articulation import SENTENCES
from data_pipeline.speech_synthesis.expression import INTENSITIES
from data_pipeline.speech_synthesis.speaker import Speaker, draw_speaker, say
from data_pipeline.storage import storage_for
from data_pipeline.storage.atomic_file import replacing, write_text

_EMOTIONS = emotions_of("crema_d")

_NAME = re.compile(
    r"(?P<speaker>S\d{2,})_(?P<sentence>[A-Z]{3})_"
    rf"(?P<emotion>{'|'.join(_EMOTIONS)})_(?P<intensity>{'|'.join(LEVELS)})_(?P<repetition>\d{{2,}})"
)
_SPEAKERS = "speakers.csv"


class Synthetic(Corpus):
    """Speech of a source-filter voice in six emotions, by any number of speakers."""

    name = "synthetic"
    title = "Synthetic emotional speech (source-filter voice)"
    size = "as much as wanted"
    speakers = "any number of machine speakers"
    language = "English words, machine voices"
    licence = "Apache-2.0, as this project; made by `ser data synthesize`"
    url = ""
    synthetic = True

    def read(self, source: str) -> Listing:
        """Find every clip that `synthesize` wrote to `source`; files with other names are ignored.

        Args:
            source: The folder.

        Raises:
            UserError: If `source` is missing, is not a folder, is incomplete, or holds no clip.
        """
        storage = storage_for(source)
        if storage.kind(source) != "folder":
            raise UserError(f"{source} is not a folder: make a synthetic corpus there with `ser data synthesize`")
        files = storage.walk(source)
        table = next((file.location for file in files if file.name == _SPEAKERS), None)
        if table is None:
            raise UserError(
                f"{source} is not a complete synthetic corpus (no {_SPEAKERS}): make one with `ser data synthesize`"
            )
        sexes = _read_speakers(table)
        clips = []
        for file in files:
            code = _NAME.fullmatch(file.stem)
            if code is None or file.suffix != ".wav" or file.folder:
                continue
            if code["speaker"] not in sexes:
                raise UserError(f"{table} does not list {code['speaker']} of {file.name}: synthesize the corpus again")
            clips.append(
                Clip(
                    file=file,
                    name=file.stem,
                    corpus=self.name,
                    speaker=code["speaker"],
                    emotion=_EMOTIONS[code["emotion"]],
                    intensity=LEVELS[code["intensity"]],
                    sentence=code["sentence"],
                    repetition=code["repetition"],
                    sex=sexes[code["speaker"]],
                )
            )
        if not clips:
            raise UserError(f"{source} holds no clip named like S01_AWK_ANG_MD_00.wav: synthesize the corpus again")
        taken = {clip.file.name for clip in clips}
        found = audio_among(files)
        return Listing(
            tuple(sorted(clips, key=lambda clip: clip.name)),
            ignored=tuple(file.name for file in found.audio if file.name not in taken),
            others=tuple(file.name for file in found.others),
        )


def synthesize(
    folder: Path,
    *,
    speakers: int = 20,
    clips_per_emotion: int = 8,
    seed: int = 0,
    on_clip: Callable[[Path], object] | None = None,
) -> int:
    """Write a synthetic corpus.

    Every file depends only on the seed, its speaker, its emotion and its index. A larger corpus contains the smaller
    one, and a second run writes the same bytes. Files appear whole, the table of speakers last.

    Args:
        folder: Folder of the corpus; made if it is missing.
        speakers: Number of speakers, female and male in turn.
        clips_per_emotion: Number of utterances of each speaker in each of the six emotions.
        seed: Seed of everything random, not negative.
        on_clip: Called with the path of every clip once it is written.

    Returns:
        The number of clips of the corpus.

    Raises:
        UserError: If a number is out of range, or `folder` cannot be written or holds clips that are not of this
            corpus.
    """
    for name, value, least in (
        ("speakers", speakers, 1),
        ("clips_per_emotion", clips_per_emotion, 1),
        ("seed", seed, 0),
    ):
        if value < least:
            raise UserError(f"{name} must be at least {least}, not {value}")
    folder = Path(folder)
    plan = {
        clip_name(number, emotion, index): (number, emotion, index)
        for number in range(1, speakers + 1)
        for emotion in LABELS
        for index in range(clips_per_emotion)
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Hidden files are those that a killed run has left incomplete.
        strangers = sorted(path.name for path in folder.glob("[!.]*.wav") if path.stem not in plan)
        if strangers:
            raise UserError(
                f"{folder} already holds {len(strangers)} other clips ({strangers[0]}): choose an empty one"
            )
        (folder / _SPEAKERS).unlink(missing_ok=True)
        people = [make_speaker(seed, number) for number in range(1, speakers + 1)]
        for name, (number, emotion, index) in plan.items():
            path = folder / f"{name}.wav"
            _write_wav(path, make_clip(seed, people[number - 1], number, emotion, index))
            if on_clip is not None:
                on_clip(path)
        write_text(folder / _SPEAKERS, _speaker_table(people))
    except OSError as error:
        raise UserError(
            f"cannot write a synthetic corpus to {folder} ({error.strerror or error}): choose another folder"
        ) from error
    return len(plan)


def clip_name(number: int, emotion: Emotion, index: int) -> str:
    """The name of a clip: sentences and intensities take turns.

    Args:
        number: Number of the speaker, from 1.
        emotion: Emotion of the clip. Neutral speech has no intensity (`XX`), as in CREMA-D.
        index: Index of the clip among the speaker's clips of that emotion, from 0.
    """
    code = next(code for code, value in _EMOTIONS.items() if value is emotion)
    level = "XX" if emotion is Emotion.NEUTRAL else list(LEVELS)[index % len(INTENSITIES)]
    return f"S{number:02d}_{_sentence(index)}_{code}_{level}_{index // len(SENTENCES):02d}"


def make_speaker(seed: int, number: int) -> Speaker:
    """The speaker with that number, from 1: odd numbers are female, even ones male."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    return draw_speaker("female" if number % 2 else "male", rng)


def make_clip(seed: int, speaker: Speaker, number: int, emotion: Emotion, index: int) -> np.ndarray:
    """The waveform of one clip.

    Args:
        seed: Seed of the corpus.
        speaker: A speaker from `make_speaker`.
        number: Number of the speaker, from 1.
        emotion: Emotion that the speaker acts.
        index: Index of the clip among the speaker's clips of that emotion, from 0.

    Returns:
        int16 [samples] at 16 kHz, of 1 to 3 s.
    """
    key = (number, LABELS.index(emotion), index)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    intensity = list(INTENSITIES.values())[index % len(INTENSITIES)]
    waveform = say(_sentence(index), speaker, emotion, intensity, rng)
    return np.round(waveform * 32_767.0).astype(np.int16)


def _sentence(index: int) -> str:
    return list(SENTENCES)[index % len(SENTENCES)]


def _write_wav(path: Path, pcm: np.ndarray) -> None:
    with replacing(path) as part, wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm.astype("<i2").tobytes())


def _speaker_table(people: list[Speaker]) -> str:
    rows = [f"S{number:02d},{speaker.sex}\n" for number, speaker in enumerate(people, start=1)]
    return "id,sex\n" + "".join(rows)


def _read_speakers(table: str) -> dict[str, str]:
    try:
        rows = list(csv.DictReader(io.StringIO(storage_for(table).read(table).decode("utf-8"))))
        return {row["id"]: row["sex"] or "" for row in rows}
    except (UnicodeDecodeError, csv.Error, KeyError) as error:
        raise UserError(f"{table} is not a table with the columns id and sex: synthesize the corpus again") from error
