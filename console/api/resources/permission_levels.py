"""How the API refuses a permission level."""

from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import invalid_value
from resources import permission_levels


def check(field: str, level: str | UnsetType | None) -> None:
    """Check the permission level that a request gives in `field`; None and UNSET are no level.

    Raises:
        ApiError: 400 `invalid-value` for no level that exists.
    """
    try:
        permission_levels.check(field, None if level is UNSET else level)
    except permission_levels.LevelRefused as error:
        raise invalid_value(error.field, str(error)) from None
