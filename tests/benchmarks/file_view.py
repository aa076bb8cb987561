"""The least that Django can do with a file: one view, no middleware, no database, as a WSGI application.

GET answers with the file that FILE names, by a FileResponse; PUT writes the body to a file beside it.
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
    with FILE.with_name(f"{os.getpid()}-{threading.get_ident()}").open("wb") as written:
        while piece := request.read(_PIECE):
            written.write(piece)
    return HttpResponse(status=201)


urlpatterns = [path("", file)]

settings.configure(
    SECRET_KEY="only-for-benchmarks",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    USE_TZ=True,
)
django.setup()
application = get_wsgi_application()
