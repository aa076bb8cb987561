"""The addresses of Actors, below whatever names the collection or the one Actor."""

from django.urls import path

from console.api.actors import versions as actor_versions
from console.api.actors import views as actors
from console.api.builds import inputs as build_inputs
from console.api.builds import views as builds
from console.http.endpoint import endpoint

of_one_actor = [
    path("/builds", endpoint(GET=builds.list_for_actor, POST=builds.start)),
    path("/builds/default", endpoint(GET=builds.show_default)),
    path("/builds/default/openapi.json", endpoint(GET=build_inputs.show_default_openapi)),
    path("/validate-input", endpoint(POST=build_inputs.validate)),
    path("/versions", endpoint(GET=actor_versions.list_versions, POST=actor_versions.add_version)),
    path(
        "/versions/<str:version>",
        endpoint(
            GET=actor_versions.show_version,
            PUT=actor_versions.change_version,
            POST=actor_versions.change_version,
            DELETE=actor_versions.remove_version,
        ),
    ),
    path(
        "/versions/<str:version>/env-vars",
        endpoint(GET=actor_versions.list_variables, POST=actor_versions.add_variable),
    ),
    path(
        "/versions/<str:version>/env-vars/<str:variable>",
        endpoint(
            GET=actor_versions.show_variable,
            PUT=actor_versions.change_variable,
            POST=actor_versions.change_variable,
            DELETE=actor_versions.remove_variable,
        ),
    ),
    path("", endpoint(GET=actors.show, PUT=actors.update, DELETE=actors.delete)),
]

of_all_actors = [
    path("", endpoint(GET=actors.list_actors, POST=actors.create)),
]
