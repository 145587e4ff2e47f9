import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import ser
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from training.evaluation.condition import Condition
from training.evaluation.evaluate import predict
from training.families.functionals import network as functionals_network
from training.families.functionals.family import FAMILY
from training.families.functionals.functionals import Functionals
from training.families.functionals.network import fit_scores
from training.families.functionals.recipe import FunctionalsRecipe, FunctionalsSettings
from training.families.recipe import FitSettings
from training.fitting.observer import Observer
from training.fitting.train import train
from training.run.folder import Run

BANDS = 40
FRONT_END = LogMelSettings(num_bands=BANDS)
VOICE = 1 + 8 + 20
"""Level, groups of bands, cepstra."""
SUMMARY = 10 * (VOICE + BANDS)
SLOPES = 10 * VOICE
MODULATION = 9 * VOICE
COURSE = 7 * (VOICE + BANDS)


def clip(frames, seed=0):
    return np.random.default_rng(seed).normal(-3, 1.5, (frames, BANDS)).astype(np.float32)


def functionals(*clips):
    """Those of clips in one batch, the shorter ones with junk behind their ends."""
    longest = max(map(len, clips))
    junk = np.random.default_rng(9).normal(0, 1e6, (len(clips), longest, BANDS)).astype(np.float32)
    for row, one in zip(junk, clips, strict=True):
        row[: len(one)] = one
    counts = np.array([len(one) for one in clips], np.int32)
    return keras.ops.convert_to_numpy(Functionals(FRONT_END.floor)(junk, counts))


def parts(values):
    """The vector's parts: summary [10, contours], slopes [10, voice], modulation [voice, 9], course [7, contours]."""
    summary, slopes, modulation, course, _ = np.split(values, np.cumsum([SUMMARY, SLOPES, MODULATION, COURSE]))
    return (
        summary.reshape(10, -1),
        slopes.reshape(10, -1),
        modulation.reshape(VOICE, 9),
        course.reshape(7, -1),
    )


@settings(deadline=None, max_examples=25)
@given(frames=st.integers(1, 120), padding=st.integers(0, 80), seed=st.integers(0, 99))
def test_neither_padding_nor_neighbours_change_functionals(frames, padding, seed):
    alone = functionals(clip(frames, seed))
    assert np.isfinite(alone).all()
    together = functionals(clip(frames + padding, seed + 1), clip(frames, seed))
    np.testing.assert_allclose(together[1], alone[0], rtol=1e-3, atol=1e-3)


