"""The addresses of the pages of tasks."""

from django.urls import path

from console.pages.tasks import dialogs as task_dialogs
from console.pages.tasks import lists as task_list
from console.pages.tasks import views as tasks
from resources.kinds import KINDS, Kind

TASKS = KINDS[Kind.TASK].console_path
TASK = f"{TASKS}/<str:address>"

urlpatterns = [
    path(TASKS, task_list.list_tasks, name="tasks"),
    path(f"{TASKS}/new", task_dialogs.create, name="task-new"),
    path(TASK, tasks.show_task, name="resource-task"),
    path(f"{TASK}/input", tasks.save, name="task-save"),
    path(f"{TASK}/runs", tasks.runs, name="task-runs"),
    path(f"{TASK}/start", tasks.start, name="task-start"),
    path(f"{TASK}/rename", task_dialogs.rename, name="task-rename"),
    path(f"{TASK}/delete", task_dialogs.delete, name="task-delete"),
]
