"""The way of an API call: who asks, which view answers, may it, and the answer.

It is what Django's handler does with middleware, for which a page has a dozen layers. The API needs two of them, and
it is called thousands of times a second.
"""

from django.core.handlers.exception import response_for_exception
from django.http import Http404, HttpRequest, HttpResponseBase

from accounts.errors import ApiError
from accounts.middleware import UNKNOWN_TOKEN, principal_of_token
from accounts.origin import answering
from accounts.tokens import UnknownToken
from console.api.routes import view_at
from sharing.middleware import stop


def answer(request: HttpRequest) -> HttpResponseBase:
    """Return the answer of the view that the path names, or the refusal; whatever is raised becomes an answer too."""
    try:
        request.principal = principal_of_token(request)  # type: ignore[attr-defined]  # our own attribute
        with answering(request):
            found = view_at(request.path_info)
            if found is None:
                raise Http404
            view, arguments = found
            return stop(request, view, arguments) or view(request, **arguments)
    except UnknownToken:
        return UNKNOWN_TOKEN.response()
    except ApiError as error:
        return error.response()
    except Exception as error:  # Django reports it, and answers as console/errors.py says
        return response_for_exception(request, error)
