"""The addresses of the pages for sharing."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
