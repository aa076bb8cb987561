"""A host of sources on this machine: archives, and Git repositories by Git's own program or as plain files."""

import base64
import io
import os
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

_AUTHOR = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
_GIT = _AUTHOR | {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": os.devnull}


@dataclass
class Host:
    """`files` are what there is by its path, `moved` leads on; `password`, where there is one, is asked for always."""

    root: Path
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    repositories: set[str] = field(default_factory=set)
    cut: bool = False
    pretends_to_be_git: bool = False
    password: tuple[str, str] | None = None
    asked: list[str] = field(default_factory=list)  # the paths
    given: list[str] = field(default_factory=list)  # the headers Authorization

    def with_password(self, name: str, password: str) -> str:
        """Have a name and password asked for, and return the URL with both in it."""
        self.password = (name, password)
        return self.url.replace("://", f"://{name}:{password}@")

    def repository(self, name: str, commits: Mapping[str, Mapping[str, str | Path]], *, plain: bool = False) -> str:
        """Make a repository with a commit for each branch, on top of that before; return its URL. A path is a link."""
        work, bare = self.root / f"{name}.work", self.root / name
        git("init", "--quiet", "--template=", "--initial-branch=main", str(work))
        for branch, files in commits.items():
            git("checkout", "--quiet", "-B", branch, at=work)
            for path, content in files.items():
                (work / path).parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, Path):
                    (work / path).symlink_to(content)
                else:
                    (work / path).write_text(content)
            git("add", "--all", at=work)
            git("commit", "--quiet", "--message", branch, at=work)
        git("checkout", "--quiet", next(iter(commits)), at=work)
        git("clone", "--quiet", "--bare", "--template=", str(work), str(bare))
        if plain:
            self.publish(name)
        else:
            self.repositories.add(name)
        return f"{self.url}/{name}"

    def publish(self, name: str) -> None:
        """Offer a repository as the files that it consists of."""
        bare = self.root / name
        git("update-server-info", at=bare)
        self.files |= {f"/{name}/{at.relative_to(bare)}": at.read_bytes() for at in bare.rglob("*") if at.is_file()}


def git(*arguments: str, at: Path | None = None) -> str:
    """Run Git, and return what it prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=at, env=os.environ | _GIT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Return a .zip of files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(files: Mapping[str, str | bytes | tuple[bytes, str]]) -> bytes:
    """Return a .tar.gz of files; a pair is the type of a link and what it leads to, or of something stranger."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                member.type, member.linkname = content
                archive.addfile(member)
                continue
            data = content.encode() if isinstance(content, str) else content
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


class _Handler(BaseHTTPRequestHandler):
    host: Host

    def do_GET(self) -> None:
        host = self.host
        path = urlsplit(self.path).path
        host.asked.append(path)
        host.given += self.headers.get_all("Authorization", [])
        if host.password and self.headers["Authorization"] != _basic(*host.password):
            self.reply(401, b"", **{"WWW-Authenticate": 'Basic realm="sources"'})
        elif path in host.moved:
            self.reply(302, b"", Location=host.moved[path])
        elif path in host.files:
            kind = "application/x-git-upload-pack-advertisement" if host.pretends_to_be_git else "text/plain"
            self.reply(200, host.files[path], **{"Content-Type": kind})
        elif path.split("/")[1] in host.repositories:
            self.by_git(path)
        else:
            self.reply(404, b"")

    def do_POST(self) -> None:
        self.do_GET()

    def by_git(self, path: str) -> None:
        size = int(self.headers["Content-Length"] or 0)
        told = {
            "GIT_PROJECT_ROOT": str(self.host.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": urlsplit(self.path).query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers["Content-Type"] or "",
            "CONTENT_LENGTH": str(size),
            "HTTP_CONTENT_ENCODING": self.headers["Content-Encoding"] or "",
            "GIT_PROTOCOL": self.headers["Git-Protocol"] or "",
        }
        done = subprocess.run(
            ["git", "http-backend"],
            input=self.rfile.read(size),
            env=os.environ | _GIT | told,
            capture_output=True,
            check=False,  # it fails, too, where it says in its answer what is wrong
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.reply(int(headers.pop("Status", "200").split()[0]), body, **headers)

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + self.host.cut))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """Say nothing of a client that has heard enough and goes away."""


class Hosting:
    """Answers while it is entered."""

    def __init__(self, root: Path) -> None:
        self.host = Host(root)
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"host": self.host}))
        self.host.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Host:
        self._thread.start()
        return self.host

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
