"""`user.has_perm("READ", resource)` answers through the same decision as everything else."""

import pytest
from django.http import Http404

from resources.kinds import Kind
from sharing import grants
from sharing.facts import ResourceAddress, fetch
from sharing.permissions import Permission


def test_a_stranger_has_no_permission_on_a_restricted_resource(ada, cleo, make_resource):
    dataset = make_resource(Kind.DATASET, ada, general_access="RESTRICTED")
    assert not any(cleo.has_perm(name, dataset) for name in Permission.__members__)


def test_there_is_no_superuser_and_nothing_for_the_inactive(ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    assert ada.has_perm("WRITE", dataset)
    ada.is_active = False
    assert not ada.has_perm("WRITE", dataset)


def test_unknown_permissions_and_other_objects_are_refused(ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    assert not ada.has_perm("FLY", dataset)
    assert not ada.has_perm("READ")
    assert not ada.has_perm("READ", ada)


def test_a_grant_is_felt_at_once_and_ends_with_its_revocation(ada, ben, make_resource):
    dataset = make_resource(Kind.DATASET, ada, general_access="RESTRICTED")
    grants.grant(dataset, ben, Permission.WRITE, by=ada.principal)
    assert ben.has_perm("READ", dataset)
    assert ben.has_perm("WRITE", dataset)
    assert not ben.has_perm("MANAGE_ACCESS_RIGHTS", dataset)
    grants.revoke(dataset, ben, by=ada.principal)
    assert not ben.has_perm("READ", dataset)


def test_what_is_gone_is_nobodys(ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    gone = type(dataset).objects.get(pk=dataset.pk)
    dataset.delete()
    assert not ada.has_perm("READ", gone)


def test_the_rest_of_a_resource_comes_when_it_is_asked_for(ada, make_resource, django_assert_num_queries):
    dataset = make_resource(Kind.DATASET, ada, name="prices")
    address = ResourceAddress(Kind.DATASET, id=dataset.pk)
    with django_assert_num_queries(1):
        whole = fetch(address, ada.pk)
        assert whole.resource == dataset
    with django_assert_num_queries(2):
        found = fetch(address, ada.pk, only_facts=True)
        assert (found.facts, found.resource) == (whole.facts, dataset)
        assert found.resource.name == "prices"
    late = fetch(address, ada.pk, only_facts=True)
    dataset.delete()
    with pytest.raises(Http404):
        _ = late.resource
