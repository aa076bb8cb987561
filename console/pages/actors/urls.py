"""The addresses of the pages of Actors, of their builds and of the Store.

They come behind `actors/runs`, which begins in the same way. A build is found by `actors/builds/ID`, and below its
Actor too.
"""

from django.urls import path

from console.pages.actors import approve as actor_approve
from console.pages.actors import builds as actor_builds
from console.pages.actors import environment as actor_environment
from console.pages.actors import files as actor_files
from console.pages.actors import information as actors
from console.pages.actors import lists as actor_list
from console.pages.actors import runs as actor_runs
from console.pages.actors import settings as actor_settings
from console.pages.actors import source as actor_source
from console.pages.actors import start as actor_start
from console.pages.actors import store
from console.pages.actors import versions as actor_versions
from console.pages.builds import views as builds

_ACTOR = "actors/<str:address>"
_VERSION = f"{_ACTOR}/versions/<str:number>"
_BUILD = "actors/builds/<str:address>"

urlpatterns = [
    path("store", store.list_store, name="store"),
    path("actors", actor_list.list_actors, name="actors"),
    path("actors/new", actor_list.create, name="actor-new"),
    path(_BUILD, builds.show_build, name="resource-build"),
    path(f"{_BUILD}/source", builds.source, name="build-source"),
    path(f"{_BUILD}/log", builds.log, name="build-log"),
    path(f"{_BUILD}/abort", builds.abort, name="build-abort"),
    path(f"{_BUILD}/delete", builds.delete, name="build-delete"),
    path("actors/<str:actor>/builds/<str:address>", builds.show_build, name="actor-build"),
    path(_ACTOR, actors.show_actor, name="resource-actor"),
    path(f"{_ACTOR}/source", actor_source.show_source, name="actor-source"),
    path(f"{_ACTOR}/builds", actor_builds.list_builds, name="actor-builds"),
    path(f"{_ACTOR}/build", actor_builds.start, name="actor-build-start"),
    path(f"{_ACTOR}/runs", actor_runs.list_runs, name="actor-runs"),
    path(f"{_ACTOR}/start", actor_start.start, name="actor-start"),
    path(f"{_ACTOR}/approve", actor_approve.approve, name="actor-approve"),
    path(f"{_ACTOR}/settings", actor_settings.edit_settings, name="actor-settings"),
    path(f"{_ACTOR}/publish", actor_settings.publish, name="actor-publish"),
    path(f"{_ACTOR}/delete", actor_settings.delete, name="actor-delete"),
    path(f"{_ACTOR}/versions/new", actor_versions.add, name="version-new"),
    path(_VERSION, actor_versions.change, name="version"),
    path(f"{_VERSION}/delete", actor_versions.delete, name="version-delete"),
    path(f"{_VERSION}/file", actor_source.save, name="version-file"),
    path(f"{_VERSION}/file/new", actor_files.add, name="version-file-new"),
    path(f"{_VERSION}/file/rename", actor_files.rename, name="version-file-rename"),
    path(f"{_VERSION}/file/delete", actor_files.delete, name="version-file-delete"),
    path(f"{_VERSION}/new-variable", actor_environment.add, name="variable-new"),
    path(f"{_VERSION}/variables/<str:name>", actor_environment.change, name="variable"),
    path(f"{_VERSION}/variables/<str:name>/delete", actor_environment.delete, name="variable-delete"),
]
