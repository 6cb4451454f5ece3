"""Errors as Gretel's API answers them: a JSON object with `message` and, for bad fields, `context`."""

import errno
import logging
import sqlite3
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.gretel.store.files import OUT_OF_SPACE

log = logging.getLogger(__name__)


class ApiError(Exception):
    """An answer that is not a success.

    :param context: the fields at fault, each with what is wrong, as gretel-client's command line prints them.
    """

    def __init__(self, status: int, message: str, context: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.context = context or {}


def bad_request(message: str, context: dict[str, Any] | None = None) -> ApiError:
    return ApiError(400, message, context)


def not_found(what: str, name: str) -> ApiError:
    return ApiError(404, f"{what} {name!r} not found, or you are not a member of its project.")


def install(app: FastAPI) -> None:
    """Make every error of the app an answer of this form."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(ClientDisconnect, _cut_off)
    app.add_exception_handler(OSError, _os_error)
    app.add_exception_handler(sqlite3.OperationalError, _database_error)
    app.add_exception_handler(Exception, _unexpected)


def answer(status: int, message: str, context: dict[str, Any] | None = None) -> JSONResponse:
    return JSONResponse({"message": message, "context": context or {}}, status)


def _api_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ApiError):
        raise error
    return answer(error.status, error.message, error.context)


def _http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        return answer(404, f"{request.method} {request.url.path} is not part of what this service offers.")
    return answer(error.status_code, f"{request.method} {request.url.path}: {error.detail}.")


def _validation_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    context = {".".join(str(part) for part in item["loc"]): item["msg"] for item in error.errors()}
    return answer(400, "Invalid request: " + "; ".join(f"{field}: {why}" for field, why in context.items()), context)


def _cut_off(_: Request, __: Exception) -> JSONResponse:
    return answer(400, "The request was cut off.")  # nobody is left to read it: it is for the access log


def _os_error(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, OSError) and error.errno in OUT_OF_SPACE:
        return _no_space(request)
    return _unexpected(request, error)


def _database_error(request: Request, error: Exception) -> JSONResponse:
    if "full" in str(error):
        return _no_space(request)
    return _unexpected(request, error)


def _no_space(request: Request) -> JSONResponse:
    log.error("%s %r: no space left on disk", request.method, request.url.path)
    return answer(507, "The service has no disk space left; nothing was stored. Ask its operator to free some.")


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %r failed", request.method, request.url.path, exc_info=error)
    name = errno.errorcode.get(error.errno or 0, "") if isinstance(error, OSError) else type(error).__name__
    return answer(500, f"Internal error of the service ({name}); its log holds the details.")
