"""The life of Actors, versions, variables and builds below the API: what cannot be, then what happens."""

import msgspec
import pytest
from msgspec import UNSET

from accounts.lib.encryption import CannotDecrypt, decrypt, encrypt
from accounts.models import AuditEvent
from resources.actors import editing, environment, versions
from resources.actors.builds import build_for
from resources.actors.environment import Variable
from resources.actors.fields import ActorChange, InvalidField
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionChange
from resources.builds import starting
from resources.edit_locked import NameTaken, ResourceGone
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Actor, ActorVersion, Build, BuildContent, EnvironmentVariable, Run, Task
from resources.storages import InvalidName
from sharing.access import decide
from sharing.facts import load_facts
from sharing.issues import issues
from sharing.permissions import Permission
from tests.support.factories import tag_build

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(ada) -> Actor:
    return editing.create(ada.pk, "prices", by=ada.principal)


@pytest.fixture
def version(ada, actor) -> ActorVersion:
    return versions.add(
        actor, "0.1", VersionChange(source_files=[SourceFile("main.py", content="print(1)")]), by=ada.principal
    )


def finish(build: Build, status: JobStatus = JobStatus.SUCCEEDED) -> None:
    Build.objects.filter(pk=build.pk).update(status=status)
    if status == JobStatus.SUCCEEDED and build.tag:
        tag_build(build, build.tag)


@pytest.mark.parametrize(
    "name", ["", "a", "ab", "-ab", "ab-", "a b", "a_b", "éab", "ab\x00", "abc\n", "x" * 64, "a~b", "../a"]
)
def test_what_no_actor_can_be_called_changes_nothing(ada, actor, name):
    with pytest.raises(InvalidName, match="Use 3 to 63 letters"):
        editing.create(ada.pk, name, by=ada.principal)
    with pytest.raises(InvalidName, match="Use 3 to 63 letters"):
        editing.update(actor, ActorChange(name=name, title="Other"), by=ada.principal)

    assert list(Actor.objects.values_list("name", "title")) == [("prices", "")]
    assert not AuditEvent.objects.exists()


def test_nobody_makes_an_actor_for_somebody_else(ada, ben):
    with pytest.raises(ValueError, match="cannot make"):
        editing.create(ada.pk, "prices", by=ben.principal)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("title", "x" * 201, "title"),
        ("description", "a\x00b", "description"),
        ("default_build", "", "defaultRunOptions.build"),
        ("default_build", "a/b", "defaultRunOptions.build"),
        ("default_memory_mbytes", 64, "defaultRunOptions.memoryMbytes"),
        ("default_memory_mbytes", 10**9, "defaultRunOptions.memoryMbytes"),
        ("default_timeout_secs", -1, "defaultRunOptions.timeoutSecs"),
        ("default_timeout_secs", 2**31, "defaultRunOptions.timeoutSecs"),
        ("details", {"exampleRunInput": "x" * 300_000}, "exampleRunInput"),
    ],
)
def test_what_no_actor_can_have_is_named_and_changes_nothing(ada, actor, field, value, named):
    before = Actor.objects.values().get()
    with pytest.raises(InvalidField) as refused:
        editing.update(actor, ActorChange(**{field: value}), by=ada.principal)

    assert refused.value.field == named
    assert Actor.objects.values().get() == before


def test_a_name_is_taken_for_one_owner(ada, ben, actor):
    with pytest.raises(NameTaken, match='"prices"'):
        editing.create(ada.pk, "prices", by=ada.principal)
    other = editing.create(ada.pk, None, by=ada.principal)
    with pytest.raises(NameTaken):
        editing.update(other, ActorChange(name="prices"), by=ada.principal)

    assert editing.create(ben.pk, "prices", by=ben.principal).owner_id == ben.pk


def test_actors_without_a_name_are_given_one_that_is_free(ada):
    made = [editing.create(ada.pk, None, by=ada.principal).name for _ in range(3)]

    assert made == ["my-actor", "my-actor-2", "my-actor-3"]


def test_publishing_and_renaming_leave_a_line_each_and_details_are_merged(ada, actor):
    change = ActorChange(name="prices-2", is_public=True, details={"categories": ["AI"], "seoTitle": "Prices"})
    editing.update(actor, change, by=ada.principal)
    editing.update(actor, ActorChange(is_public=False, details={"seoTitle": None}), by=ada.principal)

    assert msgspec.json.decode(Actor.objects.get().details) == {"categories": ["AI"]}
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == [
        "resource.renamed",
        "actor.published",
        "actor.unpublished",
    ]


