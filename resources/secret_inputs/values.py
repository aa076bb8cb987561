"""One encrypted value of an input, as `@apify/input_secrets` and the SDK for Python write and read it.

A string is `ENCRYPTED_VALUE:<password>:<value>`. Anything else is `ENCRYPTED_JSON:<schema hash>:<password>:<value>`,
of its JSON text. `<password>` is Base64 of 48 characters, an AES key of 32 and an initialization vector of 16, both
encrypted by RSA with OAEP and SHA-1. `<value>` is Base64 of the AES-256-GCM ciphertext and its tag of 16 bytes.

The initialization vector is not random here: it is a MAC of the field's name and of the AES key, which is random. So a
value is good for its own field only. The SDKs decrypt the values of all fields, secret or not; without this, an account
that may change an input could move a secret into a field that the Actor prints.
"""

import base64
import hashlib
import hmac
import re
import secrets
import string
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

STRING: Final = "ENCRYPTED_VALUE"
JSON: Final = "ENCRYPTED_JSON"
_BASE64 = "[-A-Za-z0-9+/]*={0,3}"
ENCRYPTED: Final = re.compile(rf"({STRING}|{JSON}):(?:{_BASE64}:)?({_BASE64}):({_BASE64})", re.ASCII)
_KEY_LENGTH, _VECTOR_LENGTH = 32, 16
_ALPHABET = string.digits + string.ascii_letters
_OAEP = padding.OAEP(mgf=padding.MGF1(algorithm=hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303
# What the hash of a field's schema leaves out, because it says nothing of the value.
_NOT_HASHED: Final = frozenset(
    {"title", "description", "sectionCaption", "sectionDescription", "nullable", "example", "prefill", "editor"}
)


class NotOurs(ValueError):
    """The text is not a value of this field that was encrypted with this key."""


def is_encrypted(value: Any) -> bool:
    """Tell whether a value has the form of an encrypted one, so that the SDKs would try to decrypt it."""
    return isinstance(value, str) and ENCRYPTED.fullmatch(value) is not None


def encrypted(field: str, value: Any, key: rsa.RSAPrivateKey, schema: dict[str, Any]) -> str:
    """Return the encrypted form of the value of a field, whose schema is `schema`."""
    is_text = isinstance(value, str)
    text = value if is_text else msgspec.json.encode(value).decode()
    aes_key = "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_LENGTH))
    vector = _vector(field, aes_key, key)
    password = key.public_key().encrypt(f"{aes_key}{vector}".encode(), _OAEP)
    sealed = AESGCM(aes_key.encode()).encrypt(vector.encode(), text.encode(), None)
    prefix = STRING if is_text else f"{JSON}:{_schema_hash(schema)}"
    return f"{prefix}:{_base64(password)}:{_base64(sealed)}"


def decrypted(field: str, text: str, key: rsa.RSAPrivateKey) -> Any:
    """Return the value of a field that `encrypted` was given.

    Raises:
        NotOurs: when it was encrypted with another key or for another field, or is damaged.
    """
    match = ENCRYPTED.fullmatch(text)
    if match is None:
        raise NotOurs(field)
    kind, password, sealed = match.groups()
    try:
        opened = key.decrypt(base64.b64decode(password, validate=True), _OAEP).decode("ascii")
        aes_key, vector = opened[:_KEY_LENGTH], opened[_KEY_LENGTH:]
        if not hmac.compare_digest(vector, _vector(field, aes_key, key)):
            raise NotOurs(field)
        plain = AESGCM(aes_key.encode()).decrypt(vector.encode(), base64.b64decode(sealed, validate=True), None)
        return plain.decode() if kind == STRING else msgspec.json.decode(plain)
    except (ValueError, InvalidTag) as error:  # what RSA, Base64, Unicode and JSON raise are all ValueErrors
        raise NotOurs(field) from error


def _vector(field: str, aes_key: str, key: rsa.RSAPrivateKey) -> str:
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    mac_key = hashlib.sha256(b"latchkey.secret_inputs.field" + der).digest()
    digest = hmac.digest(mac_key, f"{aes_key}{field}".encode(errors="surrogatepass"), "sha256")
    number, letters = int.from_bytes(digest, "big"), []
    for _ in range(_VECTOR_LENGTH):
        number, at = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[at])
    return "".join(letters)


def _schema_hash(schema: dict[str, Any]) -> str:
    text = msgspec.json.encode(_normalized(schema), order="sorted")
    return hashlib.sha256(text).hexdigest()[:10]


def _normalized(value: Any) -> Any:
    if isinstance(value, list):
        return [_normalized(each) for each in value]
    if isinstance(value, dict):
        return {name: _normalized(each) for name, each in value.items() if name not in _NOT_HASHED}
    return value


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
