"""What the page of a run says of its permissions, and what its owner can do where they were too few; and storages."""

import json

import pytest

from accounts.models import Account
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Actor, Build, BuildContent, Dataset, Resource, Run
from resources.permission_levels import LIMITED
from resources.runs import starting
from tests.support.api import data_of, send
from tests.support.factories import built_actor
from tests.support.run_stage import client_of, ended

pytestmark = pytest.mark.django_db
SCHEMA = {"type": "object", "properties": {"source": {"type": "string", "resourceType": "dataset"}}}


@pytest.fixture
def ada(make_account) -> Account:
    return make_account("ada", general_access="RESTRICTED", skips_actor_approvals=True)


@pytest.fixture
def actor(dan) -> Actor:
    made = built_actor(dan, is_public=True, permission_level=LIMITED)
    BuildContent.objects.create(build=Build.objects.get(actor_id=made.pk), input_schema=json.dumps(SCHEMA))
    return made


def failed(run: Run, dataset: Dataset) -> Run:
    """Let a run ask for a dataset that it may not read, and fail."""
    assert client_of(run).get(f"/v2/datasets/{dataset.pk}").status_code == 403
    return ended(run, JobStatus.FAILED)


def page(client, run: Run) -> str:
    return client.get(run.console_path).content.decode()


def test_the_page_names_what_held_the_run_back_and_the_field_to_name_a_storage(ada, actor, make_resource, signed_in):
    run = failed(starting.start(actor, by=ada.principal), make_resource(Kind.DATASET, ada))
    said = page(signed_in(ada), run)
    assert "Limited permissions" in said
    assert "This run has limited permissions and cannot read this dataset." in said
    assert f'href="{actor.console_path}/start"' in said
    assert "in source" in said
    assert f"{actor.console_path}/approve" not in said


def test_a_run_that_was_forced_to_limited_offers_the_approval(ada, actor, make_resource, signed_in):
    Actor.objects.update(permission_level=None)
    actor.refresh_from_db()
    forced = starting.RunOptions(force_permission_level=LIMITED)
    run = failed(starting.start(actor, by=ada.principal, options=forced), make_resource(Kind.DATASET, ada))
    assert f'href="{actor.console_path}/approve"' in page(signed_in(ada), run)


def test_a_run_of_an_own_actor_offers_its_settings(ada, make_resource, signed_in):
    own = built_actor(ada, permission_level=LIMITED)
    run = failed(starting.start(own, by=ada.principal), make_resource(Kind.DATASET, ada))
    assert f'href="{own.console_path}/settings"' in page(signed_in(ada), run)


def test_others_are_offered_nothing(ada, ben, actor, give, make_resource, signed_in):
    run = failed(starting.start(actor, by=ada.principal), make_resource(Kind.DATASET, ada))
    give(run, ben)
    assert "Start again and name the storage" not in page(signed_in(ben), run)


def test_the_page_of_a_storage_names_its_creator_and_ends_its_access(ada, ben, cleo, actor, give, signed_in):
    client = client_of(starting.start(actor, by=ada.principal))
    made = data_of(send(client, "post", "/v2/datasets?name=mine"))["id"]
    storage = Resource.objects.get(pk=made)
    give(storage, ben, "WRITE")
    give(storage, cleo, "MANAGE_ACCESS_RIGHTS")
    path = f"{storage.console_path}/end-creator-access"
    assert path in signed_in(ada).get(storage.console_path).content.decode()
    assert path not in signed_in(ben).get(storage.console_path).content.decode()
    assert signed_in(ben).post(path).status_code == 403
    assert client.get(f"/v2/datasets/{made}").status_code == 200
    assert path in signed_in(cleo).get(storage.console_path).content.decode()
    assert signed_in(ada).post(path).status_code == 302
    assert client.get(f"/v2/datasets/{made}").status_code == 403
    assert path not in signed_in(ada).get(storage.console_path).content.decode()
