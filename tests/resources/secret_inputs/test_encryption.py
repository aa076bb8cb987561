"""Secret input fields over HTTP: encrypted however a run is started, and of use to no other account, Actor or field."""

import base64
import json

import pytest

from resources.models import Actor, InputKeyPair, KeyValueStore, Run
from resources.records import writing
from resources.runs import input_secrets, starting
from resources.runs.options import RunOptions
from resources.secret_inputs import fields
from resources.secret_inputs.fields import MAX_SECRETS
from resources.secret_inputs.values import is_encrypted
from resources.worker import environment
from tests.support.factories import built, built_actor
from tests.support.run_stage import at_work, ended, worker
from tests.support.secret_stage import (
    FORM,
    GIVEN,
    JSON,
    PASSWORD,
    SCHEMA,
    give_schema,
    read_by,
    read_with,
    secret_actor,
    shows_no_secret,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(ada) -> Actor:
    return secret_actor(ada)


def post(client, path: str, value) -> tuple[int, dict]:
    response = client.post(path, json.dumps(value), content_type=JSON)
    return response.status_code, response.json()


def start(api, account, actor: Actor, value, query: str = "") -> str:
    status, body = post(api(account), f"/v2/actors/{actor.pk}/runs{query}", value)
    assert status == 201, body
    return body["data"]["id"]


def refused(answer: tuple[int, dict]) -> str:
    status, body = answer
    assert (status, body["error"]["type"]) == (400, "invalid-input"), body
    return body["error"]["message"]


# As it is stored


def test_secret_fields_are_stored_encrypted_and_the_run_can_read_them(api, ada, actor):
    run_id = start(api, ada, actor, GIVEN)
    text = stored(run_id)
    assert shows_no_secret(text)
    kept = json.loads(text)
    assert kept["url"] == GIVEN["url"]
    assert FORM.fullmatch(kept["password"])[1] == "ENCRYPTED_VALUE"
    assert FORM.fullmatch(kept["password"])[2] is None  # as older SDKs know it too
    assert FORM.fullmatch(kept["cookies"])[1] == "ENCRYPTED_JSON"
    assert read_by(run_id) == GIVEN


def test_the_hash_of_a_fields_schema_is_that_of_the_javascript_package(api, ada, actor):
    """`node -e` with @apify/input_secrets 1.2.60 made the expected one."""
    run_id = start(api, ada, actor, GIVEN)
    assert FORM.fullmatch(json.loads(stored(run_id))["cookies"])[2] == "f4a3160e1f"


def test_a_reader_of_an_open_run_sees_no_secret(api, ada, actor):
    run_id = start(api, ada, actor, GIVEN)
    store = KeyValueStore.objects.get(run_id=run_id)
    answer = api().get(f"/v2/key-value-stores/{store.pk}/records/INPUT")
    assert answer.status_code == 200
    assert shows_no_secret(b"".join(answer).decode() if answer.streaming else answer.content.decode())


@pytest.mark.parametrize("path", ["run-sync", "run-sync-get-dataset-items"])
@pytest.mark.django_db(transaction=True)
def test_the_body_of_a_run_that_is_waited_for(api, ada, actor, path):
    with worker(lambda run: None):
        api(ada).post(f"/v2/actors/{actor.pk}/{path}", json.dumps(GIVEN), content_type=JSON)
    assert shows_no_secret(stored(Run.objects.get()))
    assert read_by(Run.objects.get()) == GIVEN


def test_empty_values_and_null_stay_as_they_are(api, ada, actor):
    schema = json.loads(json.dumps(SCHEMA))
    schema["properties"]["password"] |= {"minLength": 0, "nullable": True}
    give_schema(built(actor, "0.1.3"), schema)
    assert json.loads(stored(start(api, ada, actor, {"password": ""}))) == {"password": ""}
    assert json.loads(stored(start(api, ada, actor, {"password": None}))) == {"password": None}
    assert not InputKeyPair.objects.exists()


def test_an_input_without_secret_fields_makes_no_key(api, ada, actor):
    run_id = start(api, ada, actor, {"url": "x"})
    assert not InputKeyPair.objects.exists()
    assert input_secrets.decryption_variables(Run.objects.get(pk=run_id)) == {}


def test_of_a_field_that_is_there_twice_neither_value_is_kept(api, ada, actor):
    body = f'{{"password": "{PASSWORD}", "password": ""}}'
    schema = json.loads(json.dumps(SCHEMA))
    schema["properties"]["password"].pop("minLength")
    give_schema(built(actor, "0.1.3"), schema)
    assert api(ada).post(f"/v2/actors/{actor.pk}/runs", body, content_type=JSON).status_code == 201
    assert shows_no_secret(stored(Run.objects.get()))


def test_a_default_of_a_secret_field_is_encrypted_too(api, ada, actor):
    schema = {"type": "object", "properties": {"password": {"type": "string", "isSecret": True, "default": PASSWORD}}}
    give_schema(built(actor, "0.1.3"), schema)
    run_id = start(api, ada, actor, {})
    assert shows_no_secret(stored(run_id))
    assert read_by(run_id) == {"password": PASSWORD}


def test_an_input_that_is_not_json_could_not_be_encrypted_and_is_refused(api, ada, actor):
    for type_ in ("text/plain", "application/x-www-form-urlencoded", "application/octet-stream"):
        answer = api(ada).generic("POST", f"/v2/actors/{actor.pk}/runs", json.dumps(GIVEN), type_)
        assert "must be JSON" in refused((answer.status_code, answer.json()))
    assert not Run.objects.exists()


def test_values_are_checked_in_plain_and_not_quoted(api, ada, actor):
    message = refused(post(api(ada), f"/v2/actors/{actor.pk}/runs", {"password": "hunter2"}))
    assert message == "Input is not valid: Field input.password must have at least 8 characters."
    message = refused(post(api(ada), f"/v2/actors/{actor.pk}/runs", {"cookies": PASSWORD, "password": PASSWORD}))
    assert message == "Input is not valid: Field input.cookies must be an array."
    assert not InputKeyPair.objects.exists()


# Values that are encrypted already


def test_a_client_can_send_back_what_it_read(api, ada, actor):
    text = stored(start(api, ada, actor, GIVEN))
    run_id = start(api, ada, actor, json.loads(text))
    assert json.loads(stored(run_id)) == json.loads(text)
    assert read_by(run_id) == GIVEN
    answer = post(api(ada), f"/v2/actors/{actor.pk}/validate-input", json.loads(text))
    assert answer == (200, {"valid": True})


def test_what_is_sent_back_is_checked_in_plain(api, ada, actor):
    text = json.loads(stored(start(api, ada, actor, GIVEN)))
    schema = json.loads(json.dumps(SCHEMA))
    schema["properties"]["password"]["minLength"] = 100
    give_schema(built(actor, "0.1.3"), schema)
    message = refused(post(api(ada), f"/v2/actors/{actor.pk}/runs", text))
    assert message == "Input is not valid: Field input.password must have at least 100 characters."


@pytest.fixture
def ciphertext(api, ada, actor) -> str:
    return json.loads(stored(start(api, ada, actor, GIVEN)))["password"]


def test_another_account_cannot_use_what_it_read_with_the_same_actor(api, ada, ben, actor, ciphertext, give):
    give(actor, ben, "RUN")
    start(api, ben, actor, GIVEN)  # so that ben has a key pair too
    message = refused(post(api(ben), f"/v2/actors/{actor.pk}/runs", {"password": ciphertext}))
    assert "input.password holds a value that was encrypted for another account, Actor or field" in message
    assert ciphertext not in message


def test_the_same_account_cannot_use_it_with_another_actor(api, ada, ciphertext):
    other = secret_actor(ada, "other")
    start(api, ada, other, GIVEN)
    refused(post(api(ada), f"/v2/actors/{other.pk}/runs", {"password": ciphertext}))


def test_an_actor_of_ones_own_does_not_decrypt_what_one_read(api, ben, ciphertext):
    mine = secret_actor(ben, "mine")
    refused(post(api(ben), f"/v2/actors/{mine.pk}/runs", {"password": ciphertext}))
    plain = built_actor(ben, name="plain")
    refused(post(api(ben), f"/v2/actors/{plain.pk}/runs", {"password": ciphertext}))


def test_a_value_cannot_be_moved_into_another_field_which_the_actor_may_print(api, ada, actor, ciphertext):
    for field in ("url", "unknown", "cookies"):
        assert f"input.{field}" in refused(post(api(ada), f"/v2/actors/{actor.pk}/runs", {field: ciphertext}))
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in ciphertext)
    answer = api(ada).post(f"/v2/actors/{actor.pk}/runs", f'{{"url": "{escaped}"}}', content_type=JSON)
    refused((answer.status_code, answer.json()))


