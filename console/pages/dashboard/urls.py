"""The addresses of the dashboard."""

from django.urls import path

from console.pages.dashboard import upgrade_notices
from console.pages.dashboard import views as dashboard

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("notices/<int:notice_id>/close", upgrade_notices.close, name="upgrade-notice-close"),
]
