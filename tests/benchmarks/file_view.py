"""The least that Django can do with a file: one view, no middleware, no database, as a WSGI application.

GET answers with the file that FILE names, by a FileResponse; PUT writes the body to a file beside it. So does a PUT at
/synced, which answers when the file is safe on the disk in place of the one before, as Latchkey promises of records.
"""

import os
import threading
from pathlib import Path

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path

FILE = Path(os.environ["FILE"])
_PIECE = 65_536


def file(request: HttpRequest) -> HttpResponseBase:
    """Answer with the file, or take another one."""
    if request.method == "GET":
        return FileResponse(FILE.open("rb"))
    _write(request, FILE.with_name(_name()), is_synced=False)
    return HttpResponse(status=201)


def synced_file(request: HttpRequest) -> HttpResponse:
    """Take a file, and answer when it is safe."""
    new = FILE.with_name(f"{_name()}-new")
    _write(request, new, is_synced=True)
    new.replace(FILE.with_name(_name()))
    directory = os.open(FILE.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(directory)
    os.close(directory)
    return HttpResponse(status=201)


def _write(request: HttpRequest, target: Path, *, is_synced: bool) -> None:
    with target.open("wb") as written:
        while piece := request.read(_PIECE):
            written.write(piece)
        if is_synced:
            written.flush()
            os.fsync(written.fileno())


def _name() -> str:
    return f"{os.getpid()}-{threading.get_ident()}"


urlpatterns = [path("", file), path("synced", synced_file)]

settings.configure(
    SECRET_KEY="only-for-benchmarks",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    USE_TZ=True,
)
django.setup()
application = get_wsgi_application()
