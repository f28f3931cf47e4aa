"""Reads the site's settings from environment variables. The defaults suit one small machine. See docs/settings.md."""

from __future__ import annotations

from pathlib import Path

import django
import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)
_DEVELOPMENT_KEY = "insecure-key-for-development-only-" + "0123456789abcdefghijklmnopqrstuvwxyz"
SECRET_KEY = env.str("SECRET_KEY", default=_DEVELOPMENT_KEY if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY (or DEBUG=1 for a trial on your own machine).")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "daphne",
    "channels",
    "calendar_live",
    "ninja",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
# The path below which the site is mounted, such as /calendar. Every URL, the socket's too, and the cookies' path begin
# with it.
FORCE_SCRIPT_NAME = env.str("FORCE_SCRIPT_NAME", default="").rstrip("/") or None
ASGI_APPLICATION = "project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- data ----------------------------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    # IMMEDIATE, because a transaction that first reads and then writes would fail at once beside another writer.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    from psycopg_pool import ConnectionPool

    DATABASES["default"]["ENGINE"] = "project.postgres"
    # A writer waits for a calendar's lock no longer than on SQLite, and a process that stands still while it holds a
    # lock loses it. Statements have no time limit, because migrations and `verify_log` may rightly take long. Options
    # that DATABASE_URL sets itself (`?sslmode=…`, `?options=…`) take precedence.
    DATABASES["default"]["OPTIONS"] = {
        "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=10s",
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {
            "min_size": env.int("DATABASE_POOL_MIN", default=4),
            "max_size": env.int("DATABASE_POOL_MAX", default=20),
            "timeout": 5,
            # While the database is away, reconnect every second instead of less and less often: requests wait only 5 s.
            "reconnect_timeout": 1,
            "reconnect_failed": ConnectionPool.check,
        },
    }
DATABASES["default"]["CONN_MAX_AGE"] = 0  # otherwise each request thread would keep a connection, even while it idles
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URLS = env.list("REDIS_URL", default=[])  # the layer spreads the calendars over all of them
if REDIS_URLS:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                "hosts": [{"address": f"{url}/0", "socket_timeout": 5} for url in REDIS_URLS],
                "prefix": "calendar",
            },
        },
    }
    CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": f"{env.str('CACHE_REDIS_URL', default=REDIS_URLS[0])}/1",
            "KEY_PREFIX": "calendar",
            "OPTIONS": {
                "SERIALIZER": "calendar_live.cache.BytesSerializer",
                "SOCKET_CONNECT_TIMEOUT": 0.25,
                "SOCKET_TIMEOUT": 0.25,
                # The app handles failures: for a while after one, it does not use the cache.
                "IGNORE_EXCEPTIONS": False,
            },
        },
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}}
    CACHES = {"default": {"BACKEND": "calendar_live.cache.MemoryCache", "OPTIONS": {"MAX_ENTRIES": 2_000}}}

CALENDAR_LIVE: dict[str, object] = {
    "ORIGINS": tuple(env.list("ORIGINS", default=[])),
    "METRICS_TOKEN": env.str("METRICS_TOKEN", default=""),
    "DRAIN_SECONDS": env.float("DRAIN_SECONDS", default=4.0),
}

# --- people --------------------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AUTHENTICATION_BACKENDS = ["calendar_live.backends.RefusesDemoPassword", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "calendar_live:login"
LOGIN_REDIRECT_URL = "calendar_live:calendar"
LOGOUT_REDIRECT_URL = "calendar_live:login"

# --- mail ----------------------------------------------------------------------------------------------------------

# Invitations are mailed. While DEBUG is on, they are printed by default, so that their links can be opened.
_MAIL = env.email_url("EMAIL_URL", default="consolemail://" if DEBUG else "smtp://localhost:25")
_MAIL_TIMEOUT = 5  # seconds; the user who invites waits for it, and the page repeats its request after 10 s
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _MAIL["EMAIL_BACKEND"], "OPTIONS": {}}}
    if _MAIL["EMAIL_BACKEND"].endswith(".smtp.EmailBackend"):
        MAILERS["default"]["OPTIONS"] = {
            "host": _MAIL["EMAIL_HOST"] or "localhost",
            "port": _MAIL["EMAIL_PORT"] or 25,
            "username": _MAIL["EMAIL_HOST_USER"] or "",
            "password": _MAIL["EMAIL_HOST_PASSWORD"] or "",
            "use_tls": _MAIL.get("EMAIL_USE_TLS", False),
            "use_ssl": _MAIL.get("EMAIL_USE_SSL", False),
            "timeout": _MAIL_TIMEOUT,
        }
else:
    EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT = _MAIL["EMAIL_BACKEND"], _MAIL["EMAIL_HOST"] or "", _MAIL["EMAIL_PORT"] or 25
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL["EMAIL_HOST_USER"] or "", _MAIL["EMAIL_HOST_PASSWORD"] or ""
    EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.get("EMAIL_USE_TLS", False), _MAIL.get("EMAIL_USE_SSL", False)
    EMAIL_TIMEOUT = _MAIL_TIMEOUT
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="calendar_live@localhost")

# --- language and time ---------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
TIME_ZONE = "UTC"
USE_TZ = True

# --- static files --------------------------------------------------------------------------------------------------

STATIC_URL = f"{FORCE_SCRIPT_NAME or ''}/static/"  # of a relative URL, Django knows the prefix only within a request
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
if not DEBUG:  # files whose names contain a hash of the content may be cached for ever
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
    }
SERVESTATIC_USE_FINDERS = DEBUG
SERVESTATIC_AUTOREFRESH = DEBUG

# --- security ------------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "img-src": [SELF, "data:"],
    },
}
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", default=False) else None
_HTTPS = env.bool("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = _HTTPS
SECURE_REDIRECT_EXEMPT = [r"(^|/)(healthz|readyz|metrics)$"]  # requested from inside, past the proxy that ends TLS
SESSION_ENGINE = "project.sessions"
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{FORCE_SCRIPT_NAME or ''}/"
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if _HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HTTPS
SECURE_HSTS_PRELOAD = _HTTPS
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

DEFAULT_EXCEPTION_REPORTER = "calendar_live.reports.Report"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "daphne.http_protocol": {"level": "WARNING"},
        "daphne.ws_protocol": {"level": "WARNING"},
        # This logger says every second, with a traceback, that Redis is away. The hub says so once.
        "channels_redis": {"level": "CRITICAL"},
        # This one says the same of the database.
        "psycopg.pool": {"level": "ERROR"},
    },
}
