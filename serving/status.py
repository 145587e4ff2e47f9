"""The status codes of the rows of an answer.

A served graph never raises on content, because TensorFlow Serving returns the error of a merged batch to every caller
in it. Instead, each row has a status, and the client converts a status that is not OK to an exception with a message.
"""

from enum import IntEnum

from data_pipeline.audio.limits import LONGEST, LOUDEST, SHORTEST, SILENCE


class RowStatus(IntEnum):
    """Why a row has no answer; OK if it has one.

    The numbers are part of the interface of exported models: never reuse a number.
    """

    OK = 0
    EMPTY = 1
    NUM_SAMPLES_OUT_OF_RANGE = 2
    NOT_FINITE = 3
    NOT_WAV = 4
    INCOMPLETE_HEADER = 5
    UNSUPPORTED_ENCODING = 6
    UNSUPPORTED_CHANNELS = 7
    UNSUPPORTED_RATE = 8
    TRUNCATED = 9
    NO_ANSWER = 10
    TOO_SHORT = 11
    TOO_LONG = 12
    SILENT = 13
    NO_SPEECH = 14
    OUT_OF_SCALE = 15
    NOT_MULAW = 16

    @property
    def sentence(self) -> str:
        """Message for the person who sent the row: what is wrong and what to do."""
        return _SENTENCES[self]


_SENTENCES = {
    RowStatus.OK: "the audio was judged",
    RowStatus.EMPTY: "the audio holds no samples: send at least one",
    RowStatus.NUM_SAMPLES_OUT_OF_RANGE: (
        "num_samples is out of range: send at least 1 and at most the length of the waveform"
    ),
    RowStatus.NOT_FINITE: "the waveform holds NaN or infinite samples: send finite ones, full scale ±1",
    RowStatus.NOT_WAV: "the audio is not a RIFF WAVE file: send a PCM16 WAV at 8 or 16 kHz",
    RowStatus.INCOMPLETE_HEADER: (
        "the WAV has no complete format chunk followed by a data chunk: write the file again"
    ),
    RowStatus.UNSUPPORTED_ENCODING: "the WAV is not 16-bit PCM: convert it to PCM16",
    RowStatus.UNSUPPORTED_CHANNELS: "the WAV is not mono: send one channel (on a call: one party) a row",
    RowStatus.UNSUPPORTED_RATE: "the WAV is neither at 8,000 nor at 16,000 Hz: resample it",
    # Exports from before findings; what is there of such a file is judged now.
    RowStatus.TRUNCATED: "the WAV ends before its header says: send the whole file",
    RowStatus.NO_ANSWER: "the model found no finite probabilities: check that the samples are full scale ±1",
    RowStatus.TOO_SHORT: f"the audio is shorter than {SHORTEST:g} s: send a whole utterance",
    RowStatus.TOO_LONG: f"the audio lasts longer than {LONGEST:g} s: cut it into utterances",
    RowStatus.SILENT: f"the audio is silent, no sample reaches {SILENCE} of 32,768: send the speaker's channel",
    RowStatus.NO_SPEECH: "the audio is noise or a tone, not speech: send what a person says",
    RowStatus.OUT_OF_SCALE: (
        f"the waveform holds samples beyond ±{LOUDEST:g}, where full scale is ±1: divide 16-bit samples by 32,768"
    ),
    RowStatus.NOT_MULAW: "the audio is a file or text, not raw µ-law: send WAVs to wav_bytes, and bytes as they are",
}


class RowFinding(IntEnum):
    """What is to be said of a row that was judged.

    The numbers are part of the interface of exported models: never reuse a number.
    """

    NONE = 0
    CUT_OFF = 1
