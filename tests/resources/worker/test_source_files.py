"""Sources that are elsewhere: Git repositories, Gists and archives are fetched by a program of the build's."""

import io
import json
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from resources.actors import editing, versions
from resources.builds import starting
from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Actor, Build, BuildContent, Run, SourceType
from resources.runs import starting as runs
from resources.sandbox import directories, fetch_program
from resources.worker import execute_build, execute_run, fetch_source
from resources.worker.fetch_source import RemoteSource
from tests.support.machine import needs_programs
from tests.support.source_host import Hosting, git, tarred, zipped
from tests.support.work_stage import actor_of, built, execute_and_abort, needs_bubblewrap

pytestmark = pytest.mark.usefixtures("looks_often")

needs_git = needs_programs("git")
WORKS = {"main.py": "print('fetched', 'and run')"}
PASSWORD = "correct-horse-battery"


@pytest.fixture
def host(tmp_path, settings):
    """A host of sources, which is on loopback, and so has to be allowed."""
    with Hosting(tmp_path) as host:
        settings.RUN_NETWORK_ALLOW = [urlsplit(host.url).netloc]
        yield host


@pytest.fixture
def elsewhere(ada):
    """Make an Actor whose source is at a URL, whatever is said when one is saved."""

    def make(url: str, kind: str = "GIT_REPO") -> Actor:
        actor = editing.create(ada.pk, "elsewhere", by=ada.principal)
        versions.add(actor, "0.1", by=ada.principal)
        actor.versions.update(source_type=kind, source_url=url)
        return actor

    return make


@pytest.fixture
def unpacked(tmp_path, monkeypatch):
    """Unpack an archive as the program does, and return the directory of its files."""

    def unpack(archive: bytes, files: int = 100, size: int = 10_000) -> Path:
        monkeypatch.chdir(tmp_path)
        unpacking = fetch_program._Unpacking(fetch_program.Amount(files, size))
        fetch_program._unpack(io.BytesIO(archive), unpacking)
        unpacking.finish()
        return tmp_path / "files"

    return unpack


def refused(build: Build) -> str:
    """Return why a build has failed, which its log says too, and see that nothing is left of it."""
    assert build.status == JobStatus.FAILED, read_text(build.pk)
    assert f"ACTOR: {build.status_message}" in read_text(build.pk)
    assert [each for each in directories.kept("builds") if each.name.startswith(build.pk)] == []
    return str(build.status_message)


def app_of(build: Build) -> Path:
    assert build.status == JobStatus.SUCCEEDED, read_text(build.pk)
    return directories.build_directory(build.pk) / "app"


def names(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


def run_of(actor: Actor) -> Run:
    run = runs.start(actor, by=actor.owner.principal)
    execute_run.execute(run.pk)
    return Run.objects.get(pk=run.pk)


# What is refused


URLS = ["file:///etc", "ext::sh -c id", "ssh://x/y", "ftp://x/y", "/etc", "", "http://a:b", "http://%0a@x/", "http://["]


@pytest.mark.parametrize("kind", ["GIT_REPO", "TARBALL", "GITHUB_GIST"])
@pytest.mark.parametrize("url", URLS)
def test_nothing_is_fetched_but_by_http(kind, url):
    for asked in (RemoteSource.program_config, RemoteSource.shown, lambda source: list(source.secrets())):
        with pytest.raises(fetch_source.BadSource, match="must be a valid one with http or https"):
            asked(RemoteSource(SourceType(kind), url))


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["GIT_REPO", "TARBALL", "GITHUB_GIST"])
def test_a_url_that_was_saved_all_the_same_fails_the_build(elsewhere, kind):
    assert "must be a valid one with http or https" in refused(built(elsewhere("file:///etc", kind)))


