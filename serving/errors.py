"""The exceptions for utterances without an answer. Everything that can fail between audio and answer raises one.

```
RecognitionError                 base class of all
├── UnreadableAudioError         the file, bytes or stream contains no usable audio
├── AudioRejectedError           the model could not judge the audio and returned a status
├── UnexpectedAnswerError        the model's outputs are not those of a model of this project
└── ServerError                  the server did not answer: serving/client/server_errors.py
```
"""

from data_pipeline.errors import UserError
from serving.status import RowStatus


class RecognitionError(UserError):
    """There is no answer for an utterance.

    Attributes:
        concerns_all: Whether every other utterance would fail for the same reason, so that a job should end.
    """

    concerns_all = False


class UnreadableAudioError(RecognitionError):
    """A file, bytes or a stream contains no usable audio."""


class AudioRejectedError(RecognitionError):
    """The model could not judge the audio.

    Attributes:
        status: Status of the row, a `RowStatus`; a plain number if this version of the project does not know it.
    """

    def __init__(self, status: int):
        known = status in RowStatus.__members__.values()
        self.status = RowStatus(status) if known else status
        sentence = (
            RowStatus(status).sentence
            if known
            else f"the model refused the audio with the unknown status {status}: update this client"
        )
        super().__init__(sentence)


class UnexpectedAnswerError(RecognitionError):
    """The outputs of a model are not those of a model of this project."""

    concerns_all = True
