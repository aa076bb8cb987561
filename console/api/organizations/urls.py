"""The addresses of organizations."""

from django.urls import path

from console.api.organizations import views
from console.http.endpoint import endpoint

urlpatterns = [
    path("", endpoint(GET=views.list_organizations, POST=views.create_organization)),
    path("/<str:organization>", endpoint(GET=views.show_organization, PUT=views.update_organization)),
    path("/<str:organization>/members", endpoint(GET=views.list_members, POST=views.invite_member)),
    path("/<str:organization>/members/<str:user>", endpoint(PUT=views.change_member, DELETE=views.end_membership)),
    path("/<str:organization>/invitations", endpoint(GET=views.list_invitations)),
    path("/<str:organization>/invitations/<str:invitation>", endpoint(DELETE=views.revoke_invitation)),
    path("/<str:organization>/roles", endpoint(GET=views.list_roles, POST=views.add_role)),
    path("/<str:organization>/roles/<str:role>", endpoint(PUT=views.change_role, DELETE=views.remove_role)),
]