@pytest.mark.parametrize(
    "fragment", ["--upload-pack=id", "+main", "a..b", "a b", "a*", "^a", ":../x", "main:a/../../x", "x" * 251]
)
def test_what_is_no_branch_and_no_directory(fragment):
    source = RemoteSource(SourceType.GIT_REPO, f"https://example.com/a.git#{fragment}")
    with pytest.raises(fetch_source.BadSource):
        source.program_config()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["GIT_REPO", "GITHUB_GIST"])
def test_without_git_a_repository_is_refused_and_an_archive_is_not(elsewhere, host, monkeypatch, kind):
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, *rest: None if name == "git" else which(name, *rest))
    actor = elsewhere(f"{host.url}/a.git", kind)
    assert "git is not installed on this server" in refused(built(actor))
    host.files["/a.zip"] = zipped(WORKS)
    actor.versions.update(source_type="TARBALL", source_url=f"{host.url}/a.zip")
    assert names(app_of(built(actor))) == {"main.py"}


@needs_git
@pytest.mark.django_db
def test_a_git_that_is_not_seen_inside_is_missed_in_words(elsewhere, host, monkeypatch, tmp_path):
    monkeypatch.setattr(fetch_source.environment, "program_environment", lambda *_: {"PATH": str(tmp_path)})
    assert "git is not to be found where this server builds" in refused(built(elsewhere(f"{host.url}/a.git")))


@needs_git
@pytest.mark.django_db
def test_a_host_that_does_not_answer(elsewhere, tmp_path):
    with Hosting(tmp_path) as gone:
        pass
    actor = elsewhere(f"{gone.url}/a.git")
    assert "Failed to connect" in refused(built(actor))
    actor.versions.update(source_type="TARBALL")
    assert "could not be downloaded: [Errno" in refused(built(actor))


@needs_git
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ("gone", "couldn't find remote ref gone"),
        ("0123abc", 'no branch, tag or commit "0123abc"'),
        ("0123456789012345678901234567890123456789", "no branch, tag or commit"),
        ("main:gone", 'no directory "gone"'),
        ("main:main.py", 'no directory "main.py"'),
    ],
)
def test_a_branch_or_directory_that_there_is_not(elsewhere, host, fragment, said):
    url = host.repository("a.git", {"main": WORKS})
    build = built(elsewhere(f"{url}#{fragment}"))
    assert said in refused(build)
    assert build.exit_code == 1


@needs_git
@pytest.mark.django_db
@pytest.mark.parametrize("given", ["", f"dan:{PASSWORD}-not@"])
def test_nobody_is_asked_for_a_password(elsewhere, host, given):
    url = host.repository("a.git", {"main": WORKS})
    host.with_password("dan", PASSWORD)
    build = built(elsewhere(url.replace("://", f"://{given}")))
    assert "Git failed: " in refused(build)
    assert PASSWORD not in read_text(build.pk)


@needs_git
@pytest.mark.django_db
@pytest.mark.parametrize("plain", [True, False])
def test_a_repository_that_has_too_much_is_not_written(elsewhere, host, monkeypatch, plain):
    url = host.repository(
        "a.git", {"main": {f"{name}/{at}": "x" * 100 for name in "ab" for at in range(5)}}, plain=plain
    )
    actor = elsewhere(url)
    monkeypatch.setattr(fetch_source, "MAX_FILES", 12)
    assert "more than 12 files and directories" in refused(built(actor))
    monkeypatch.setattr(fetch_source, "MAX_FILES", 13)
    monkeypatch.setattr(fetch_source, "MAX_UNPACKED_BYTES", 999)
    assert "more than 999 bytes together" in refused(built(actor))


@pytest.mark.django_db
def test_an_archive_that_is_too_large_is_not_downloaded_to_its_end(elsewhere, host, monkeypatch):
    host.files["/a.zip"] = zipped(WORKS)
    monkeypatch.setattr(fetch_source, "MAX_DOWNLOADED_BYTES", 100)
    assert "The archive has more than 100 bytes" in refused(built(elsewhere(f"{host.url}/a.zip", "TARBALL")))


