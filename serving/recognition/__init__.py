"""From audio to typed answers, whatever computes them: a server over gRPC or a SavedModel in this process.

- `emotion_recogniser`: the interface, with one utterance or any number of them.
- `audio`: files, bytes, streams and samples as waveforms; `batches`: waveforms in batches of similar lengths.
- `answer`: the outputs of a model as answers or errors.
- `live_stream`: a live stream, window by window.
"""
