"""The one kind of error that a person using `ser` is meant to read."""


class UserError(Exception):
    """Something the user can put right: a missing folder, a bad file, a port in use.

    The message is one sentence that names the file or field and says what to do. The `ser` command prints it
    after `error:` and exits with status 1; every expected failure of this project is a subclass, and anything
    else that escapes is a defect.
    """
