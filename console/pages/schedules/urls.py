"""The addresses of the pages of schedules."""

from django.urls import path

from console.pages.schedules import dialogs as schedule_dialogs
from console.pages.schedules import lists as schedule_list
from console.pages.schedules import views as schedules
from resources.kinds import KINDS, Kind

SCHEDULES = KINDS[Kind.SCHEDULE].console_path
SCHEDULE = f"{SCHEDULES}/<str:address>"

urlpatterns = [
    path(SCHEDULES, schedule_list.list_schedules, name="schedules"),
    path(f"{SCHEDULES}/new", schedule_dialogs.create, name="schedule-new"),
    path(f"{SCHEDULES}/preview", schedules.preview, name="schedule-preview"),
    path(SCHEDULE, schedules.show_schedule, name="resource-schedule"),
    path(f"{SCHEDULE}/times", schedules.save, name="schedule-save"),
    path(f"{SCHEDULE}/enabled", schedules.switch, name="schedule-switch"),
    path(f"{SCHEDULE}/log", schedules.log, name="schedule-log"),
    path(f"{SCHEDULE}/actions/new", schedule_dialogs.add_action, name="schedule-action-new"),
    path(f"{SCHEDULE}/actions/<str:action>/remove", schedule_dialogs.remove_action, name="schedule-action-remove"),
    path(f"{SCHEDULE}/rename", schedule_dialogs.rename, name="schedule-rename"),
    path(f"{SCHEDULE}/delete", schedule_dialogs.delete, name="schedule-delete"),
]
