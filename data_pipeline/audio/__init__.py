"""Sound: files decoded to 16 kHz, log-mel spectrograms, telephone channels.

- `decode`: an audio file as 16 kHz mono PCM; `audio_file`: how it is opened; `mp3`: short MP3s.
- `log_mel`: the log-mel spectrogram of training and exports; `log_mel_settings`: what defines it.
- `telephone`: a telephone channel; `g711`: its codec; `upsample`: 8 kHz to 16 kHz.
- `limits`: what an utterance may be; `fft_length`: quick lengths of Fourier transforms.
"""
