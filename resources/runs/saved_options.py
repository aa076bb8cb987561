"""What a task, or a schedule, says about how the Actor is run; what it does not say is the Actor's to say."""

from typing import Annotated

import msgspec

# What every database can keep in the columns of a run.
_MAX = 2**31 - 1

Count = Annotated[int, msgspec.Meta(ge=0, le=_MAX)]


class SavedOptions(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """The options as the API spells them; None is what is not said.

    `build` is a tag or number, `timeout_secs` of 0 no limit, `max_items` and `max_total_charge_usd` what the run may
    charge for. `force_permission_level` is one of `resources/permission_levels.py`.
    """

    build: Annotated[str, msgspec.Meta(max_length=40, pattern=r"\A[^\x00]*\Z")] | None = None
    timeout_secs: Count | None = None
    memory_mbytes: Count | None = None
    max_items: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None = None
    max_total_charge_usd: Annotated[float, msgspec.Meta(ge=0, le=1e12)] | None = None
    restart_on_error: bool | None = None
    force_permission_level: Annotated[str, msgspec.Meta(max_length=40)] | None = None


NONE_SAVED = SavedOptions()


def dump_options(options: SavedOptions) -> str:
    """Return options as the JSON text that is kept, without what they do not say."""
    return msgspec.json.encode(options).decode()


def load_options(text: str) -> SavedOptions:
    """Return the options that `dump_options` has written."""
    return msgspec.json.decode(text, type=SavedOptions)
