"""The addresses of the pages of runs. They come before those of Actors, which begin in the same way."""

from django.urls import path

from console.pages.runs import dialogs as run_dialogs
from console.pages.runs import lists as run_list
from console.pages.runs import views as runs
from resources.kinds import KINDS, Kind

RUNS = KINDS[Kind.RUN].console_path
RUN = f"{RUNS}/<str:address>"

urlpatterns = [
    path(RUNS, run_list.list_runs, name="runs"),
    path(RUN, runs.show_run, name="resource-run"),
    path(f"{RUN}/now", runs.now, name="run-now"),
    path(f"{RUN}/log", runs.log, name="run-log"),
    path(f"{RUN}/abort", run_dialogs.abort, name="run-abort"),
    path(f"{RUN}/resurrect", run_dialogs.resurrect, name="run-resurrect"),
    path(f"{RUN}/delete", run_dialogs.delete, name="run-delete"),
    path("actors/<str:actor>/runs/<str:address>", runs.redirect_from_actor, name="actor-run"),
]