@pytest.mark.django_db
@pytest.mark.parametrize("pack", [tarred, zipped])
def test_a_bomb_ends_with_a_clear_message(elsewhere, host, monkeypatch, pack):
    host.files["/a"] = pack({"a": b"\0" * 1_000_000, "b": b"\0" * 1_000_000})
    assert len(host.files["/a"]) < 20_000
    monkeypatch.setattr(fetch_source, "MAX_UNPACKED_BYTES", 1_999_999)
    said = "The source is too large: its files have more than 1,999,999 bytes together."
    assert refused(built(elsewhere(f"{host.url}/a", "TARBALL"))) == said


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_files_and_the_directories_that_they_need_are_counted(unpacked, pack):
    with pytest.raises(fetch_program.Problem, match="more than 10 files and directories"):
        unpacked(pack({f"a/{at}": "" for at in range(9)}), files=10)


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_a_deep_path_is_refused(unpacked, pack):
    with pytest.raises(fetch_program.Problem, match="path of more than 500 characters"):
        unpacked(pack({"a/" * 250 + "b": ""}))


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_directories_that_are_not_named_are_counted(unpacked, pack):
    with pytest.raises(fetch_program.Problem, match="more than 100 files and directories"):
        unpacked(pack({"a/" * 100 + "b": ""}))


def test_what_a_hard_link_multiplies_is_counted(unpacked):
    files = {"a": "x" * 1000} | {str(at): (tarfile.LNKTYPE, "a") for at in range(20)}
    with pytest.raises(fetch_program.Problem, match="more than 10,000 bytes"):
        unpacked(tarred(files))


def test_a_hole_counts_as_what_it_is_when_copied(unpacked):
    member = tarfile.TarInfo("a")
    member.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": "99999999"}
    member.pax_headers |= {"GNU.sparse.map": "0,0,99999999,0", "GNU.sparse.numblocks": "2"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(member)
    with pytest.raises(fetch_program.Problem, match="more than 10,000 bytes"):
        unpacked(packed.getvalue())


@pytest.mark.parametrize("pack", [tarred, zipped])
@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/outside", "a/../../files/../outside"])
def test_a_path_that_leads_out_is_refused(unpacked, tmp_path, pack, name):
    with pytest.raises((fetch_program.Problem, tarfile.OutsideDestinationError)):
        unpacked(pack({"main.py": "", name: "x"}))
    assert not (tmp_path / "outside").exists()
    assert not Path("/outside").exists()


@pytest.mark.parametrize(
    "files",
    [
        {"a": (tarfile.SYMTYPE, "/etc/passwd")},
        {"a": (tarfile.SYMTYPE, "../outside")},
        {"top/main.py": "", "top/a": (tarfile.SYMTYPE, "../outside")},
        {"d/main.py": "", "d/a": (tarfile.SYMTYPE, "."), "b": (tarfile.SYMTYPE, "d/a/../../outside")},
        {"a": (tarfile.LNKTYPE, "../outside")},
        {"a": (tarfile.LNKTYPE, "gone")},
        {"a": (tarfile.SYMTYPE, "a"), "b": (tarfile.LNKTYPE, "a")},
        {"a": (tarfile.CHRTYPE, "")},
        {"a": (tarfile.FIFOTYPE, "")},
        {"../a": (tarfile.SYMTYPE, "b")},
        {"top/../../a": (tarfile.SYMTYPE, "b")},
        {"d/main.py": "", "a": (tarfile.SYMTYPE, "d"), "a/b": (tarfile.SYMTYPE, "main.py")},
        {"a": (tarfile.SYMTYPE, "d"), "a/b": "written through a link"},
        {"main.py": "", "main.py/b": "both"},
        {"a/b": "both", "a": "both"},
    ],
)
def test_links_that_lead_out_and_what_is_no_file(unpacked, tmp_path, files):
    with pytest.raises((fetch_program.Problem, *fetch_program._BadArchive)):
        unpacked(tarred(files))
    assert {path.name for path in tmp_path.iterdir()} == {"files"}


def test_a_link_in_a_zip_stays_within_too(unpacked):
    with pytest.raises(tarfile.LinkOutsideDestinationError):
        unpacked(_zip_with_link("../../../etc/passwd"))


def test_a_zip_with_a_password_is_refused(unpacked):
    packed = bytearray(zipped({"main.py": ""}))
    packed[6] |= 1
    packed[packed.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(fetch_program.Problem, match="encrypted"):
        unpacked(bytes(packed))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"<html>", "neither a .zip nor a .tar.gz"),
        (b"", "neither a .zip nor a .tar.gz"),
        (b"PK\3\4 and no more", "cannot be unpacked"),
        (tarred({"main.py": "x" * 9999})[:60], "cannot be unpacked"),
        (None, "the server answered 404"),
    ],
    # An archive says when it was made, and so would the name of its test.
    ids=["a page", "nothing", "no zip", "half a tar", "not there"],
)
def test_what_is_no_archive(elsewhere, host, answer, said):
    if answer is not None:
        host.files["/a"] = answer
    assert said in refused(built(elsewhere(f"{host.url}/a", "TARBALL")))


