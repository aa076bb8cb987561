"""Names of browsers and other programs, read from the `User-Agent` header."""

import re

LONGEST_NAME = 60

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> str:
    """Return what people call a browser and its system: "Firefox on Windows"."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "Unknown browser")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), None)
    return f"{browser} on {system}" if system else browser


def client_name(user_agent: str) -> str:
    """Return what people call the program that sent a request, in at most LONGEST_NAME characters; "" for none.

    "Apify client for Python on Linux", "curl 8.5.0", "Firefox on Windows".
    """
    if user_agent.startswith("Mozilla/"):
        return browser_name(user_agent)
    name, version = _first_product(user_agent)
    if name.lower() == "apifyclient":
        system = next((label for sign, label in _SYSTEMS_OF_PROGRAMS if sign in user_agent.lower()), None)
        language = next((label for sign, label in _LANGUAGES if sign in user_agent), None)
        name = "Apify client" + (f" for {language}" if language else "")
        return f"{name} on {system}" if system else name
    return f"{name} {version}".strip()[:LONGEST_NAME]


def _first_product(user_agent: str) -> tuple[str, str]:
    found = _PRODUCT.match(user_agent)
    return (found[1], found[2] or "") if found else ("", "")


_PRODUCT = re.compile(r"([!-.0-~]{1,40})(?:/([0-9A-Za-z.+-]{1,20}))?", re.ASCII)
_LANGUAGES = (("Python/", "Python"), ("Node/", "JavaScript"))
_SYSTEMS_OF_PROGRAMS = (("linux", "Linux"), ("darwin", "macOS"), ("win32", "Windows"), ("windows", "Windows"))
