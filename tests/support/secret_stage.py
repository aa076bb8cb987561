"""What the tests of secret input fields start from: an Actor whose input schema has some, and an independent reader.

The reader decrypts as the format is written down, from the variables of a run alone, without the code that it tests.
"""

import base64
import json
import re
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from accounts.models import Account
from resources.models import Actor, Build, BuildContent, Record, Run
from resources.records.reading import open_record
from resources.runs import input_secrets
from tests.support.factories import built, built_actor

PASSWORD = "hunter2-of-ada"
COOKIES = [{"name": "session", "value": "sugar-and-spice"}]
SCHEMA = {
    "title": "Shop",
    "type": "object",
    "schemaVersion": 1,
    "properties": {
        "url": {"title": "URL", "type": "string", "editor": "textfield"},
        "password": {"title": "Password", "type": "string", "editor": "textfield", "isSecret": True, "minLength": 8},
        "cookies": {"title": "Cookies", "type": "array", "editor": "json", "isSecret": True},
    },
}
GIVEN = {"url": "https://example.com/", "password": PASSWORD, "cookies": COOKIES}
JSON = "application/json"
FORM = re.compile(r"(ENCRYPTED_VALUE|ENCRYPTED_JSON):(?:([0-9a-f]{10}):)?([A-Za-z0-9+/]+=*):([A-Za-z0-9+/]+=*)")


def give_schema(build: Build, schema: dict[str, Any]) -> None:
    """Let a build have an input schema."""
    BuildContent.objects.update_or_create(build=build, defaults={"input_schema": json.dumps(schema)})


def secret_actor(owner: Account, name: str = "shop", schema: dict[str, Any] = SCHEMA) -> Actor:
    """Make an Actor whose latest build has secret input fields."""
    actor = built_actor(owner, name=name)
    give_schema(built(actor, "0.1.2"), schema)
    return actor


def stored(run: Run | str, key: str = "INPUT") -> str:
    """Return the text of an input as it is stored."""
    run_id = run if isinstance(run, str) else run.pk
    with open_record(Record.objects.get(store__run_id=run_id, key=key)) as file:
        return file.read().decode()


def shows_no_secret(text: str) -> bool:
    """Tell whether a text has none of the secrets of GIVEN."""
    return not any(secret in text for secret in (PASSWORD, "sugar-and-spice"))


def read_with(variables: dict[str, str], text: str) -> dict[str, Any]:
    """Decrypt the fields of an input as the SDKs do; `variables` are those of a run."""
    key: Any = serialization.load_pem_private_key(
        base64.b64decode(variables["APIFY_INPUT_SECRETS_PRIVATE_KEY_FILE"]),
        variables["APIFY_INPUT_SECRETS_PRIVATE_KEY_PASSPHRASE"].encode(),
    )
    assert key.key_size == 2048
    given = json.loads(text)
    for name, value in given.items():
        if match := FORM.fullmatch(value) if isinstance(value, str) else None:
            kind, _, password, content = match.groups()
            sha1 = hashes.SHA1()
            opened = key.decrypt(base64.b64decode(password), padding.OAEP(padding.MGF1(sha1), sha1, None))
            assert len(opened) == 48
            sealed = base64.b64decode(content)
            decryptor = Cipher(algorithms.AES(opened[:32]), modes.GCM(opened[32:], sealed[-16:])).decryptor()
            plain = (decryptor.update(sealed[:-16]) + decryptor.finalize()).decode()
            given[name] = plain if kind == "ENCRYPTED_VALUE" else json.loads(plain)
    return given


def read_by(run: Run | str, key: str = "INPUT") -> dict[str, Any]:
    """Return the input of a run as the SDK in it reads it."""
    found = Run.objects.get(pk=run if isinstance(run, str) else run.pk)
    return read_with(input_secrets.decryption_variables(found), stored(found, key))