@pytest.mark.parametrize("text", ["ENCRYPTED_VALUE:AAAA:BBBB", "ENCRYPTED_JSON:AAAA:BBBB", "ENCRYPTED_VALUE::"])
def test_a_value_that_only_looks_encrypted_is_refused(api, ada, actor, ciphertext, text):
    refused(post(api(ada), f"/v2/actors/{actor.pk}/runs", {"password": text}))
    refused(post(api(ada), f"/v2/actors/{actor.pk}/runs", {"password": ciphertext[:-8] + "AAAAAAA="}))
    assert is_encrypted(text)


def test_where_the_key_cannot_be_read_the_run_is_refused_and_says_why(api, ada, actor, ciphertext):
    InputKeyPair.objects.update(private_key="of another SECRET_KEY")
    for value in (ciphertext, PASSWORD):
        message = refused(post(api(ada), f"/v2/actors/{actor.pk}/runs", {"password": value}))
        assert "another SECRET_KEY" in message


def test_more_secret_values_than_an_input_can_have_are_refused_before_any_is_touched(api, ada, actor, monkeypatch):
    """Each costs a request some milliseconds: as plain values of an older build, and as texts that look encrypted."""

    def never(*given):
        raise AssertionError("It was encrypted or decrypted.")

    names = [f"key{at}" for at in range(MAX_SECRETS + 1)]
    secret = {"title": "Key", "type": "string", "editor": "hidden", "isSecret": True}
    ciphertext = json.loads(stored(start(api, ada, actor, GIVEN)))["password"]
    monkeypatch.setattr(fields, "encrypted", never)
    monkeypatch.setattr(fields, "decrypted", never)
    path = f"/v2/actors/{actor.pk}/runs"
    looks = dict.fromkeys(names, ciphertext)
    assert "at most 100 values that are secret or encrypted" in refused(post(api(ada), path, looks))
    status, body = post(api(ada), "/v2/actor-tasks", {"actId": actor.pk, "name": "mine", "input": looks})
    assert status == 400, body
    assert "at most 100 values" in body["error"]["message"]
    give_schema(built(actor, "0.1.3"), {"type": "object", "properties": dict.fromkeys(names, secret)})
    assert "at most 100 values" in refused(post(api(ada), path, dict.fromkeys(names, "x")))


