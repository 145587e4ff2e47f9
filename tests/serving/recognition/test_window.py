import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import RecognitionError, UnreadableAudioError
from serving.recognition.window import MOST_SAMPLES, MOST_UTTERANCES, Window, is_full

WAVEFORMS = st.one_of(
    st.integers(0, 40_000).map(lambda size: np.zeros(size, np.float32)),
    st.just(UnreadableAudioError("clip.wav is empty")),
)


@given(st.lists(WAVEFORMS, max_size=30), st.integers(1, 8))
def test_each_utterance_is_found_where_it_went(waveforms, batch_size):
    window = Window(waveforms, batch_size)
    assert all(1 <= len(batch) <= batch_size for batch in window.batches)
    places = list(window.in_order())
    assert len(places) == len(waveforms)
    taken = [place for place in places if not isinstance(place, RecognitionError)]
    assert len(set(taken)) == len(taken) == sum(map(len, window.batches))
    for place, waveform in zip(places, waveforms, strict=True):
        found = place if isinstance(place, RecognitionError) else window.batches[place[0]][place[1]]
        assert found is waveform


def test_it_is_full_by_number_or_by_length():
    short, long = np.zeros(100, np.float32), np.zeros(MOST_SAMPLES // 4, np.float32)
    assert not is_full([short] * (MOST_UTTERANCES - 1))
    assert is_full([short] * MOST_UTTERANCES)
    assert not is_full([long] * 3)
    assert is_full([long] * 4)
    assert is_full([UnreadableAudioError("clip.wav is empty")] * MOST_UTTERANCES)
