"""The web application: every route, the middleware, and the OpenAPI description.

Owns putting them together. Leaves the services that the routes use to `wiring`, and running the
application to `server.py`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

import packmule
from packmule.web import (
    archive_list,
    archived_files,
    downloads,
    events,
    health,
    job_routes,
    metrics_route,
    no_script_routes,
    pages,
    problems,
    recipient_routes,
)
from packmule.web.access_log_middleware import AccessLogMiddleware
from packmule.web.auth import SECURITY_SCHEMES
from packmule.web.body_drain import DrainMiddleware
from packmule.web.cors import CorsMiddleware
from packmule.web.public_path import PublicPathMiddleware, is_ambiguous, public_path
from packmule.web.reference import as_html
from packmule.web.schema import ChangedFilesOut, CreateIn, ProblemOut, RetryIn
from packmule.web.security_middleware import SecurityMiddleware
from packmule.web.start_page import StartFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packmule.web.services import Services

DESCRIPTION = """\
Packmule turns a list of public links into one ZIP archive, in the background.

`create` returns a hash at once. `status` returns the job's progress and, at the end, the URL of the
archive or the files that could not be fetched and why. Anyone who has the hash can read the status
and download the archive.

If the server requires API keys, create, list, retry, finish, cancel, delete and files need the
header `Authorization: Bearer KEY`, and a key gives access only to its own client's jobs.

Every error is `application/problem+json` (RFC 9457) with a stable `code`.
"""

_PROBLEM = {
    "description": "An error.",
    "content": {
        problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}},
    },
}


def create_app(services: Services) -> FastAPI:
    """Join the application."""
    path = public_path(services.public_url)
    servers = (services.public_url,) if path else ()
    app = _api(servers)
    app.state.services = services
    app.router.routes.extend(
        [
            *health.routes,
            *metrics_route.routes,
            *pages.routes(*_described(servers), _facts(services)),
            *no_script_routes.routes,
            *recipient_routes.routes,
        ]
    )
    problems.install(app, recipient_routes.in_words)
    if path and not is_ambiguous(path, _paths(app)):
        app.add_middleware(PublicPathMiddleware, path=path)
    # The outermost is added last. CORS is around the checks, so that pages can read what they say.
    app.add_middleware(
        SecurityMiddleware,
        hosts=services.hosts,
        public_url=services.public_url,
        allow_origins=services.allow_origins,
    )
    if services.allow_origins:
        app.add_middleware(CorsMiddleware, allow_origins=services.allow_origins)
    app.add_middleware(AccessLogMiddleware, routes=app.routes, access_log=services.access_log)
    app.add_middleware(DrainMiddleware)
    return app


def _facts(services: Services) -> StartFacts:
    return StartFacts(
        max_urls=services.bounds.max_urls,
        retention=services.bounds.retention,
        needs_key=bool(services.access.keys),
    )


def _paths(app: FastAPI) -> Iterator[str]:
    """Yield the path of every route; those of the API are nested, so take them as described."""
    yield from app.openapi()["paths"]
    yield from (getattr(route, "path", "") for route in app.routes)


def _api(servers: tuple[str, ...]) -> FastAPI:
    """Join what the description tells of."""
    app = FastAPI(
        title="Packmule",
        version=packmule.__version__,
        description=DESCRIPTION,
        openapi_url=None,  # it would be written out again for each request
        docs_url=None,
        redoc_url=None,
        # Else `/docs/` would lead to whatever address the request's Host names, over plain HTTP.
        redirect_slashes=False,
        servers=[{"url": url} for url in servers],
        root_path_in_servers=False,
    )
    app.include_router(job_routes.router)
    app.include_router(archive_list.router)
    app.include_router(events.router)
    app.include_router(downloads.router)
    app.include_router(archived_files.router)
    # FastAPI's documented way.
    app.openapi = lambda: description(servers)  # type: ignore[method-assign]
    return app


@cache
def description(servers: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the OpenAPI description: what FastAPI finds, with our bodies and our errors.

    Without `servers` the API is at the root of the site that served the description, as OpenAPI
    has it. Cached, because it takes most of the time in which an application is made.
    """
    app = _api(servers)
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=app.servers,
    )
    _, ours = models_json_schema(
        [
            (CreateIn, "validation"),
            (RetryIn, "validation"),
            (ChangedFilesOut, "serialization"),
            (ProblemOut, "serialization"),
        ],
        ref_template="#/components/schemas/{model}",
    )
    document["components"]["securitySchemes"] = SECURITY_SCHEMES
    schemas = document["components"].setdefault("schemas", {})
    schemas |= ours["$defs"]
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, never sent
        schemas.pop(name, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _PROBLEM
    return document


@cache
def _described(servers: tuple[str, ...]) -> tuple[str, str]:
    """Return the description for people, as HTML, and for programs, as JSON."""
    document = description(servers)
    return as_html(document), json.dumps(document, ensure_ascii=False, separators=(",", ":"))