def test_a_value_that_is_sent_back_is_decrypted_once(api, ada, actor, monkeypatch):
    text = json.loads(stored(start(api, ada, actor, GIVEN)))
    calls, decrypt = [], fields.decrypted
    monkeypatch.setattr(fields, "decrypted", lambda *given: calls.append(given[0]) or decrypt(*given))
    start(api, ada, actor, text)
    assert sorted(calls) == ["cookies", "password"]


def test_of_an_input_that_a_run_writes_itself_only_so_many_values_are_tried(api, ada, actor, monkeypatch):
    run = Run.objects.get(pk=start(api, ada, actor, GIVEN))
    own = dict.fromkeys((f"key{at}" for at in range(3 * MAX_SECRETS)), json.loads(stored(run))["password"])
    store = KeyValueStore.objects.get(run_id=run.pk)
    writing.write(store.pk, "INPUT", [json.dumps(own).encode()], content_type=JSON)
    calls, decrypt = [], input_secrets.decrypted
    monkeypatch.setattr(input_secrets, "decrypted", lambda *given: calls.append(given[0]) or decrypt(*given))
    assert input_secrets.load_hidden_texts(run) == []
    assert len(calls) == MAX_SECRETS


# Which key a run gets


def test_a_run_gets_the_key_of_its_owner_and_actor_and_no_other(api, ada, ben, actor, give):
    give(actor, ben, "RUN")
    other = secret_actor(ada, "other")
    runs = [start(api, account, which, GIVEN) for account, which in ((ada, actor), (ben, actor), (ada, other))]
    assert InputKeyPair.objects.count() == 3
    texts = [stored(run) for run in runs]
    for at, run_id in enumerate(runs):
        run = Run.objects.get(pk=run_id)
        assert read_with(input_secrets.decryption_variables(run), texts[at]) == GIVEN
        for foreign in texts[:at] + texts[at + 1 :]:
            with pytest.raises(ValueError, match=r"(?i)decrypt"):
                read_with(input_secrets.decryption_variables(run), foreign)


def test_what_a_writer_puts_into_the_input_of_a_run_is_not_decrypted_in_it(api, ada, ben, actor, ciphertext, give):
    """Ben's run of ada's Actor, with ada's ciphertext written over its input: resurrecting it is refused."""
    give(actor, ben, "RUN")
    run = Run.objects.get(pk=start(api, ben, actor, GIVEN))
    ended(run)
    store = KeyValueStore.objects.get(run_id=run.pk)
    writing.write(store.pk, "INPUT", [json.dumps({"password": ciphertext}).encode()], content_type=JSON)
    refused(post(api(ben), f"/v2/actor-runs/{run.pk}/resurrect", None))
    assert input_secrets.decryption_variables(run) == {}


def test_the_private_key_is_encrypted_at_rest(api, ada, actor, ciphertext):
    kept = InputKeyPair.objects.get().private_key
    assert "PRIVATE KEY" not in kept
    assert b"PRIVATE KEY" not in base64.urlsafe_b64decode(kept)


