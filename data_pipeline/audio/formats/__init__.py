"""Formats of audio files: what decodes each, and what a file is that no decoder takes.

- `reader`: the interface of an opened file.
- `mp3`: short MP3s, by dr_mp3; `sound_file`: WAV, FLAC, Ogg, AIFF and others, by libsndfile; `container`: everything
  else (M4A, MP4, WebM, AMR, WMA …) and damaged files, by PyAV.
- `wav_header`: what a WAV states of its size; `endings`: whether an MP3 or an Ogg is there to its end.
- `not_audio`: what a file is instead of audio.
"""
