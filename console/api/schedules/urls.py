"""The URLs of schedules."""

from django.urls import path

from console.api.schedules import views as schedules
from console.http.endpoint import endpoint

urlpatterns = [
    path("", endpoint(GET=schedules.list_schedules, POST=schedules.create)),
    path("/<str:address>", endpoint(GET=schedules.show, PUT=schedules.update, DELETE=schedules.delete)),
    path("/<str:address>/log", endpoint(GET=schedules.show_log)),
]
