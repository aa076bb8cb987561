"""The addresses of tasks and schedules."""

from django.urls import path

from console.api import schedules, tasks
from console.api.endpoint import endpoint

of_plans = [
    path("actor-tasks", endpoint(GET=tasks.list_tasks, POST=tasks.create)),
    path("actor-tasks/<str:address>", endpoint(GET=tasks.show, PUT=tasks.update, DELETE=tasks.delete)),
    path("actor-tasks/<str:address>/input", endpoint(GET=tasks.show_input, PUT=tasks.update_input)),
    path("schedules", endpoint(GET=schedules.list_schedules, POST=schedules.create)),
    path("schedules/<str:address>", endpoint(GET=schedules.show, PUT=schedules.update, DELETE=schedules.delete)),
    path("schedules/<str:address>/log", endpoint(GET=schedules.show_log)),
]
