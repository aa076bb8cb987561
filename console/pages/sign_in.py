"""Signing in and out, and proving once more who one is."""

from allauth.account import views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say what to do about a form that could not be told from a forged one."""
    return render(request, "sign_in/csrf_failure.html", status=403)