def test_an_actor_that_was_deleted_cannot_be_changed(ada, actor):
    editing.delete(Actor.objects.get(), by=ada.principal)

    with pytest.raises(ResourceGone):
        editing.update(actor, ActorChange(title="Other"), by=ada.principal)
    assert editing.delete(actor, by=ada.principal) is False


def test_deleting_an_actor_takes_its_builds_and_leaves_runs_that_nobody_gains_access_to(
    ada, ben, cleo, dan, make_resource, give
):
    dan.share_runs_with_actor_creators = True
    dan.save()
    actor = editing.create(ada.pk, "prices", ActorChange(is_public=True), by=ada.principal)
    give(actor, ben, "READ", "VIEW_OWNER_RUNS", "BUILD")
    build = make_resource(Kind.BUILD, ada, actor=actor)
    task = make_resource(Kind.TASK, dan, actor=actor, name="daily")
    closed = {"actor": actor, "general_access": "RESTRICTED"}
    run_of_ada, run_of_dan = (make_resource(Kind.RUN, owner, **closed) for owner in (ada, dan))
    attached = make_resource(Kind.RUN, cleo, **closed)
    issues.report(actor, "Broken", by=cleo.principal, run=attached)
    people = (ada, ben, cleo, dan)
    runs = (run_of_ada, run_of_dan, attached)

    def readers() -> list[str]:
        return [
            f"{person.username} {runs.index(run)} {decision.reason}"
            for run in runs
            for person in people
            if (decision := decide(person.principal, load_facts(run, person.pk), Permission.READ)).allowed
        ]

    by_actor = ["ben 0 OWNER_RUNS", "ada 1 CREATOR_RUNS", "ada 2 ISSUE"]
    assert sorted(readers()) == sorted(["ada 0 OWNER", "dan 1 OWNER", "cleo 2 OWNER", *by_actor])

    assert editing.delete(actor, by=ada.principal) is True

    assert readers() == ["ada 0 OWNER", "dan 1 OWNER", "cleo 2 OWNER"]
    assert not Build.objects.filter(pk=build.pk).exists()
    assert Task.objects.get(pk=task.pk).actor_id is None
    assert set(Run.objects.values_list("actor_id", flat=True)) == {None}
    assert AuditEvent.objects.get(action="resource.deleted").subject_id == actor.pk


@pytest.mark.parametrize("number", ["", "1", "1.2.3", "01.1", "1.100", "a.b", "1.1\n", "\uff11.1", "-1.0"])
def test_what_no_version_can_be_called(ada, actor, number):
    with pytest.raises(InvalidField) as refused:
        versions.add(actor, number, by=ada.principal)

    assert refused.value.field == "versionNumber"
    assert not ActorVersion.objects.exists()


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../main.py", "src/../../x", ".", "./", "a\x00", "a\nb", "a\\..\\b", "x" * 501]
)
def test_source_files_stay_in_their_directory(ada, actor, name):
    with pytest.raises(InvalidField) as refused:
        versions.add(actor, "0.1", VersionChange(source_files=[SourceFile(name)]), by=ada.principal)

    assert refused.value.field == "sourceFiles"


@pytest.mark.parametrize(
    "files",
    [
        [SourceFile("a"), SourceFile("./a")],
        [SourceFile("a", "BASE64", "no base64!")],
        [SourceFile("a", "GZIP", "")],
        [SourceFile("a", "TEXT", "\x00")],
        [SourceFile("a", "TEXT", "x" * (8 * 1024 * 1024 + 1))],
        [SourceFile(str(number)) for number in range(2001)],
    ],
)
def test_source_files_that_are_none(ada, actor, files):
    with pytest.raises(InvalidField):
        versions.add(actor, "0.1", VersionChange(source_files=files), by=ada.principal)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/etc",
        "file:///etc/passwd",
        "ext::sh -c id",
        "ssh://x/y",
        "https://",
        "http://[",
        "https://me:sec/ret@example.com/a",
    ],
)
def test_a_source_elsewhere_has_an_address_that_is_fetched(ada, actor, url):
    with pytest.raises(InvalidField) as refused:
        versions.add(actor, "0.1", VersionChange(source_type="GIT_REPO", source_url=url), by=ada.principal)

    assert refused.value.field == "gitRepoUrl"


def test_source_files_come_back_with_their_bytes(ada, actor):
    files = [
        SourceFile("src/main.py", "TEXT", "ü"),
        SourceFile("logo", "BASE64", "AAE="),
        SourceFile("tests", "FOLDER"),
    ]
    version = versions.add(actor, "0.1", VersionChange(source_files=files), by=ada.principal)

    version.refresh_from_db()
    assert versions.get_source_files(version) == files[:2]
    assert [file.data for file in versions.get_source_files(version)] == ["ü".encode(), b"\0\1"]


