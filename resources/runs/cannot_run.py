"""The refusal of a run that cannot be started."""


class CannotRun(ValueError):
    """The Actor cannot be run like this: `type` is the API's, the message says why."""

    def __init__(self, type_: str, message: str) -> None:
        super().__init__(message)
        self.type = type_
