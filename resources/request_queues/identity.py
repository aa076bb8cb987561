"""The ID of a request, which the clients work out by themselves from its unique key."""

from base64 import b64encode
from hashlib import sha256

LENGTH = 15


def request_id(unique_key: str) -> str:
    """Return the first 15 letters and digits of the base64 of the SHA-256 of a unique key."""
    text = b64encode(sha256(unique_key.encode()).digest()).decode()
    return text.replace("+", "").replace("/", "").replace("=", "")[:LENGTH]


def looks_like_request_id(text: str) -> bool:
    """Tell whether `text` has the form of an ID of a request, whether or not there is one."""
    return len(text) <= LENGTH and text.isascii() and text.isalnum()
