"""General access of resources and accounts: what can be chosen, what is recorded, and when it is felt."""

import pytest

from accounts.models import AuditEvent
from resources.kinds import KINDS, Kind
from resources.models import GeneralAccess
from sharing.general_access import UnsupportedLevel, get_levels, set_for_account, set_for_resource, set_run_sharing


def status_for(client, resource):
    return client.get(resource.console_path).status_code


# Refusals


@pytest.mark.parametrize("kind", [kind for kind, info in KINDS.items() if not info.general_access])
@pytest.mark.parametrize("level", GeneralAccess.values)
def test_kinds_of_explicit_access_only_have_no_level(kind, level, ada, make_resource):
    resource = make_resource(kind, ada)
    assert get_levels(resource) == []
    with pytest.raises(UnsupportedLevel):
        set_for_resource(resource, level, by=ada.principal)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("kind", [Kind.RUN, Kind.BUILD, Kind.DATASET])
def test_only_a_named_storage_opens_by_its_name(kind, ada, make_resource):
    resource = make_resource(kind, ada)
    with pytest.raises(UnsupportedLevel, match="Possible: FOLLOW_USER_SETTING, ANYONE_WITH_ID_CAN_READ, RESTRICTED"):
        set_for_resource(resource, "ANYONE_WITH_NAME_CAN_READ", by=ada.principal)


@pytest.mark.parametrize("level", ["", "OPEN", "FOLLOW_USER_SETTING", "ANYONE_WITH_NAME_CAN_READ", None])
def test_an_account_has_one_of_two_levels(level, ada):
    with pytest.raises(UnsupportedLevel):
        set_for_account(ada, level, by=ada.principal)
    ada.refresh_from_db()
    assert ada.general_access == "ANYONE_WITH_ID_CAN_READ"


def test_what_was_deleted_meanwhile_has_no_level(ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    type(dataset).objects.get(pk=dataset.pk).delete()
    with pytest.raises(UnsupportedLevel, match="This dataset was deleted"):
        set_for_resource(dataset, "RESTRICTED", by=ada.principal)


# What works


@pytest.mark.parametrize("kind", [kind for kind, info in KINDS.items() if info.storage])
def test_a_named_storage_can_have_every_level(kind, ada, make_resource):
    resource = make_resource(kind, ada, name="prices")
    assert get_levels(resource) == list(GeneralAccess)
    for level in (*GeneralAccess.values[1:], GeneralAccess.values[0]):
        assert set_for_resource(resource, level, by=ada.principal) is True
        assert set_for_resource(resource, level, by=ada.principal) is False
        resource.refresh_from_db()
        assert resource.general_access == level
    changes = AuditEvent.objects.filter(action="general_access.changed").order_by("id")
    assert [event.details["after"] for event in changes] == [*GeneralAccess.values[1:], GeneralAccess.values[0]]


def test_a_change_at_the_account_is_felt_by_all_that_follow_at_the_next_request(ada, ben, make_resource, signed_in):
    run = make_resource(Kind.RUN, ada)
    of_run = make_resource(Kind.DATASET, ada, run=run)
    follows = make_resource(Kind.DATASET, ada)
    own = make_resource(Kind.DATASET, ada, general_access="ANYONE_WITH_ID_CAN_READ")
    client = signed_in(ben)
    assert [status_for(client, each) for each in (run, of_run, follows, own)] == [200, 200, 200, 200]
    assert set_for_account(ada, "RESTRICTED", by=ada.principal) is True
    assert [status_for(client, each) for each in (run, of_run, follows, own)] == [404, 404, 404, 200]
    assert set_for_account(ada, "ANYONE_WITH_ID_CAN_READ", by=ada.principal) is True
    assert [status_for(client, each) for each in (run, of_run, follows, own)] == [200, 200, 200, 200]


def test_a_default_storage_follows_its_run(ada, ben, make_resource, signed_in):
    run = make_resource(Kind.RUN, ada)
    dataset = make_resource(Kind.DATASET, ada, run=run)
    client = signed_in(ben)
    set_for_resource(run, "RESTRICTED", by=ada.principal)
    assert status_for(client, dataset) == 404
    set_for_resource(dataset, "ANYONE_WITH_ID_CAN_READ", by=ada.principal)
    assert status_for(client, dataset) == 200
    assert status_for(client, run) == 404


def test_opting_in_to_share_runs_is_recorded_once(ada):
    assert set_run_sharing(ada, True, by=ada.principal) is True
    assert set_run_sharing(ada, True, by=ada.principal) is False
    event = AuditEvent.objects.get()
    assert (event.details["before"], event.details["after"]) == (False, True)
