"""Answers for streams, compared with those for the same windows as utterances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.audio.decode import SAMPLE_RATE
from serving.client import EmotionClient
from serving.errors import RecognitionError, UnreadableAudioError
from serving.recognition.answer import EmotionAnswer
from serving.recognition.audio import Samples
from serving.recognition.live_stream import recognise_stream
from serving.server.recogniser_in_process import InProcessRecogniser
from tests.voice import voice


@pytest.fixture(scope="module")
def recogniser(models) -> InProcessRecogniser:
    return InProcessRecogniser(models / "ser" / "1")


def speakers(seconds: float, rate: int = SAMPLE_RATE) -> np.ndarray:
    """Somebody else every second, so that no two windows are alike."""
    said = [voice(1.0, rate, seed=number) for number in range(int(seconds) + 1)]
    return np.concatenate(said)[: round(seconds * rate)].astype(np.float32)


def heard_alone(recogniser: InProcessRecogniser, samples: np.ndarray) -> EmotionAnswer | RecognitionError:
    """The answer for samples as an utterance, or why it has none: a pause is no speech."""
    [answer] = recogniser.recognise_all([Samples(samples, SAMPLE_RATE)])
    return answer


def cut(samples: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    return np.split(samples, np.cumsum(sizes).clip(max=len(samples)))


@settings(max_examples=20, deadline=None)
@given(
    seconds=st.floats(0, 7),
    sizes=st.lists(st.integers(0, 30_000), max_size=20),
    window=st.floats(0.3, 3),
    hop=st.floats(0.5, 4),
)
def test_a_window_is_answered_as_the_same_samples_alone(recogniser, seconds, sizes, window, hop):
    samples = speakers(seconds)
    heard = list(recognise_stream(recogniser, cut(samples, sizes), SAMPLE_RATE, window_seconds=window, hop_seconds=hop))
    hops = len(samples) // round(hop * SAMPLE_RATE)
    rest = len(samples) - hops * round(hop * SAMPLE_RATE)
    assert len(heard) == hops + (rest >= 0.1 * SAMPLE_RATE)
    for number, one in enumerate(heard):
        end = round(one.end * SAMPLE_RATE)
        assert end == min((number + 1) * round(hop * SAMPLE_RATE), len(samples))
        assert round(one.start * SAMPLE_RATE) == max(0, end - round(window * SAMPLE_RATE))
        alone = heard_alone(recogniser, samples[round(one.start * SAMPLE_RATE) : end])
        if isinstance(alone, EmotionAnswer):
            assert one.answer.probabilities == pytest.approx(alone.probabilities, abs=1e-6)
        else:
            assert (type(one.answer), str(one.answer)) == (type(alone), str(alone))
            assert one.end - one.start < 1, "a second holds speech"


def test_answers_come_while_the_stream_goes_on(recogniser):
    taken = []

    def pieces():
        for piece in cut(speakers(10), [SAMPLE_RATE // 2] * 20):
            taken.append(piece)
            yield piece

    stream = recognise_stream(recogniser, pieces(), SAMPLE_RATE)
    assert next(stream).end == 1.0
    assert len(taken) == 2
    assert next(stream).end == 2.0
    assert len(taken) == 4


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 1), (8_000, 2)])
def test_other_rates_and_channels_are_heard_as_in_one_piece(recogniser, rate, channels):
    samples = np.tile(speakers(4, rate)[:, None], (1, channels)).squeeze()
    heard = list(recognise_stream(recogniser, cut(samples, [777] * 60), rate))
    assert [one.end for one in heard] == [1, 2, 3, 4]
    # A second in one piece: its last samples are resampled without what follows them.
    alone = recogniser.recognise(Samples(samples[:rate], rate))
    assert heard[0].answer.probabilities == pytest.approx(alone.probabilities, abs=0.02)
    whole = recogniser.recognise(Samples(samples[rate:], rate))
    assert heard[-1].answer.probabilities == pytest.approx(whole.probabilities, abs=0.02)


def test_integers_have_their_full_scale(recogniser):
    integers = (speakers(2) * 32_767).astype(np.int16)
    [_, as_integers] = recognise_stream(recogniser, [integers], SAMPLE_RATE)
    [_, as_floats] = recognise_stream(recogniser, [integers / np.float32(32_768)], SAMPLE_RATE)
    assert as_integers.answer.probabilities == pytest.approx(as_floats.answer.probabilities, abs=1e-6)


@pytest.mark.parametrize(
    ("pause", "sentence"),
    [
        (np.zeros(SAMPLE_RATE), "is silent"),
        (np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE), "holds no speech"),
    ],
    ids=["silence", "noise"],
)
def test_a_window_that_cannot_be_judged_does_not_end_the_stream(recogniser, pause, sentence):
    samples = speakers(3)
    samples[SAMPLE_RATE : 2 * SAMPLE_RATE] = pause
    before, between, after = recognise_stream(recogniser, [samples], SAMPLE_RATE, window_seconds=1)
    assert isinstance(before.answer, EmotionAnswer)
    assert isinstance(between.answer, UnreadableAudioError)
    assert f"the audio {sentence}" in str(between.answer)
    assert isinstance(after.answer, EmotionAnswer)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [(np.nan, "not finite numbers"), (20_000, "divide by 32,768")],
    ids=["not finite", "another scale"],
)
def test_samples_that_cannot_be_right_end_the_stream(recogniser, value, sentence):
    samples = speakers(3)
    samples[SAMPLE_RATE + 5] = value
    stream = recognise_stream(recogniser, cut(samples, [SAMPLE_RATE] * 3), SAMPLE_RATE)
    assert isinstance(next(stream).answer, EmotionAnswer)
    with pytest.raises(UnreadableAudioError, match=f"the stream .*{sentence}"):
        next(stream)


def test_the_parties_of_a_call_are_heard_one_at_a_time(recogniser):
    call = np.stack([speakers(2), voice(2.0, seed=9).astype(np.float32)], axis=1)
    with pytest.raises(UnreadableAudioError, match=r"the stream has two channels that differ.*--track left"):
        next(recognise_stream(recogniser, [call], SAMPLE_RATE))
    for place, track in enumerate(("left", "right")):
        [_, heard] = recognise_stream(recogniser, [call], SAMPLE_RATE, track=track)
        alone = heard_alone(recogniser, call[:, place])
        assert heard.answer.probabilities == pytest.approx(alone.probabilities, abs=1e-6)


def test_a_server_answers_streams_too(server, recogniser):
    samples = speakers(3)
    with EmotionClient(server.address) as client:
        answered = [one.answer.probabilities for one in recognise_stream(client, [samples], SAMPLE_RATE)]
    here = [one.answer.probabilities for one in recognise_stream(recogniser, [samples], SAMPLE_RATE)]
    assert len(answered) == len(here) == 3
    for one, other in zip(answered, here, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


@pytest.mark.parametrize("lengths", [{"window_seconds": 0}, {"hop_seconds": -1}])
def test_lengths_must_be_positive(recogniser, lengths):
    with pytest.raises(ValueError, match="must be positive"):
        next(recognise_stream(recogniser, [speakers(2)], SAMPLE_RATE, **lengths))
