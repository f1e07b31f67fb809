"""The application: all routes joined, and its description.

Owns the factory. Which parts the routes work with is decided by `wiring`; the server that runs the
application is in `server.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

import packmule
from packmule.web import archives, downloads, events, forms, health, pages, problems, scraping
from packmule.web.auth import SECURITY_SCHEMES
from packmule.web.front import Front
from packmule.web.observing import Observing
from packmule.web.schema import ChangedFilesOut, CreateIn, ProblemOut, RetryIn

if TYPE_CHECKING:
    from packmule.web.parts import Parts

DESCRIPTION = """\
Packmule turns a list of public links into one ZIP archive, in the background.

`create` answers at once with a hash. `status` says how far the job is, and in the end where the
archive is, or which files could not be fetched and why. Whoever has the hash may read and download.

Where the operator has given keys, create, retry, cancel, delete and files need
`Authorization: Bearer` and a key, and are for the jobs of that key's client.

Every error is `application/problem+json` (RFC 9457) with a `code` that never changes its meaning.
"""

_PROBLEM = {
    "description": "An error.",
    "content": {
        problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}},
    },
}


def create_app(parts: Parts) -> FastAPI:
    """Join the application."""
    app = _api()
    app.state.parts = parts
    app.router.routes.extend(
        [*health.routes, *scraping.routes, *pages.routes(app.openapi()), *forms.routes]
    )
    problems.install(app)
    app.add_middleware(Front, public_url=parts.public_url)
    # The outermost is added last.
    app.add_middleware(Observing, routes=app.routes, access_log=parts.access_log)
    return app


def description() -> dict[str, Any]:
    """Give the OpenAPI description of the API."""
    return _api().openapi()


def _api() -> FastAPI:
    """Join what the description tells of."""
    app = FastAPI(
        title="Packmule",
        version=packmule.__version__,
        description=DESCRIPTION,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        # Else `/docs/` would lead to whatever address the request's Host names, over plain HTTP.
        redirect_slashes=False,
    )
    app.include_router(archives.router)
    app.include_router(events.router)
    app.include_router(downloads.router)
    app.openapi = lambda: _describe(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _describe(app: FastAPI) -> dict[str, Any]:
    """Write the OpenAPI description: what FastAPI finds, with our bodies and our errors."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
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
        app.openapi_schema = document
    return app.openapi_schema
