"""A passkey in place of a device: it answers what a site asks of one, as a browser hands the answers on."""

import hashlib
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

_PRESENT = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV
_NEW = _PRESENT | AuthenticatorData.FLAG.AT


class Passkey:
    """A key for one site. Bytes are in base64url, here and in what a browser sends."""

    def __init__(self, credential_id: str, private_key: str, host: str = "localhost") -> None:
        key = serialization.load_der_private_key(websafe_decode(private_key), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._id, self._key, self._host = credential_id, key, host

    def registered(self, options: dict[str, Any], origin: str) -> dict[str, Any]:
        """Return what a browser sends when the key is added, by the site's `creation_options`."""
        attested = AttestedCredentialData.create(
            bytes(16), websafe_decode(self._id), ES256.from_cryptography_key(self._key.public_key())
        )
        data = AuthenticatorData.create(self._site(), _NEW, 0, attested)
        response = {
            "clientDataJSON": websafe_encode(self._client_data("webauthn.create", options, origin)),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
            "transports": ["internal"],
        }
        return {**self._sent(response), "clientExtensionResults": {"credProps": {"rk": False}}}

    def asserted(self, options: dict[str, Any], origin: str) -> dict[str, Any]:
        """Return what a browser sends when the key signs in, by the site's `request_options`."""
        data = AuthenticatorData.create(self._site(), _PRESENT, 1)
        client = self._client_data("webauthn.get", options, origin)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": websafe_encode(client),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": None,
        }
        return {**self._sent(response), "clientExtensionResults": {}}

    def _site(self) -> bytes:
        return hashlib.sha256(self._host.encode()).digest()

    def _client_data(self, kind: str, options: dict[str, Any], origin: str) -> CollectedClientData:
        return CollectedClientData.create(kind, options["publicKey"]["challenge"], origin)

    def _sent(self, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "public-key",
            "id": self._id,
            "rawId": self._id,
            "authenticatorAttachment": "platform",
            "response": response,
        }
