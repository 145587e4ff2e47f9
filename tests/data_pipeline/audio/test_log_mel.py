import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.audio.log_mel import LogMelSettings, log_mel, mel_matrix, num_frames

SETTINGS = LogMelSettings()


def reference(waveform: np.ndarray) -> np.ndarray:
    """The definition, in NumPy and float64, on the same mel matrix."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = [waveform[start : start + 400] * window for start in range(0, len(waveform) - 399, 160)]
    magnitude = np.abs(np.fft.rfft(frames, 512))
    return np.log(magnitude @ mel_matrix(SETTINGS).astype(np.float64) + 0.001)


def test_equals_its_definition():
    waveform = np.random.default_rng(0).normal(0, 0.1, 16_000)
    actual = log_mel(waveform.astype(np.float32), SETTINGS).numpy()
    assert actual.shape == (98, 64)
    np.testing.assert_allclose(actual, reference(waveform), atol=1e-4)


@pytest.fixture
def speech(speech_data):
    """Waveforms of every corpus's kind at 16 kHz: clear ones, soft ones, one that is nearly silent."""
    paths = sorted((speech_data / "crema_d" / "AudioMP3").glob("*.mp3"))[::600]
    return [soundfile.read(path, dtype="float32")[0] for path in paths]


def test_real_speech_is_as_its_definition_says(speech):
    for waveform in speech:
        actual = log_mel(waveform, SETTINGS).numpy()
        np.testing.assert_allclose(actual, reference(waveform.astype(np.float64)), atol=1e-4)


def test_real_speech_agrees_with_librosa(speech):
    for waveform in speech:
        mel = librosa.feature.melspectrogram(
            y=waveform, sr=16_000, n_fft=512, win_length=400, hop_length=160, center=False, power=1.0,
            n_mels=64, fmin=125.0, fmax=7_500.0, htk=True, norm=None,
        )  # fmt: skip
        actual = log_mel(waveform, SETTINGS).numpy()
        # librosa centres the window of 400 samples in the 512 of the transform, we put it first; and it cuts frames
        # by the transform's length, so that the last may be missing.
        shifted = log_mel(waveform[56:], SETTINGS).numpy()
        frames = min(len(shifted), mel.shape[1])
        assert abs(len(actual) - mel.shape[1]) <= 1
        np.testing.assert_allclose(shifted[:frames], np.log(mel.T + 0.001)[:frames], atol=0.02)


@pytest.mark.parametrize(
    ("samples", "frames"), [(1, 1), (399, 1), (400, 1), (559, 1), (560, 2), (16_000, 98), (48_000, 298)]
)
def test_counts_whole_frames(samples, frames):
    assert num_frames(samples, SETTINGS) == frames
    assert log_mel(np.zeros(samples, np.float32), SETTINGS).shape == (frames, 64)
    assert num_frames(np.array([samples]), SETTINGS).numpy().tolist() == [frames]


def test_silence_lies_at_the_floor():
    spectrogram = log_mel(np.zeros(1_600, np.float32), SETTINGS).numpy()
    np.testing.assert_allclose(spectrogram, SETTINGS.floor, atol=1e-6)


@pytest.mark.parametrize("frequency", [200.0, 1_000.0, 6_000.0])
def test_a_tone_is_loudest_in_its_band(frequency):
    tone = 0.5 * np.sin(2 * np.pi * frequency * np.arange(8_000) / 16_000)
    band = log_mel(tone.astype(np.float32), SETTINGS).numpy().mean(0).argmax()

    def to_mel(hertz):
        return 1127 * np.log(1 + hertz / 700)

    edges = np.linspace(to_mel(125), to_mel(7_500), 66)
    assert edges[band] < to_mel(frequency) < edges[band + 2]


@settings(deadline=None, max_examples=30)
@given(samples=st.integers(1, 3_000), padding=st.integers(0, 2_000), seed=st.integers(0, 99))
def test_padding_leaves_the_clips_own_frames_alone(samples, padding, seed):
    random = np.random.default_rng(seed)
    waveform = random.normal(0, 0.2, samples).astype(np.float32)
    # Below a window's length a clip is padded with zeros, so what follows must be zeros too.
    tail = random.normal(0, 9, padding) if samples >= 400 else np.zeros(padding)
    frames = num_frames(samples, SETTINGS)
    alone = log_mel(waveform, SETTINGS).numpy()
    padded = log_mel(np.concatenate([waveform, tail]).astype(np.float32), SETTINGS).numpy()
    np.testing.assert_allclose(padded[:frames], alone[:frames], atol=1e-5)
