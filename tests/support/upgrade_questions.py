"""What the tests ask of a place with the data of November (`upgrade_stage.py`), in processes of its own."""

import json
from typing import Any

from tests.support.upgrade_stage import FIXTURES, Place

BROWSER = """
import json
from django.conf import settings
settings.ALLOWED_HOSTS = ["*"]
plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}
from django.test import Client
from django.test.utils import setup_test_environment
setup_test_environment()  # so that the context of a page can be read
def signed_in(key):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    return client
"""


def rows_of_november(table: str) -> list[dict[str, Any]]:
    """Return the rows of a table as November stored them."""
    with (FIXTURES / "november" / "tables.jsonl").open() as lines:
        found = [json.loads(line) for line in lines]
    return [each["row"] for each in found if each.get("table") == table]


def answers(place: Place, code: str) -> Any:
    """Return what code prints as JSON."""
    return json.loads(place.python(code).splitlines()[-1])


def check_what_is_encrypted(place: Place) -> None:
    """Check that all that is encrypted is what it was in November."""
    code = (
        "import json\nfrom resources.models import ActorVersion, BuildContent, Webhook\n"
        "from resources.builds.source_url import get_source_url\n"
        "from allauth.mfa.models import Authenticator\n"
        "factors = {each.type: each.wrap() for each in Authenticator.objects.all()}\n"
        "from allauth.mfa.utils import decrypt\n"
        "totp = Authenticator.objects.get(type='totp')\n"
        "print(json.dumps({\n"
        "'urls': {v.number: v.source_url for v in ActorVersion.objects.exclude(number='0.1') if v.source_url},\n"
        "'hooks': {w.pk: w.headers_template for w in Webhook.objects.all()},\n"
        "'totp': decrypt(totp.data['secret']),\n"
        "'codes': factors['recovery_codes'].generate_codes(),\n"
        "'unused': len(factors['recovery_codes'].get_unused_codes()),\n"
        "'built': [get_source_url(json.loads(c.source)) for c in BuildContent.objects.all()],\n"
        "}))"
    )
    found, known = answers(place, code), place.known
    assert found["urls"] == known["actor"]["sourceUrls"]
    assert found["hooks"] == known["webhooks"]
    assert (found["totp"], found["codes"]) == (known["ben"]["totpSecret"], known["ben"]["recoveryCodes"])
    assert found["unused"] == len(found["codes"]) - 1
    assert [each for each in found["built"] if each] == [known["actor"]["sourceUrls"]["0.2"]]


def executed(place: Place, job_id: str) -> str:
    """Let a worker take from the queue what was queued for a run or build, and return what became of the task."""
    code = (
        "from django_tasks_db.management.commands.db_worker import Worker\n"
        "from django_tasks_db.models import DBTaskResult\n"
        f"queued = DBTaskResult.objects.filter(args_kwargs__args=[{job_id!r}])\n"
        "assert queued.update(priority=1) == 1  # it is the first to be taken\n"
        "Worker(queue_names=['jobs'], excluded_queue_names=[], interval=0, batch=True, max_tasks=1,\n"
        "    backend_name='default', startup_delay=False, worker_id='upgraded').run()\n"
        "print(queued.get().status)"
    )
    return place.python(code)


def signs_in_with_passkey(place: Place) -> bool:
    """Tell whether Ben signs in with the password and then the passkey that was added in November."""
    key, password = place.known["ben"]["passkey"], place.known["passwords"]["ben"]
    code = (
        f"{BROWSER}\nfrom tests.support.passkeys import Passkey\n"
        "settings.PUBLIC_URL = origin = 'http://localhost:8000'\n"
        "settings.ALLOWED_HOSTS = ['localhost']  # elsewhere the published password does not sign in\n"
        "client = Client(headers={'host': 'localhost:8000'})\n"
        f"key = Passkey({key['id']!r}, {key['privateKey']!r})\n"
        f"client.post('/sign-in', {{'login': 'ben', 'password': {password!r}}})\n"
        "options = client.get('/sign-in/second-step').context['js_data']['request_options']\n"
        "answer = json.dumps(key.asserted(options, origin))\n"
        "client.post('/sign-in/second-step', {'credential': answer})\n"
        "page = client.get('/settings/security')\n"
        "print(json.dumps(page.status_code == 200 and page.wsgi_request.user.username == 'ben'))"
    )
    return answers(place, code)


def test_what_the_table_of_sessions_has_opens_nothing(place):
    stored = [
        row["session_key"] for table in ("django_session", "usersessions_usersession") for row in place.rows(table)
    ]
    code = f"{BROWSER}\nprint(json.dumps([signed_in(key).get('/settings/security').status_code for key in {stored!r}]))"
    assert len(stored) == 6
    assert answers(place, code) == [302] * 6
