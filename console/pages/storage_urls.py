"""The addresses of the pages for the dashboard and the storages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
