"""The key pairs of secret input fields: one for each account and Actor, made when it is first needed."""

import base64
import secrets
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from django.db import IntegrityError, transaction

from accounts.lib.encryption import decrypt, encrypt
from resources.models import InputKeyPair

KEY_BITS = 2048
VARIABLES = ("APIFY_INPUT_SECRETS_PRIVATE_KEY_FILE", "APIFY_INPUT_SECRETS_PRIVATE_KEY_PASSPHRASE")
_PASSPHRASE_BYTES = 24


def find(account_id: str, actor_id: str, model: Any = InputKeyPair) -> rsa.RSAPrivateKey | None:
    """Return the key of an account and an Actor; None where there is none yet.

    `model` is InputKeyPair, in a migration as it was then.

    Raises:
        CannotDecrypt: when it was stored with a SECRET_KEY that this server does not know.
    """
    stored = model.objects.filter(account_id=account_id, actor_id=actor_id).values_list("private_key").first()
    return _read(stored[0]) if stored else None


def ensure(account_id: str, actor_id: str, model: Any = InputKeyPair) -> rsa.RSAPrivateKey:
    """Return the key of an account and an Actor, made now where there is none yet, which takes about 100 ms.

    Raises:
        CannotDecrypt: when it was stored with a SECRET_KEY that this server does not know.
    """
    found = find(account_id, actor_id, model)
    if found is not None:
        return found
    text = new_private_key()
    try:
        with transaction.atomic():
            model.objects.create(account_id=account_id, actor_id=actor_id, private_key=text)
    except IntegrityError:
        found = find(account_id, actor_id, model)  # another request has made it in the meantime
        if found is None:
            raise
        return found
    return _read(text)


def new_private_key() -> str:
    """Return a new private key as the database keeps it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())
    return encrypt(pem.decode())


def build_environment(key: rsa.RSAPrivateKey) -> dict[str, str]:
    """Return the variables from which the SDKs take a key: Base64 of an encrypted PEM, and its passphrase."""
    passphrase = secrets.token_urlsafe(_PASSPHRASE_BYTES)
    encryption = serialization.BestAvailableEncryption(passphrase.encode())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return dict(zip(VARIABLES, (base64.b64encode(pem).decode(), passphrase), strict=True))


def _read(stored: str) -> rsa.RSAPrivateKey:
    # It was made by this server, and checking it takes longer than using it.
    key = serialization.load_pem_private_key(decrypt(stored).encode(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"A key pair of secret inputs is not RSA but {type(key).__name__}.")
    return key