@pytest.mark.django_db
def test_an_archive_that_is_cut_off_is_refused(elsewhere, host):
    host.files["/a"], host.cut = tarred(WORKS), True
    assert "hung up in the midst" in refused(built(elsewhere(f"{host.url}/a", "TARBALL")))


@pytest.mark.django_db
@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/a", "/a"])
def test_an_archive_is_looked_for_by_http_alone_wherever_it_is_led(elsewhere, host, to):
    host.moved["/a"] = to
    assert "could not be downloaded" in refused(built(elsewhere(f"{host.url}/a", "TARBALL")))


@needs_git
@pytest.mark.django_db
@pytest.mark.parametrize("to", ["file:///etc/passwd", "ext::id", "ftp://127.0.0.1/a"])
def test_git_is_led_nowhere_else_either(elsewhere, host, to):
    host.moved["/a.git/info/refs"] = to
    assert "Git failed" in refused(built(elsewhere(f"{host.url}/a.git")))


# What nobody is to read


@needs_git
@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["GIT_REPO", "GITHUB_GIST", "TARBALL"])
def test_a_password_in_the_url_is_used_and_is_in_no_log_and_no_file(elsewhere, host, kind):
    host.repository("a.git", {"main": WORKS})
    host.files["/a.zip"] = zipped(WORKS)
    url = host.with_password("the-name", PASSWORD) + ("/a.zip?secret=of-a-query" if kind == "TARBALL" else "/a.git")
    build = built(elsewhere(url, kind))
    log = read_text(build.pk)
    assert names(app_of(build)) == {"main.py"}
    assert f"Fetching the {build_label(kind)} {host.url}/a." in log
    assert host.given
    for secret in (PASSWORD, "the-name", "of-a-query"):
        assert secret not in log
        assert not [
            path
            for path in directories.build_directory(build.pk).rglob("*")
            if path.is_file() and secret.encode() in path.read_bytes()
        ]


@needs_git
@pytest.mark.django_db
def test_a_password_that_a_server_says_again_is_hidden(elsewhere, host):
    """Also where it is sent back in what becomes the status message."""
    said = f"ERR no {PASSWORD} here"
    host.pretends_to_be_git = True
    host.files["/a.git/info/refs"] = f"001e# service=git-upload-pack\n0000{len(said) + 4:04x}{said}".encode()
    build = built(elsewhere(f"{host.with_password('dan', PASSWORD)}/a.git"))
    assert "********" in refused(build)
    assert PASSWORD not in build.status_message + read_text(build.pk)