def test_the_last_version_stays(ada, actor, version):
    with pytest.raises(versions.TooFewVersions):
        versions.remove(version, by=ada.principal)
    with pytest.raises(versions.VersionExists):
        versions.add(actor, "0.1", by=ada.principal)

    versions.add(actor, "0.2", by=ada.principal)
    versions.remove(version, by=ada.principal)
    assert [each.number for each in ActorVersion.objects.all()] == ["0.2"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://github.com/a/b", "https://github.com/a/b"),
        ("https://me:secret@github.com/a/b", "https://github.com/a/b"),
        ("https://a@b@c/d", "https://c/d"),
        ("https://s3.example/a.zip?X-Amz-Signature=secret&X-Amz-Credential=me", "https://s3.example/a.zip"),
        ("https://example.com?access_token=secret", "https://example.com"),
        ("https://example.com?token=me@secret/x", "https://example.com"),
        ("https://example.com/a?token=secret#main:sub", "https://example.com/a#main:sub"),
        ("https://example.com/a?token=me@secret#main:sub", "https://example.com"),
        ("https://example.com/a.git#feature/x:sub/dir", "https://example.com/a.git#feature/x:sub/dir"),
        ("https://example.com/a#access_token=secret", "https://example.com/a"),
        ("https://example.com/a#main?token=secret", "https://example.com/a"),
        ("https://example.com/a#access_token%3Dsecret", "https://example.com/a"),
        ("https://example.com/a#access_token%253dsecret", "https://example.com/a"),
        ("https://example.com/a#main;secret", "https://example.com/a"),
        ("https://example.com/a;sig=secret/b;secret", "https://example.com/a/b"),
        ("https://example.com/a%3Bsig=secret/b%253bsecret", "https://example.com/a/b"),
        ("https://u:se/cret@example.com/x", "https://example.com"),
        ("https://u:se/cr@et@example.com:80/x", "https://example.com:80"),
        ("https://u:s@e/cret@example.com/x", "https://example.com"),
        ("https://first.last:12/secret@example.com/x", "https://first.last"),
        ("https://u:se#cret@example.com/x", "https://example.com"),
        ("https://u:se?cret@example.com/x", "https://example.com"),
        ("https://u:secret/x", "https://"),
        ("https://example.com/@scope/a.tgz", "https://example.com"),
        ("https://me:secret@[2001:db8::1]:8080/a", "https://[2001:db8::1]:8080/a"),
        ("secret", ""),
    ],
)
def test_the_password_in_the_address_of_a_source_is_not_shown(url, shown):
    assert versions.url_for_readers(url) == shown


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "Ä", "A=B", "A\n", "x" * 101])
def test_what_no_variable_can_be_called(ada, version, name):
    with pytest.raises(InvalidField):
        environment.set_variable(version, name, "x", by=ada.principal)
    assert not EnvironmentVariable.objects.exists()


def test_secret_values_are_encrypted_and_only_the_worker_reads_them(ada, version):
    environment.set_variable(version, "PASSWORD", "hunter2", is_secret=True, by=ada.principal)
    environment.set_variable(version, "LEVEL", "debug", by=ada.principal)

    kept = EnvironmentVariable.objects.get(name="PASSWORD")
    assert "hunter2" not in kept.value
    assert environment.of_version(version).values == {"LEVEL": "debug", "PASSWORD": "hunter2"}
    assert "hunter2" not in str(list(AuditEvent.objects.values()))


def test_a_secret_is_not_made_readable_without_another_value(ada, version):
    environment.set_variable(version, "PASSWORD", "hunter2", is_secret=True, by=ada.principal)
    with pytest.raises(InvalidField, match="another value"):
        environment.set_variable(version, "PASSWORD", UNSET, is_secret=False, by=ada.principal)
    with pytest.raises(InvalidField, match="needs one"):
        environment.set_variable(version, "NEW", UNSET, by=ada.principal)

    environment.set_variable(version, "PASSWORD", UNSET, is_secret=True, by=ada.principal)
    assert environment.of_version(version).values == {"PASSWORD": "hunter2"}
    environment.set_variable(version, "PASSWORD", "", by=ada.principal)
    assert environment.of_version(version).values == {"PASSWORD": ""}


