"""Voice activity detection: which 32 ms of a waveform are speech, for files, clips, streams and calls.

- `silero`: the network, Silero VAD 6, on many streams at a time.
- `spectrum`: what a frame's spectrum tells: keys of a telephone, sounds that do not change.
- `detector`: the decision for each frame, of live streams and of whole waveforms.
- `segments`: frames as stretches of speech; `verdict`: whether a clip holds enough speech to be judged.

Nothing here needs TensorFlow or PyTorch.
"""