@needs_git
@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["GIT_REPO", "TARBALL"])
def test_a_password_is_not_given_to_whom_the_host_leads_on_to(elsewhere, host, tmp_path, kind, settings):
    with Hosting(tmp_path) as other:
        settings.RUN_NETWORK_ALLOW = [*settings.RUN_NETWORK_ALLOW, urlsplit(other.url).netloc]
        other.with_password("dan", PASSWORD)
        host.moved = {"/a": f"{other.url}/a", "/a/info/refs": f"{other.url}/a/info/refs?service=git-upload-pack"}
        refused(built(elsewhere(f"{host.with_password('dan', PASSWORD)}/a", kind)))
    assert host.given
    assert other.asked
    assert not other.given


@pytest.mark.parametrize(
    "url", [f"https://dan:{PASSWORD}@example.com/a?token={PASSWORD}#b", f"https://{PASSWORD}@example.com/a"]
)
def test_what_is_shown_of_a_url(url):
    source = RemoteSource(SourceType.TARBALL, url)
    assert source.shown() == "Tarball https://example.com/a"
    assert PASSWORD in set(source.secrets()) or f"token={PASSWORD}" in set(source.secrets())


@pytest.mark.django_db
@needs_bubblewrap
def test_what_fetches_sees_no_more_than_a_build(elsewhere, host, monkeypatch, tmp_path, settings):
    """The program is replaced by one that looks around."""
    settings.RUN_ISOLATION = "required"
    looks, manage = tmp_path / "fetch.py", str(settings.BASE_DIR / "manage.py")
    looks.write_text(
        "import os, pathlib\n"
        "print('seen', os.listdir('.'), os.path.exists('/home'), os.getpid() < 9)\n"
        f"print('ours', [os.path.exists(each) for each in {[str(settings.DATA_DIR), manage]!r}])\n"
        "pathlib.Path('problem').write_text('looked\\0 around\\n' + 'x' * 9999)\n"
        "raise SystemExit(3)\n"
    )
    monkeypatch.setattr(fetch_source, "FETCH_PROGRAM", looks)
    build = built(elsewhere(f"{host.url}/a", "TARBALL"))
    assert refused(build).startswith("looked  around xxx")
    assert len(build.status_message) <= 1000
    assert build.exit_code == 3
    assert "seen [] False True\n" in read_text(build.pk)
    assert "ours [False, False]\n" in read_text(build.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "does",
    [
        "raise SystemExit(0)",
        "import os; os.mkdir('files'); open('revision', 'w').write('../../etc')",
        "import os; os.symlink('/etc', 'files'); open('revision', 'w').write('a' * 40)",
        "import os; os.mkdir('files'); os.symlink('/etc/passwd', 'revision')",
        "import os; os.mkdir('files'); os.symlink('revision', 'revision')",
    ],
)
def test_what_a_program_that_was_taken_over_leaves_is_not_believed(elsewhere, host, monkeypatch, tmp_path, does):
    taken = tmp_path / "fetch.py"
    taken.write_text(does)
    monkeypatch.setattr(fetch_source, "FETCH_PROGRAM", taken)
    assert refused(built(elsewhere(f"{host.url}/a", "TARBALL"))) == "Fetching the source has left no files."


@pytest.mark.django_db
def test_fetching_is_aborted_and_takes_no_more_than_its_memory(elsewhere, host, ada, monkeypatch, tmp_path):
    program = tmp_path / "fetch.py"
    monkeypatch.setattr(fetch_source, "FETCH_PROGRAM", program)
    actor = elsewhere(f"{host.url}/a", "TARBALL")
    program.write_text("eaten = []\nwhile True: eaten.append(b'x' * 5_000_000)")
    build = starting.start(actor, "0.1", by=ada.principal)
    Build.objects.filter(pk=build.pk).update(memory_mbytes=64)
    execute_build.execute(build.pk)
    assert refused(Build.objects.get(pk=build.pk)) == "Fetching the source took too much memory."

    program.write_text("print('ready', flush=True)\nwhile True: pass")
    build = starting.start(actor, "0.1", by=ada.principal)
    execute_and_abort(build, ada, monkeypatch)
    assert build.status == JobStatus.ABORTED


