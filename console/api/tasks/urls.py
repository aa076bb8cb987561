"""The URLs of tasks."""

from django.urls import path

from console.api.tasks import views as tasks
from console.http.endpoint import endpoint

urlpatterns = [
    path("", endpoint(GET=tasks.list_tasks, POST=tasks.create)),
    path("/<str:address>", endpoint(GET=tasks.show, PUT=tasks.update, DELETE=tasks.delete)),
    path("/<str:address>/input", endpoint(GET=tasks.show_input, PUT=tasks.update_input)),
]
