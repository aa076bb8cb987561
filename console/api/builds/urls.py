"""The addresses of builds, below whatever names the collection or the one build."""

from django.urls import path

from console.api.builds import inputs as build_inputs
from console.api.builds import views as builds
from console.http.endpoint import endpoint

of_one_build = [
    path("/abort", endpoint(POST=builds.abort)),
    path("/openapi.json", endpoint(GET=build_inputs.show_openapi)),
    path("", endpoint(GET=builds.show, PUT=builds.update, DELETE=builds.delete)),
]

of_all_builds = [
    path("", endpoint(GET=builds.list_builds)),
]

# Where builds were before they had a collection of their own: below their Actor, which the URL names as well.
of_one_build_of_an_actor = [
    path("/abort", endpoint(POST=builds.abort)),
    path("/openapi.json", endpoint(GET=build_inputs.show_openapi)),
    path("", endpoint(GET=builds.show)),
]
