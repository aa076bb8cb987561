"""Django's messages to the user, in a cookie that has the same prefix as the others."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class MessageCookie(CookieStorage):
    """Messages in the cookie that the settings name."""

    cookie_name = settings.MESSAGES_COOKIE_NAME


class MessageStorage(FallbackStorage):
    """Messages in the cookie, and in the session where they are too long for one."""

    storage_classes = (MessageCookie, SessionStorage)
