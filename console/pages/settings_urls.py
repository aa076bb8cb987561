"""The addresses of the pages for the settings of an account."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