def test_a_clip_is_summed_up_as_numpy_does_it():
    one = clip(90)
    summary, *_ = parts(functionals(one)[0])
    bands = summary[:, VOICE:]
    np.testing.assert_allclose(bands[0], one.mean(0), rtol=1e-4)
    np.testing.assert_allclose(bands[1], one.std(0), rtol=1e-3)
    deviation = one - one.mean(0)
    np.testing.assert_allclose(bands[2], (deviation**3).mean(0) / one.std(0) ** 3, atol=2e-3)
    np.testing.assert_allclose(bands[3:8], np.percentile(one, (10, 25, 50, 75, 90), axis=0), rtol=1e-4, atol=1e-4)
    fitted = np.polyfit(np.arange(90) / 100, one, 1)[0]
    np.testing.assert_allclose(bands[8], fitted, rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(bands[9], np.abs(np.diff(one, axis=0)).mean(0), rtol=1e-4)
    np.testing.assert_allclose(summary[0, 0], np.log(np.exp(one).sum(1)).mean(), rtol=1e-4)
    np.testing.assert_allclose(summary[0, 1:9], one.mean(0).reshape(8, 5).mean(1), rtol=1e-4)


def test_cepstra_are_an_orthonormal_cosine_transform():
    from scipy.fft import dct

    one = clip(50)
    summary, *_ = parts(functionals(one)[0])
    np.testing.assert_allclose(summary[0, 9:VOICE], dct(one, norm="ortho", axis=1)[:, 1:21].mean(0), atol=1e-4)


@pytest.mark.parametrize(("hertz", "band"), [(0.7, 0), (2.4, 2), (5.4, 4), (16.0, 7), (28.0, 8)])
@pytest.mark.parametrize("frames", [150, 298, 1_200])
def test_a_swing_shows_in_its_band_of_modulation_whatever_the_clips_length(hertz, band, frames):
    swing = np.sin(2 * np.pi * hertz * np.arange(frames) / 100)[:, None] * np.ones(BANDS)
    _, _, modulation, _ = parts(functionals((swing - 3).astype(np.float32))[0])
    assert modulation[0].argmax() == band
    still = parts(functionals(np.full((frames, BANDS), -3, np.float32))[0])[2]
    np.testing.assert_allclose(still, np.log(1e-3), atol=0.05)


def test_the_course_is_that_of_the_speech_between_silences():
    """A level that rises while speech lasts has a positive first Legendre coefficient, however much silence follows."""
    rising = np.linspace(-3, -1, 80)[:, None] * np.ones(BANDS)
    silence = np.full((60, BANDS), FRONT_END.floor)
    *_, speech = parts(functionals(rising.astype(np.float32))[0])
    *_, framed = parts(functionals(np.concatenate([silence, rising, silence]).astype(np.float32))[0])
    np.testing.assert_allclose(framed, speech, atol=1e-3)
    np.testing.assert_allclose(speech[0, VOICE:], 1.0, atol=1e-2)
    # At the 80 frames the polynomials are not quite orthogonal.
    np.testing.assert_allclose(speech[1:3, VOICE:], 0.0, atol=0.1)


def test_cross_correlations_find_what_follows_what():
    lagged = np.random.default_rng(0).normal(size=200)
    basis = np.cos(np.pi / BANDS * (np.arange(BANDS) + 0.5)[:, None] * np.array([1, 2])) * np.sqrt(2 / BANDS)
    first, second = lagged[10:], lagged[:-10]  # the second cepstrum does what the first did 10 frames before
    one = (np.stack([first, second], axis=1) @ basis.T - 3).astype(np.float32)
    values = functionals(one)[0]
    crossed = values[-2 * 12 * 12 :].reshape(2, 12, 12)
    assert crossed[1, 1, 0] == pytest.approx(1, abs=0.1)
    assert abs(crossed[0, 1, 0]) < 0.3


def network(**changes):
    keras.utils.set_random_seed(0)
    return functionals_network.build(FunctionalsSettings(**{"hidden": 8} | changes), 6, FRONT_END)


def inputs(*clips):
    frames = np.array([len(one) for one in clips], np.int32)
    padded = np.zeros((len(clips), frames.max(), BANDS), np.float32)
    for row, one in zip(padded, clips, strict=True):
        row[: len(one)] = one
    return {"log_mel": padded, "num_frames": frames}


def test_scores_are_standard_after_they_were_fitted_and_bounded():
    model = network()
    clips = [clip(60 + number, number) for number in range(30)]
    fit_scores(model, [inputs(*clips[:16]), inputs(*clips[16:])])
    probe = keras.Model(model.inputs, model.get_layer("scores").output)
    scores = probe.predict_on_batch(inputs(*clips))
    np.testing.assert_allclose(scores.mean(0), 0, atol=0.05)
    assert np.median(scores.std(0)) == pytest.approx(1, abs=0.01)
    assert np.abs(probe.predict_on_batch(inputs(100 * clips[0]))).max() == 5
    with pytest.raises(ValueError, match="at least one batch"):
        fit_scores(model, [])


def test_padding_changes_no_answer_after_scores_were_fitted():
    model = network()
    clips = [clip(60 + number, number) for number in range(30)]
    fit_scores(model, [inputs(*clips)])
    together = model.predict_on_batch(inputs(clip(20, 50), clip(200, 51)))
    np.testing.assert_allclose(together[:1], model.predict_on_batch(inputs(clip(20, 50))), atol=1e-4)


def test_an_interrupted_training_keeps_its_scores(tmp_path, monkeypatch):
    dataset = write_dataset(tmp_path / "data", train=24, validation=12)
    recipe = FunctionalsRecipe(
        model=FunctionalsSettings(hidden=8),
        fit=FitSettings(epochs=2, batch_size=12, augment=AugmentSettings.off()),
    )
    whole, _ = train(FAMILY, recipe, dataset, tmp_path / "whole")

    class Interrupter(Observer):
        def on_epoch_end(self, row, best):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(FAMILY, recipe, dataset, tmp_path / "resumed", Interrupter())
    monkeypatch.delattr(functionals_network, "fit_scores")
    resumed, _ = train(FAMILY, recipe, dataset, tmp_path / "resumed")
    for mine, its in zip(resumed.recogniser().model.weights, whole.recogniser().model.weights, strict=True):
        np.testing.assert_allclose(mine.numpy(), its.numpy(), rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("front_end", "words"),
    [
        (LogMelSettings(hop=80), "front_end.hop is 80: functionals need 100 frames a second, so give 160"),
        (LogMelSettings(num_bands=16), "front_end.num_bands is 16: give 21 or more"),
    ],
)
def test_log_mels_that_functionals_are_not_of_are_refused(front_end, words):
    with pytest.raises(UserError, match=words):
        FunctionalsRecipe(front_end=front_end)


def test_a_network_survives_saving(tmp_path):
    model = network()
    batch = inputs(clip(70), clip(33, 1))
    fit_scores(model, [batch])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict_on_batch(batch), model.predict_on_batch(batch), atol=1e-6)


def test_an_impossible_shape_is_refused():
    with pytest.raises(UserError, match=r"dropout is 1: give a number from 0 to 0\.95"):
        FunctionalsSettings(hidden=8, dropout=1)


def test_a_network_on_functionals_learns_by_command_and_is_served(tmp_path):
    dataset = write_dataset(tmp_path / "data", train=60, validation=36)
    options = ["--epochs", "6", "--hidden", "16", "--telephone", "0", "--speed", "0", "--learning-rate", "0.003"]
    done = CliRunner().invoke(ser.app, ["train", "functionals", str(dataset.folder), str(tmp_path / "run"), *options])
    assert done.exit_code == 0, done.output
    run = Run.open(tmp_path / "run")
    assert run.config["model"] == {"family": "functionals", "hidden": 16, "dropout": 0.4}
    assert run.config["fit"]["augment"]["band_masks"] == 0
    # All means would be 0 if nothing had fitted them.
    assert np.count_nonzero(run.recogniser().model.get_layer("scores").mean) > 2_000
    said = predict(run, dataset, Condition())
    assert said.probabilities.shape == (36, 6)
    served = run.recogniser().for_serving()
    waveform = np.random.default_rng(0).normal(0, 0.1, (1, 16_000)).astype(np.float32)
    expected = run.recogniser()(waveform, np.array([16_000]))
    np.testing.assert_allclose(served(waveform, np.array([16_000])), expected, atol=1e-6)
    with pytest.raises(UserError, match="gains nothing from bfloat16"):
        run.recogniser().for_serving("bfloat16")
