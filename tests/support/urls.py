"""URLs of routes."""

import re

VALUES = {"account": "somebody-else"}


def url_of(route: str, addresses: dict[str, str]) -> str:
    """Return a URL of a route; parameters that `addresses` does not have name nothing that there is."""

    def value(match: re.Match[str]) -> str:
        converter, _, name = match[1].rpartition(":")
        if name in addresses:
            return addresses[name]
        return "1" if converter == "int" else VALUES.get(name, "nothing")

    return "/" + re.sub(r"<([^>]+)>", value, route)
