"""The three signatures, called as functions; `test_saved_model.py` calls the SavedModel."""

import io
from dataclasses import replace

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_pipeline.audio import g711
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.audio.upsample import narrow_to_16_khz
from serving.export.encoded_audio import expansion_table
from serving.export.signatures import signatures
from serving.status import RowFinding, RowStatus
from tests.voice import voice

CLOSE = 1e-4
FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@pytest.fixture(scope="module")
def ask(tiny_recogniser):
    """The signatures of a tiny model, with outputs in numpy."""
    functions = signatures(tiny_recogniser)

    def ask(signature: str, *inputs) -> dict[str, np.ndarray]:
        return {name: value.numpy() for name, value in functions[signature](*map(tf.constant, inputs)).items()}

    return ask


@pytest.fixture(scope="module")
def alone(ask, clips):
    """The probabilities of each clip alone."""
    return np.concatenate(
        [ask("serving_default", clip[None], np.int32([clip.size]))["probabilities"] for clip in clips]
    )


def padded(clips, filling=0.0, extra=0):
    """Waveforms [batch, samples] and their lengths; `filling` is broadcast to the padding."""
    longest = max(clip.size for clip in clips) + extra
    waveform = np.full((len(clips), longest), filling, np.float32)
    for row, clip in zip(waveform, clips, strict=True):
        row[: clip.size] = clip
    return waveform, np.int32([clip.size for clip in clips])


def wav(waveform: np.ndarray, rate: int, channels: int = 1) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.stack([waveform] * channels, axis=1), rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def assert_refused(answer, row: int, status: RowStatus):
    assert answer["status"][row] == status
    assert not answer["probabilities"][row].any()
    assert answer["emotion"][row] == b""
    assert answer["confidence"][row] == 0


def test_an_answer_is_the_recognisers(ask, tiny_recogniser, clips):
    waveform, num_samples = padded(clips)
    answer = ask("serving_default", waveform, num_samples)
    wanted = tiny_recogniser(tf.constant(waveform), tf.constant(num_samples)).numpy()
    np.testing.assert_allclose(answer["probabilities"], wanted, atol=CLOSE)
    assert np.ptp(answer["probabilities"], axis=0).max() > 0.1, "the clips should be answered differently"
    assert [name.decode() for name in answer["emotion"]] == [
        tiny_recogniser.labels[index] for index in wanted.argmax(axis=1)
    ]
    np.testing.assert_allclose(answer["confidence"], wanted.max(axis=1), atol=CLOSE)
    assert not answer["status"].any()
    assert {name: value.dtype for name, value in answer.items()} == {
        "probabilities": np.float32, "emotion": object, "confidence": np.float32, "status": np.int32,
        "finding": np.int32, "labels": object,
    }  # fmt: skip


@pytest.mark.parametrize("filling", [0.0, 1e30, -1.0, np.nan, np.inf])
def test_padding_of_one_kind_changes_nothing(ask, clips, alone, filling):
    answer = ask("serving_default", *padded(clips, filling, extra=1_000))
    np.testing.assert_allclose(answer["probabilities"], alone, atol=CLOSE)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FLOATS, min_size=1, max_size=40), st.integers(0, 2_000))
def test_whatever_the_padding_holds_changes_nothing(ask, clips, alone, values, extra):
    longest = max(clip.size for clip in clips) + extra
    filling = np.resize(np.float32(values), longest)
    answer = ask("serving_default", *padded(clips, filling, extra))
    np.testing.assert_allclose(answer["probabilities"], alone, atol=CLOSE)
    assert not answer["status"].any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 2_000, -1])
def test_a_sample_that_is_not_finite_refuses_its_row_alone(ask, clips, alone, value, place):
    waveform, num_samples = padded(clips)
    broken = 4
    waveform[broken, place if place >= 0 else num_samples[broken] - 1] = value
    answer = ask("serving_default", waveform, num_samples)
    assert_refused(answer, broken, RowStatus.NOT_FINITE)
    others = np.arange(len(clips)) != broken
    np.testing.assert_allclose(answer["probabilities"][others], alone[others], atol=CLOSE)
    assert not answer["status"][others].any()


def test_a_number_of_samples_out_of_range_refuses_its_row_alone(ask, clips, alone):
    waveform, num_samples = padded(clips[:6])
    num_samples[[1, 2, 3, 4]] = [0, -1, waveform.shape[1] + 1, 2**31 - 1]
    waveform[1] = np.nan
    answer = ask("serving_default", waveform, num_samples)
    for row in (1, 2, 3, 4):
        assert_refused(answer, row, RowStatus.NUM_SAMPLES_OUT_OF_RANGE)
    np.testing.assert_allclose(answer["probabilities"][[0, 5]], alone[[0, 5]], atol=CLOSE)


