"""The addresses of the pages for signing up, in and out."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
