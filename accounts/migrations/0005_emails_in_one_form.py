"""Keep the domain of each e-mail in ASCII. What another account has already is left as it is, and reported."""

from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from accounts.email_addresses import normalize


def _canonical(email: str) -> str:
    try:
        return normalize(email)
    except ValueError:  # it was accepted by other rules; it stays
        return email


def convert(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    Account = apps.get_model("accounts", "Account")
    EmailAddress = apps.get_model("account", "EmailAddress")
    kept = []
    for account in _with_unicode(Account):
        wanted = _canonical(account.email)
        taken = Account.objects.filter(email=wanted).exclude(pk=account.pk)
        verified = EmailAddress.objects.filter(email=wanted, verified=True).exclude(user_id=account.pk)
        if taken.exists() or verified.exists():
            kept.append(f"{account.username} ({account.email})")
        else:
            Account.objects.filter(pk=account.pk).update(email=wanted)
    for address in _with_unicode(EmailAddress):
        wanted = _canonical(address.email)
        rivals = EmailAddress.objects.filter(email=wanted).exclude(pk=address.pk)
        if rivals.filter(user_id=address.user_id).exists():
            _merge(address, rivals.get(user_id=address.user_id))
        elif Account.objects.filter(email=wanted).exclude(pk=address.user_id).exists() or rivals.filter(verified=True).exists():
            continue
        else:
            EmailAddress.objects.filter(pk=address.pk).update(email=wanted)
    if kept:
        notices = apps.get_model("accounts", "UpgradeNotice")
        notices.objects.create(key="emails-not-merged", account_id="", details={"accounts": ", ".join(sorted(kept))})


def _with_unicode(model: Any) -> list[Any]:
    return [row for row in model.objects.order_by("pk").iterator() if not row.email.isascii()]


def _merge(address: Any, other: Any) -> None:
    """Fold an address into the same one in ASCII that its user has as well."""
    verified, primary = address.verified or other.verified, address.primary or other.primary
    address.delete()
    type(other).objects.filter(pk=other.pk).update(verified=verified, primary=primary)


class Migration(migrations.Migration):

    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("accounts", "0004_listening_addresses_and_upgrade_notices"),
    ]

    operations = [migrations.RunPython(convert, migrations.RunPython.noop)]