@pytest.mark.parametrize("scale", [2.01, 32_768, 3e38])
def test_samples_in_another_scale_refuse_their_row_alone(ask, clips, alone, scale):
    waveform, num_samples = padded(clips[:3])
    waveform[1] = waveform[1] / np.abs(waveform[1]).max() * np.float32(scale)
    answer = ask("serving_default", waveform, num_samples)
    assert_refused(answer, 1, RowStatus.OUT_OF_SCALE)
    np.testing.assert_allclose(answer["probabilities"][[0, 2]], alone[[0, 2]], atol=CLOSE)


def test_a_model_that_finds_no_finite_probabilities_refuses_its_row_alone(tiny_recogniser, clips, alone):
    waveform, num_samples = padded(clips[:3])

    def overflowing(inputs, training):
        """The model, except that the longest row overflows in it."""
        is_longest = inputs["num_frames"] == tf.reduce_max(inputs["num_frames"])
        return tf.where(is_longest[:, tf.newaxis], np.nan, tiny_recogniser.model(inputs, training=training))

    functions = signatures(replace(tiny_recogniser, model=overflowing))
    answer = functions["serving_default"](tf.constant(waveform), tf.constant(num_samples))
    answer = {name: value.numpy() for name, value in answer.items()}
    assert_refused(answer, 2, RowStatus.NO_ANSWER)
    np.testing.assert_allclose(answer["probabilities"][:2], alone[:2], atol=CLOSE)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_floats_and_no_lengths_whatever_raise(ask, data):
    rows, samples = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 500))
    values = np.float32(data.draw(st.lists(FLOATS, min_size=1, max_size=20)))
    lengths = data.draw(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=rows, max_size=rows))
    answer = ask("serving_default", np.resize(values, (rows, samples)), np.array(lengths, np.int32))
    totals = answer["probabilities"].sum(axis=1)
    np.testing.assert_allclose(totals, answer["status"] == RowStatus.OK, atol=CLOSE)


def test_what_no_model_can_judge_refuses_its_row_alone(ask, clips, alone):
    speech = clips[9]
    cases = [
        (speech[:1], RowStatus.TOO_SHORT),
        (speech[:1_599], RowStatus.TOO_SHORT),
        (speech[:1_600], RowStatus.OK),
        (np.zeros(16_000, np.float32), RowStatus.SILENT),
        (speech / np.abs(speech).max() * np.float32(15 / 32_768), RowStatus.SILENT),
        (speech, RowStatus.OK),
    ]
    answer = ask("serving_default", *padded([waveform for waveform, _ in cases]))
    assert answer["status"].tolist() == [status for _, status in cases]
    for row, (_, status) in enumerate(cases):
        if status is not RowStatus.OK:
            assert_refused(answer, row, status)
    np.testing.assert_allclose(answer["probabilities"][-1], alone[9], atol=CLOSE)


def test_the_longest_utterance_is_judged_and_a_longer_one_is_not(ask):
    longest = np.resize(voice(2.0), 300 * 16_000).astype(np.float32)
    answer = ask("serving_default", *padded([np.append(longest, np.float32(0.1)), longest]))
    assert answer["status"].tolist() == [RowStatus.TOO_LONG, RowStatus.OK]


def test_the_limits_hold_for_telephone_bytes_at_16_khz(ask):
    """800 samples at 8 kHz last as long as 1,600 at 16 kHz."""
    codes = g711.encode(np.round(voice(0.3, 8_000) * 32_767).astype(np.int16), "mulaw").tobytes()
    short, enough, silent = codes[:799], codes[:800], b"\xff" * 800
    assert ask("mulaw_bytes", [short, enough, silent])["status"].tolist() == [
        RowStatus.TOO_SHORT, RowStatus.OK, RowStatus.SILENT
    ]  # fmt: skip
    files = [wav(voice(0.3, 8_000)[:799], 8_000), wav(voice(0.3, 8_000)[:800], 8_000), wav(np.zeros(800), 8_000)]
    assert ask("wav_bytes", files)["status"].tolist() == [RowStatus.TOO_SHORT, RowStatus.OK, RowStatus.SILENT]


def test_no_rows_give_no_rows(ask, tiny_recogniser):
    none = np.array([], "S1")
    for answer in (
        ask("serving_default", np.zeros((0, 16_000), np.float32), np.zeros(0, np.int32)),
        ask("serving_default", np.zeros((0, 0), np.float32), np.zeros(0, np.int32)),
        ask("wav_bytes", none),
        ask("mulaw_bytes", none),
    ):
        assert answer["probabilities"].shape == (0, len(tiny_recogniser.labels))
        rest = [answer[name].shape for name in ("emotion", "confidence", "status", "finding")]
        assert rest == [(0,)] * 4


def test_inputs_of_different_batch_sizes_are_an_error(ask):
    for rows, lengths in ((1, [5, 5]), (2, [5]), (0, [5])):
        with pytest.raises(tf.errors.InvalidArgumentError, match="same batch size"):
            ask("serving_default", np.zeros((rows, 16_000), np.float32), np.int32(lengths))


