"""Why there is no answer, as types: one of them is raised whatever goes wrong between audio and answer.

```
RecognitionError                 catch this one
├── UnreadableAudioError         no audio in the file, bytes or stream
├── AudioRejectedError           audio that the model marked with a status
├── UnexpectedAnswerError        a model that answers as none of this project's does
└── ServerError                  no answer from a server: serving/client/server_errors.py
```
"""

from data_pipeline.errors import UserError
from serving.status import RowStatus


class RecognitionError(UserError):
    """An utterance without an answer.

    Attributes:
        concerns_all: Whether every other utterance would fare the same, so that a job of many should end.
    """

    concerns_all = False


class UnreadableAudioError(RecognitionError):
    """A file, bytes or a stream that give no usable waveform."""


class AudioRejectedError(RecognitionError):
    """Audio that the model could not judge.

    Attributes:
        status: The row's status code; one that this version does not know stays a plain number.
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
    """A model that answers, but not as this project's models do."""

    concerns_all = True
