import numpy as np
import pytest
import soundfile

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.augment.examples import examples, spectrogram_examples


@pytest.fixture
def waveform(speech_data):
    path = sorted((speech_data / "crema_d" / "AudioMP3").glob("*.mp3"))[0]
    return soundfile.read(path, dtype="float32")[0]


def test_every_change_can_be_seen(waveform):
    shown = examples(waveform, seed=3)
    assert next(iter(shown)) == "Original"
    np.testing.assert_array_equal(shown.pop("Original"), waveform)
    for title, changed in shown.items():
        assert changed.dtype == np.float32, title
        assert np.isfinite(changed).all(), title
        assert len(waveform) / 2 < len(changed) < len(waveform) * 1.5, title
        assert len(changed) != len(waveform) or np.abs(changed - waveform).max() > 1e-3, title
    for title, again in examples(waveform, seed=3).items():
        np.testing.assert_array_equal(again, shown.get(title, waveform))


def test_spectrograms_are_masked_and_mixed(waveform):
    shown = spectrogram_examples(waveform, waveform[:8_000], LogMelSettings(), seed=1)
    assert list(shown) == ["Original", "SpecAugment", "Mixup, 70 %"]
    for title in ("SpecAugment", "Mixup, 70 %"):
        assert shown[title].shape == shown["Original"].shape
        assert not np.allclose(shown[title], shown["Original"])
