"""What can be wrong with the content of a dataset."""


class InvalidItems(ValueError):
    """What was pushed is no JSON object and no array of them; the message says where."""


class DatasetGone(LookupError):
    """The dataset does not exist, or was deleted in the meantime."""
