"""Settings: the second factors. django-allauth keeps them; each change is one transaction with its audit line."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.recovery_codes import views as codes_views
from allauth.mfa.totp import views as totp_views
from allauth.mfa.webauthn import views as webauthn_views
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.generic.edit import FormView

from accounts.request_types import PageRequest
from accounts.sign_in.second_factors import is_unreadable
from sharing.declare import personal

View = Callable[..., HttpResponse]


def _page(view: View) -> View:
    """Declare a page of these, keep it out of caches, and make what it changes one transaction."""

    @wraps(view)
    def in_transaction(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return personal(never_cache(in_transaction))


def _of_codes(view: View) -> View:
    """Show a page of recovery codes, or one that says that the server cannot read them."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ValidationError as error:
            if not is_unreadable(error):
                raise
            return render(request, "mfa/recovery_codes/unreadable.html")

    return shown


class _NewCodes(codes_views.GenerateRecoveryCodesView):  # type: ignore[misc]  # allauth has no types
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        try:
            found: dict[str, Any] = super().get_context_data(**kwargs)
        except ValidationError as error:
            if not is_unreadable(error):
                raise
            return {**FormView.get_context_data(self, **kwargs), "unused_code_count": 0}
        return found


@personal
@require_safe
def overview(request: PageRequest) -> HttpResponse:
    """Lead to the section of the security page that lists all second factors."""
    return HttpResponseRedirect(f"{reverse('settings-security')}#two-factor")


activate_app = _page(totp_views.ActivateTOTPView.as_view())
deactivate_app = _page(totp_views.DeactivateTOTPView.as_view())
view_codes = _page(_of_codes(codes_views.ViewRecoveryCodesView.as_view()))
generate_codes = _page(_NewCodes.as_view())
download_codes = _page(_of_codes(codes_views.DownloadRecoveryCodesView.as_view()))
add_passkey = _page(webauthn_views.AddWebAuthnView.as_view())
rename_passkey = _page(webauthn_views.EditWebAuthnView.as_view())
remove_passkey = _page(webauthn_views.RemoveWebAuthnView.as_view())