# What is fetched


@needs_git
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("plain", "wanted"),
    [
        *((False, each) for each in ("", "#dev", "#v1", "#COMMIT", "#SHORT", "#dev:sub", "#:sub/", "#refs/heads/dev")),
        *((True, each) for each in ("", "#v1", "#COMMIT", "#SHORT")),
    ],
)
def test_a_repository_is_fetched(elsewhere, host, plain, wanted):
    commits = {"main": {"main.py": "1", "sub/main.py": "sub"}, "dev": {"main.py": "2"}}
    url = host.repository("a.git", commits)
    bare = host.root / "a.git"
    git("tag", "--annotate", "--message=v1", "v1", "main", at=bare)
    if plain:
        host.repositories.clear()
        host.publish("a.git")
    first, second = git("rev-parse", "main", at=bare), git("rev-parse", "dev", at=bare)
    build = built(elsewhere(url + wanted.replace("COMMIT", first).replace("SHORT", first[:8])))
    app = app_of(build)
    assert (app / "main.py").read_text() == ("sub" if "sub" in wanted else "2" if "dev" in wanted else "1")
    assert names(app) == ({"main.py"} if "sub" in wanted else {"main.py", "sub", "sub/main.py"})
    assert names(app.parent) == {"app", "revision", *(f"app/{name}" for name in names(app))}
    commit = second if "dev" in wanted else first
    assert f"ACTOR: Built commit {commit}.\n" in read_text(build.pk)


@needs_git
@pytest.mark.django_db
def test_of_a_repository_come_no_submodules_no_filters_and_no_hooks(elsewhere, host):
    links = {"link": Path("main.py"), "circle": Path("circle"), "package.json": Path("package.json")}
    url = host.repository("a.git", {"main": WORKS | links | {".gitattributes": "* filter=evil\n"}})
    work, bare = host.root / "a.git.work", host.root / "a.git"
    (work / ".gitmodules").write_text(f'[submodule "m"]\n\tpath = m\n\turl = {host.url}/m.git\n')
    git("add", "--all", at=work)
    commit = git("rev-parse", "HEAD", at=work)
    git("update-index", "--add", "--cacheinfo", f"160000,{commit},m", at=work)
    git("commit", "--quiet", "--message=m", at=work)
    git("push", "--quiet", str(bare), "main", at=work)
    app = app_of(built(elsewhere(url)))
    assert (app / "link").is_symlink()
    assert (app / "circle").is_symlink()
    assert names(app / "m") == set()
    assert not [path for path in host.asked if path.startswith("/m.git")]