def test_replacing_keeps_secret_values_that_are_not_given_and_removes_the_rest(ada, version):
    environment.set_variable(version, "PASSWORD", "hunter2", is_secret=True, by=ada.principal)
    environment.set_variable(version, "OLD", "1", by=ada.principal)
    wanted = [Variable("PASSWORD", UNSET, True), Variable("NEW", "2")]

    with pytest.raises(InvalidField):
        environment.replace(version, [*wanted, Variable("NEW", "3")], by=ada.principal)
    environment.replace(version, wanted, by=ada.principal)

    assert environment.of_version(version).values == {"PASSWORD": "hunter2", "NEW": "2"}
    assert environment.remove_variable(version, "NEW", by=ada.principal) is True
    assert environment.remove_variable(version, "NEW", by=ada.principal) is False


def test_encryption_depends_on_the_secret_key(settings):
    text = encrypt("hunter2 ü")
    assert decrypt(text) == "hunter2 ü"
    assert encrypt("hunter2 ü") != text
    before, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-0123456789-0123456789-0123456789-0123"
    with pytest.raises(CannotDecrypt):
        decrypt(text)
    settings.SECRET_KEY_FALLBACKS = [before]
    assert decrypt(text) == "hunter2 ü"
    with pytest.raises(CannotDecrypt):
        decrypt(f"{text[:-10]}AAAAAAAAAA")


def test_there_is_nothing_to_build_without_a_version(ada, actor):
    with pytest.raises(starting.CannotBuild, match="no version"):
        starting.start(actor, "0.1", by=ada.principal)
    assert not Build.objects.exists()


def test_a_build_is_the_version_as_it_was_and_belongs_to_the_owner(ada, ben, actor, version):
    environment.set_variable(version, "PASSWORD", "hunter2", is_secret=True, by=ada.principal)
    build = starting.start(actor, "0.1", by=ben.principal, user_agent="x" * 600)
    versions.change(version, VersionChange(source_files=[]), by=ada.principal)

    build.refresh_from_db()
    assert (build.number, build.tag, build.status, build.owner_id) == ("0.1.1", "latest", "READY", ada.pk)
    content = BuildContent.objects.get(build=build)
    source = msgspec.json.decode(content.source)
    assert source["sourceFiles"] == [{"name": "main.py", "format": "TEXT", "content": "print(1)"}]
    assert "hunter2" not in content.source + content.environment
    assert environment.decrypt_environment(content.environment).values == {"PASSWORD": "hunter2"}
    assert Actor.objects.get().build_count == 1


def test_numbers_of_builds_go_on_and_are_never_given_twice(ada, actor, version):
    by = ada.principal
    numbers = [starting.start(actor, "0.1", by=by, tag=tag).number for tag in (None, "beta")]
    versions.add(actor, "0.2", by=by)
    numbers.append(starting.start(actor, "0.2", by=by).number)
    versions.remove(version, by=by)
    versions.add(actor, "0.1", by=by)
    numbers.append(starting.start(actor, "0.1", by=by).number)

    assert numbers == ["0.1.1", "0.1.2", "0.2.1", "0.1.3"]


def test_a_build_is_chosen_by_tag_or_number_once_it_has_succeeded(ada, ben, actor, version):
    by = ada.principal
    first, second = (starting.start(actor, "0.1", by=by) for _ in range(2))
    assert build_for(actor, "") is None
    finish(first)
    finish(second, JobStatus.FAILED)
    other = editing.create(ben.pk, "prices", by=ben.principal)

    assert build_for(actor, "") == build_for(actor, "latest") == build_for(actor, "0.1.1") == first
    for option in ("0.1.2", "beta", "x" * 50, "a\x00"):
        assert build_for(actor, option) is None
    for option in ("", "latest", "0.1.1"):
        assert build_for(other, option) is None
    editing.update(actor, ActorChange(default_build="0.1.1"), by=by)
    assert build_for(actor, "") == first


def test_two_who_change_a_version_lose_neither(ada, version):
    stale = ActorVersion.objects.select_related("actor").get(pk=version.pk)
    versions.change(version, VersionChange(build_tag="beta"), by=ada.principal)
    versions.change(stale, VersionChange(apply_env_vars_to_build=True), by=ada.principal)
    kept = ActorVersion.objects.get(pk=version.pk)
    assert (kept.build_tag, kept.apply_env_vars_to_build) == ("beta", True)
    assert stale.build_tag == "beta"


def test_a_version_that_was_removed_meanwhile_is_not_changed(ada, actor, version):
    versions.add(actor, "0.2", by=ada.principal)
    versions.remove(ActorVersion.objects.select_related("actor").get(pk=version.pk), by=ada.principal)
    with pytest.raises(ResourceGone):
        versions.change(version, VersionChange(build_tag="beta"), by=ada.principal)
    assert not ActorVersion.objects.filter(pk=version.pk).exists()
