"""WAV, FLAC, Ogg, AIFF, AU, CAF, W64, long MP3s and others, decoded by libsndfile."""

import re

import numpy as np
import soundfile

from data_pipeline.audio.formats.reader import CannotBeDecoded
from data_pipeline.audio.formats.wav_header import STREAMED_SIZE

_SEEKABLE = ("WAV", "WAVEX", "FLAC", "AIFF", "RF64", "W64", "AU")
"""Formats of libsndfile in which seeking to any sample is exact and immediate."""

_NO_TOTAL = 2**62
"""Least number of frames by which libsndfile says that a FLAC does not state its length."""

_CORRECTED = re.compile(r"(\d+) \(should be (\d+)\)")
"""How libsndfile's log notes a chunk that states another size than the file has room for."""

_SKIPPED = 2**18
"""Number of frames that are decoded at a time on the way to the first that is wanted."""


class SoundFile(soundfile.SoundFile):
    """A file that is read from front to back.

    soundfile seeks to its current position after every read. An MP3 decoder that seeks loses the bits that the next
    frame borrows from the last, so seeking is switched off.
    """

    def __init__(self, file: object, ends_early: bool | None) -> None:
        """Open a file.

        Args:
            file: Its path as bytes, or a binary file object.
            ends_early: Whether the file was seen to be cut off; None where libsndfile's log is to tell.

        Raises:
            CannotBeDecoded: If libsndfile does not take it.
        """
        self._ends_early = ends_early
        try:
            super().__init__(file)
        # soundfile raises TypeError for a name that ends in .raw, since headerless audio needs a description.
        except (soundfile.SoundFileError, TypeError) as error:
            raise CannotBeDecoded("is no file of libsndfile's") from error
        # libsndfile takes some names (.gsm, .vox) to mean headerless audio, whatever is in the file.
        if self.format == "RAW":
            self.close()
            raise CannotBeDecoded("has no header")

    @property
    def states_length(self) -> bool:
        """Whether `frames` can be relied on: a FLAC may state no total, and of a damaged Ogg libsndfile finds none."""
        return 0 < self.frames < _NO_TOTAL

    @property
    def is_cut_off(self) -> bool:
        """See `Reader`."""
        if self._ends_early is not None:
            return self._ends_early
        corrected = ((int(stated), int(there)) for stated, there in _CORRECTED.findall(self.extra_info))
        return any(there < stated < STREAMED_SIZE for stated, there in corrected)

    def seekable(self) -> bool:
        """False: the file is not to be moved after a read."""
        return False

    def read_frames(self, frames: int) -> np.ndarray:
        """See `Reader`."""
        try:
            return self.read(frames, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise CannotBeDecoded("is damaged and cannot be decoded to its end: copy or convert it anew") from error

    def seek(self, frame: int, whence: int = 0) -> int:
        """See `Reader`; a format in which seeking is not exact is read up to there."""
        if self.format in _SEEKABLE and super().seekable():
            return super().seek(frame, whence)
        scrap = np.empty((min(frame, _SKIPPED), self.channels), np.float32)
        left = frame
        while left and (skipped := len(self.read(out=scrap[:left]))):
            left -= skipped
        return frame - left
