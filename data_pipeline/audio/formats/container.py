"""Containers and codings that libsndfile lacks, and damaged files, decoded by PyAV (FFmpeg's libraries).

M4A, MP4, MOV, 3GP, WebM, Matroska, AMR, AAC, FLV, WMA, AVI and others, also those with a picture. FFmpeg reads on
where a file is damaged, so it also takes what libsndfile gives up: a FLAC or an Ogg that was cut off, a FLAC without a
total, a WAV whose size was never written.
"""

from collections.abc import Generator, Iterator
from typing import Any, BinaryIO

import numpy as np

from data_pipeline.audio.formats.reader import CannotBeDecoded

_DEMUXERS = (
    "mov,matroska,webm,amr,aac,flv,asf,avi,mpegts,mpeg,ac3,eac3,wav,w64,flac,ogg,mp3,caf,aiff,au,voc,nistsphere,"
    "wv,ape,tta,tak,rm,ircam,sox"
)
"""FFmpeg's names of the containers that are tried. Playlists, which name other files, and guesses at raw data are not
among them."""

_MISSING = 0.25
"""Seconds by which the audio may be shorter than the container states: codecs pad and drop part of a frame."""


class NoContainer(CannotBeDecoded):
    """A file is no container that FFmpeg's libraries know."""


class _Unnamed:
    """A file without its name, by whose suffix FFmpeg would take anything for raw audio."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


class Container:
    """The sound track of a file.

    Attributes:
        samplerate: Sampling rate in Hz.
        channels: Number of channels.
        format: Name of the container.
        subtype: Name of the coding.
        frames: None; containers state durations, which are not exact.
        stated_seconds: Duration that the container states, or None.
    """

    frames = None

    def __init__(self, file: BinaryIO) -> None:
        """Open a file and decode its first piece, on which sampling rate and channels rest.

        Args:
            file: A binary file that can be moved in. No other file is ever opened, whatever it names.

        Raises:
            NoContainer: If it is no container.
            CannotBeDecoded: If it has no sound track or several, or nothing of it can be decoded.
        """
        # Loading it takes a tenth of a second, which most jobs never need.
        import av

        self._av = av
        file.seek(0)
        try:
            self._container: Any = av.open(_Unnamed(file), options={"format_whitelist": _DEMUXERS})
        except (av.FFmpegError, ValueError, OSError) as error:
            raise NoContainer("is no container") from error
        try:
            self._stream = self._sound_track()
            self._damaged = False
            self._decoded = 0
            self._pieces = self._decode()
            self._next = next(self._pieces, None)
            if self._next is None:
                damaged = "is cut off or damaged, and nothing of its sound can be decoded: copy it again"
                raise CannotBeDecoded(damaged if self._damaged else "holds no samples")
        except BaseException:
            self._container.close()
            raise
        self.channels = self._next.shape[1]
        self.format = self._container.format.name.split(",")[0].upper()
        self.subtype = self._stream.codec_context.name.upper()
        self.stated_seconds = self._stated_seconds()

    @property
    def is_cut_off(self) -> bool:
        """See `Reader`; known when the last frame has been read."""
        stated = self.stated_seconds
        return self._damaged or (stated is not None and self._decoded / self.samplerate < stated - _MISSING)

    def seek(self, frame: int) -> None:
        """See `Reader`; what comes before is decoded, since containers seek to the nearest keyframe only."""
        while frame:
            skipped = len(self.read_frames(min(frame, self.samplerate)))
            if not skipped:
                return
            frame -= skipped

    def read_frames(self, frames: int) -> np.ndarray:
        """See `Reader`."""
        parts, left = [], frames
        while left and self._next is not None:
            part, rest = self._next[:left], self._next[left:]
            parts.append(part)
            left -= len(part)
            self._next = rest if len(rest) else next(self._pieces, None)
        return np.concatenate(parts) if parts else np.zeros((0, self.channels), np.float32)

    def close(self) -> None:
        """See `Reader`."""
        self._pieces.close()
        self._container.close()

    def _sound_track(self) -> Any:
        tracks = self._container.streams.audio
        if not tracks:
            raise CannotBeDecoded("has no sound track: give a recording with sound")
        if len(tracks) > 1:
            raise CannotBeDecoded(
                f"holds {len(tracks)} sound tracks: extract the one to be used (ffmpeg -i FILE -map 0:a:0 OUT.wav)"
            )
        if tracks[0].codec_context is None:
            raise CannotBeDecoded("holds sound in a coding that no decoder knows: convert it with what recorded it")
        return tracks[0]

    def _decode(self) -> Generator[np.ndarray]:
        """The pieces of the sound track: float32 [frames, channels]."""
        resampler = None
        for packet in self._packets():
            try:
                frames = self._stream.codec_context.decode(packet)
            except self._av.FFmpegError:
                # One damaged packet: the next may be whole.
                self._damaged = True
                continue
            for frame in frames:
                if resampler is None:
                    self.samplerate = frame.sample_rate
                    resampler = self._av.AudioResampler(format="fltp", layout=frame.layout, rate=frame.sample_rate)
                for piece in resampler.resample(frame):
                    self._decoded += piece.samples
                    if piece.samples:
                        yield piece.to_ndarray().T

    def _packets(self) -> Iterator:
        try:
            yield from self._container.demux(self._stream)
        except self._av.FFmpegError:
            self._damaged = True

    def _stated_seconds(self) -> float | None:
        if self._stream.duration is not None and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        duration = self._container.duration
        return None if duration is None else duration / self._av.time_base
