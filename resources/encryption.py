"""Encryption with the server's secret; it is in `accounts.encryption`, where second factors need it too."""

from accounts.encryption import CannotDecrypt, decrypt, encrypt

__all__ = ["CannotDecrypt", "decrypt", "encrypt"]
