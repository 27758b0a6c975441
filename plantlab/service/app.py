"""The service as an ASGI application: its routes, its gate, and how it refuses."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from plantlab import __version__
from plantlab.service.gate import Gate
from plantlab.service.refusals import Refusal, body, response
from plantlab.service.routes import router
from plantlab.service.state import State

log = logging.getLogger("plantlab.service")


def create_app(state: State, private: bool = False) -> FastAPI:
    """Return the service as an ASGI application.

    Args:
        private: whether images may be fetched from the service's own network.
    """

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        worker = asyncio.create_task(state.batcher.work())
        yield
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker

    description = f"{state.model.knows} Spoken as by Pl@ntNet's API v2."
    app = FastAPI(title="plantlab", version=__version__, description=description, lifespan=live)
    app.state.service = state
    app.state.private = private
    app.include_router(router)
    app.add_middleware(Gate, keys=state.keys)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _wrong_field)
    app.add_exception_handler(HTTPException, _wrong_route)
    app.add_exception_handler(Exception, _our_fault)
    return app


async def _refused(_: Request, refusal: Refusal) -> JSONResponse:
    return response(refusal)


async def _wrong_field(_: Request, error: RequestValidationError) -> JSONResponse:
    """Name the first field that cannot be read, as clients know it."""
    first = error.errors()[0]
    names = [part for part in first["loc"][1:] if isinstance(part, str)]
    name = names[0] if names else "body"
    why = "is required" if first["type"] == "missing" else f"cannot be read: {first['msg']}"
    return JSONResponse(body(400, f'"{name}" {why}.'), 400)


async def _wrong_route(request: Request, error: HTTPException) -> JSONResponse:
    message = str(error.detail)
    if error.status_code in (404, 405):
        message = f"no such route: {request.method} {request.url.path}; /docs lists them."
    return JSONResponse(body(error.status_code, message), error.status_code, error.headers)


async def _our_fault(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    message = f"the service failed ({type(error).__name__}); its log says more."
    return JSONResponse(body(500, message), 500)