@needs_git
@pytest.mark.django_db
def test_a_gist_is_a_repository_at_its_url(elsewhere, host):
    host.repository("e51feb78", {"main": WORKS})
    build = built(elsewhere(f"{host.url}/e51feb78#file-main-py", "GITHUB_GIST"))
    assert names(app_of(build)) == {"main.py"}
    assert f"Fetching the GitHub Gist {host.url}/e51feb78.\n" in read_text(build.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("pack", [tarred, zipped])
def test_an_archive_is_built_as_source_files_are_and_runs(elsewhere, host, pack):
    said = {"actorSpecification": 1, "name": "x", "input": "./schema.json"}
    files = WORKS | {
        ".actor/actor.json": json.dumps(said),
        ".actor/schema.json": '{"title": "What"}',
        "README.md": "# Read",
        "CHANGELOG.md": "# Changed",
    }
    host.moved["/a"] = "/b"
    host.files["/b"] = pack({f"repo-main/{name}": content for name, content in files.items()})
    actor = elsewhere(f"{host.url}/a", "TARBALL")
    build = built(actor)
    content = BuildContent.objects.get(build=build)
    assert names(app_of(build)) == {".actor", *files}
    assert json.loads(content.definition) == said
    assert (content.input_schema, content.readme, content.changelog) == ('{"title":"What"}', "# Read", "# Changed")
    assert "ACTOR: Built the archive with the SHA-256 " in read_text(build.pk)
    run = run_of(actor)
    assert run.status == JobStatus.SUCCEEDED
    assert "fetched and run\n" in read_text(run.pk)


def test_what_is_in_an_archive_stays_as_it_is(unpacked):
    files = unpacked(
        tarred(
            {
                "./main.py": "1",
                "./a/hard": (tarfile.LNKTYPE, "./main.py"),
                "./a/soft": (tarfile.SYMTYPE, "../main.py"),
                "./empty": (tarfile.DIRTYPE, ""),
            }
        )
    )
    assert names(files) == {"main.py", "a", "a/hard", "a/soft", "empty"}
    assert (files / "a/hard").read_text() == "1"
    assert (files / "a/soft").readlink() == Path("../main.py")


def test_of_a_single_directory_the_links_come_along(unpacked):
    files = unpacked(tarred({"top/a/main.py": "1", "top/b": (tarfile.SYMTYPE, "a/main.py")}))
    assert names(files) == {"a", "a/main.py", "b"}
    assert (files / "b").read_text() == "1"


def test_a_link_beside_a_directory_leaves_it_where_it_is(unpacked):
    files = unpacked(tarred({"top/main.py": "1", "main.py": (tarfile.SYMTYPE, "top/main.py")}))
    assert (files / "main.py").read_text() == "1"
    assert names(files) == {"top", "top/main.py", "main.py"}


def test_a_program_in_an_archive_can_be_executed(unpacked):
    files = unpacked(_zip_with_link("start.sh"))
    assert (files / "link").readlink() == Path("start.sh")
    assert (files / "start.sh").stat().st_mode & stat.S_IXUSR
    assert not (files / "main.py").stat().st_mode & stat.S_IXUSR


@needs_git
@pytest.mark.django_db
def test_another_machine_fetches_the_same_commit(elsewhere, host):
    url = host.repository("a.git", {"main": WORKS})
    actor = elsewhere(f"{url}#main")
    build = built(actor)
    first = (app_of(build).parent / "revision").read_text()
    shutil.rmtree(host.root / "a.git.work")
    other = host.repository("b.git", {"main": {"main.py": "print('another one')"}})
    git("fetch", "--quiet", str(host.root / "b.git"), "+main:main", at=host.root / "a.git")
    assert other
    directories.remove(directories.build_directory(build.pk))
    run = run_of(actor)
    assert "fetched and run\n" in read_text(run.pk)
    assert (directories.build_directory(build.pk) / "revision").read_text() == first


@pytest.mark.django_db
def test_an_archive_that_is_another_one_by_now_is_not_run(elsewhere, host):
    host.files["/a"] = zipped(WORKS)
    actor = elsewhere(f"{host.url.replace('://', f'://dan:{PASSWORD}@')}/a", "TARBALL")
    build = built(actor)
    app_of(build)
    host.files["/a"] = zipped({"main.py": "print('another one')"})
    directories.remove(directories.build_directory(build.pk))
    run = run_of(actor)
    assert run.status == JobStatus.FAILED
    assert "another one by now" in run.status_message
    assert PASSWORD not in read_text(run.pk)


@pytest.mark.django_db
def test_source_files_need_no_fetching(ada, monkeypatch):
    monkeypatch.setattr(fetch_source, "build_program", None)
    build = built(actor_of(ada, WORKS))
    assert "ACTOR: Built 1 source files.\n" in read_text(build.pk)
    assert names(directories.build_directory(build.pk)) == {"app", "app/main.py"}


def build_label(kind: str) -> str:
    return str(SourceType(kind).label)


def _zip_with_link(target: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, mode, content in (
            ("main.py", stat.S_IFREG | 0o644, ""),
            ("start.sh", stat.S_IFREG | 0o755, ""),
            ("link", stat.S_IFLNK | 0o777, target),
        ):
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, content)
    return packed.getvalue()