def test_wav_files_are_answered_as_their_samples(ask, clips):
    rounded = [np.round(clip * 32_767).astype(np.int16) for clip in clips]
    answer = ask("wav_bytes", [wav(clip, 16_000) for clip in rounded])
    wanted = ask("serving_default", *padded([clip / np.float32(32_768) for clip in rounded]))
    np.testing.assert_allclose(answer["probabilities"], wanted["probabilities"], atol=CLOSE)
    np.testing.assert_array_equal(answer["emotion"], wanted["emotion"])
    assert not answer["status"].any()


def test_telephone_files_are_answered_as_their_upsampled_samples(ask):
    calls = [voice(0.4 + 0.2 * number, 8_000, seed=number) for number in range(6)]
    rounded = [np.round(call * 32_767).astype(np.int16) for call in calls]
    upsampled = [narrow_to_16_khz(call[None] / np.float32(32_768)).numpy()[0] for call in rounded]
    answer = ask("wav_bytes", [wav(clip, 8_000) for clip in rounded])
    wanted = ask("serving_default", *padded(upsampled))
    np.testing.assert_allclose(answer["probabilities"], wanted["probabilities"], atol=CLOSE)


def test_both_rates_and_broken_files_share_a_batch(ask, clips):
    files = [
        wav(voice(rate=8_000), 8_000), b"no audio", wav(clips[4], 16_000), b"", wav(clips[5], 16_000)[:-2],
        wav(clips[6], 44_100), wav(clips[7], 16_000, channels=2), wav(clips[0], 16_000),
    ]  # fmt: skip
    answer = ask("wav_bytes", files)
    assert answer["status"].tolist() == [
        RowStatus.OK, RowStatus.NOT_WAV, RowStatus.OK, RowStatus.EMPTY, RowStatus.OK,
        RowStatus.UNSUPPORTED_RATE, RowStatus.UNSUPPORTED_CHANNELS, RowStatus.OK,
    ]  # fmt: skip
    assert answer["finding"].tolist() == [0, 0, 0, 0, RowFinding.CUT_OFF, 0, 0, 0]
    for row, status in enumerate(answer["status"]):
        if status:
            assert_refused(answer, row, status)
        else:
            by_itself = ask("wav_bytes", [files[row]])["probabilities"][0]
            np.testing.assert_allclose(answer["probabilities"][row], by_itself, atol=CLOSE)


def test_a_file_that_was_cut_off_is_judged_as_far_as_it_goes_and_says_so(ask):
    speech = voice(2.0)
    whole = ask("wav_bytes", [wav(speech[:20_000], 16_000)])
    answer = ask("wav_bytes", [wav(speech, 16_000)[: 44 + 2 * 20_000], wav(speech, 16_000)[: 44 + 2 * 100]])
    assert answer["status"].tolist() == [RowStatus.OK, RowStatus.TOO_SHORT]
    assert answer["finding"].tolist() == [RowFinding.CUT_OFF, RowFinding.NONE], "nothing is said of what is not judged"
    np.testing.assert_allclose(answer["probabilities"][0], whole["probabilities"][0], atol=CLOSE)
    assert whole["finding"].tolist() == [RowFinding.NONE]


def test_mulaw_is_answered_as_its_expanded_samples(ask):
    calls = [voice(seconds, 8_000, seed=number) for number, seconds in enumerate((1.1, 0.3, 0.6))]
    codes = [g711.encode(np.round(call * 32_767).astype(np.int16), "mulaw") for call in calls]
    answer = ask("mulaw_bytes", [code.tobytes() for code in codes])
    upsampled = [narrow_to_16_khz(expansion_table()[code][None]).numpy()[0] for code in codes]
    wanted = ask("serving_default", *padded(upsampled))
    np.testing.assert_allclose(answer["probabilities"], wanted["probabilities"], atol=CLOSE)
    assert not answer["status"].any()


def test_an_empty_mulaw_row_is_refused_alone(ask):
    good = g711.encode(np.round(voice(rate=8_000) * 32_767).astype(np.int16), "mulaw").tobytes()
    answer = ask("mulaw_bytes", [b"", good])
    assert_refused(answer, 0, RowStatus.EMPTY)
    np.testing.assert_allclose(answer["probabilities"][1], ask("mulaw_bytes", [good])["probabilities"][0], atol=CLOSE)


def test_labels_that_do_not_fit_the_model_are_an_error(tiny_recogniser):
    functions = signatures(replace(tiny_recogniser, labels=("anger", "neutral")))
    with pytest.raises(ValueError, match="one output for each of 2 labels"):
        functions["mulaw_bytes"](tf.constant([b"\xff"]))


def test_a_front_end_at_another_rate_is_an_error(tiny_recogniser):
    with pytest.raises(ValueError, match="8000 Hz"):
        signatures(replace(tiny_recogniser, front_end=LogMelSettings(sample_rate=8_000, high=3_800)))


def test_tracing_leaves_the_model_as_it_was(ask, tiny_recogniser):
    assert isinstance(tiny_recogniser.model, keras.Model)
    before = [weight.numpy().copy() for weight in tiny_recogniser.model.weights]
    ask("mulaw_bytes", [b"\xff" * 400])
    for old, new in zip(before, tiny_recogniser.model.weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
