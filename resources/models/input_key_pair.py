"""The model of the key pairs that secret input fields are encrypted with."""

from django.conf import settings
from django.db import models


class InputKeyPair(models.Model):
    """The key pair of an account and an Actor: for the secret fields of inputs that the account gives this Actor.

    `private_key` is the PEM text of an RSA key, encrypted as `accounts.lib.encryption` does it.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    actor = models.ForeignKey("Actor", on_delete=models.CASCADE, related_name="+")
    private_key = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "actor"), name="input_key_pair_unique"),)

    def __str__(self) -> str:
        return f"{self.account_id}/{self.actor_id}"