def test_variables_of_the_version_do_not_replace_the_key(api, ada, actor):
    run = Run.objects.get(pk=start(api, ada, actor, GIVEN))
    given = environment.run_environment(run, "/", {"APIFY_INPUT_SECRETS_PRIVATE_KEY_PASSPHRASE": "x"})
    assert given["APIFY_INPUT_SECRETS_PRIVATE_KEY_PASSPHRASE"] != "x"


# Going on


def test_a_metamorph_encrypts_anew_for_the_actor_that_the_run_turns_into(api, ada, dan, actor):
    target = secret_actor(dan, "target")
    target.is_public = True
    target.save()
    run = Run.objects.get(pk=start(api, ada, actor, GIVEN))
    at_work(run)
    path = f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={target.pk}"
    assert api(ada).generic("POST", path).status_code == 200
    run.refresh_from_db()
    assert run.metamorphs[-1]["inputKey"] == "INPUT-METAMORPH-1"
    assert read_by(run, "INPUT-METAMORPH-1") == GIVEN
    with pytest.raises(ValueError, match=r"(?i)decrypt"):
        read_by(run, "INPUT")  # the target does not get the key of what the run was
    texts = input_secrets.load_hidden_texts(run)
    assert texts.count(PASSWORD) == 2


def test_what_a_run_sends_with_a_metamorph_may_be_encrypted_for_what_it_was(api, ada, actor):
    target = secret_actor(ada, "target")
    run = Run.objects.get(pk=start(api, ada, actor, GIVEN))
    at_work(run)
    path = f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={target.pk}"
    assert post(api(ada), path, json.loads(stored(run)))[0] == 200
    run.refresh_from_db()
    assert stored(run) != stored(run, "INPUT-METAMORPH-1")
    assert read_by(run, "INPUT-METAMORPH-1") == GIVEN


def test_what_was_secret_stays_secret_where_the_target_does_not_say_so(api, ada, actor):
    target = built_actor(ada, name="target")
    run = Run.objects.get(pk=start(api, ada, actor, GIVEN))
    at_work(run)
    assert api(ada).generic("POST", f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={target.pk}").status_code == 200
    assert shows_no_secret(stored(run, "INPUT-METAMORPH-1"))
    assert read_by(run, "INPUT-METAMORPH-1") == GIVEN


def test_a_metamorph_encrypts_what_the_target_calls_secret(api, ada, actor):
    plain = built_actor(ada, name="plain")
    run = Run.objects.get(pk=start(api, ada, plain, GIVEN))
    at_work(run)
    assert api(ada).generic("POST", f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={actor.pk}").status_code == 200
    assert shows_no_secret(stored(run, "INPUT-METAMORPH-1"))
    assert read_by(run, "INPUT-METAMORPH-1") == GIVEN


def test_resurrecting_encrypts_an_input_from_before(api, ada, actor):
    run = starting.start(
        actor, by=ada.principal, input=json.dumps(GIVEN).encode(), content_type=JSON, options=RunOptions(build="0.1.1")
    )
    assert not shows_no_secret(stored(run))
    ended(run)
    assert api(ada).generic("POST", f"/v2/actor-runs/{run.pk}/resurrect?build=latest").status_code == 200
    assert shows_no_secret(stored(run))
    assert read_by(run) == GIVEN


def test_a_run_that_a_build_without_secret_fields_goes_on_with_keeps_them_encrypted(api, ada, actor):
    run = Run.objects.get(pk=start(api, ada, actor, GIVEN))
    ended(run)
    assert api(ada).generic("POST", f"/v2/actor-runs/{run.pk}/resurrect?build=0.1.1").status_code == 200
    assert read_by(run) == GIVEN


# Tasks


def test_the_saved_secrets_of_a_task_are_the_owners_to_use(api, ada, ben, actor, give, make_resource):
    """Who may read a task and run its Actor, could choose the build, and other fields of the input."""
    task_id = post(api(ada), "/v2/actor-tasks", {"actId": actor.pk, "name": "mine", "input": GIVEN})[1]["data"]["id"]
    give(actor, ben, "RUN")
    from resources.models import Task

    give(Task.objects.get(pk=task_id), ben)
    message = refused(post(api(ben), f"/v2/actor-tasks/{task_id}/runs", {}))
    assert "encrypted for another account" in message
    own = {"password": "one of my own", "cookies": []}
    status, body = post(api(ben), f"/v2/actor-tasks/{task_id}/runs", own)
    assert status == 201, body
    assert read_by(body["data"]["id"]) == {**GIVEN, **own}
    assert post(api(ada), f"/v2/actor-tasks/{task_id}/runs", {})[0] == 201
