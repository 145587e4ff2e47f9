"""Sound: files decoded to 16 kHz, voice activity, log-mel spectrograms, telephone channels.

- `decode`: an audio file as 16 kHz mono PCM; `audio_file`: how it is opened; `formats`: what decodes each format;
  `audio_files`: which files of a folder are audio; `samples`: audio in memory; `limits`: what an utterance may be.
- `track` and `one_track`: which of several channels is taken.
- `speech`: which moments are speech.
- `resample`: any rate to 16 kHz; `half_band`: 8 kHz to 16 kHz; `upsample`: the same inside a graph.
- `log_mel`: the log-mel spectrogram of training and exports; `log_mel_settings`: what defines it.
- `telephone`: a telephone channel; `g711`: its codec.
- `fft_length`: quick lengths of Fourier transforms.
"""
