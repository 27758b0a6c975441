"""What is answered to a request that cannot be served: a status, and a body that says why."""

from http import HTTPStatus

from starlette.responses import JSONResponse

PHRASES = {413: "Request Entity Too Large", 414: "URI Too Long"}  # Python's changed with time


class Refusal(Exception):
    """A request that is not served. `status` is HTTP's, `message` what to do."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def clean(text: str) -> str:
    """Return text that can be sent: without halves of letters that a client made up."""
    return text.encode("utf-8", "replace").decode()


def body(status: int, message: str) -> dict:
    """Return the body of a refusal: statusCode, error, message.

    >>> body(404, "Species not found")
    {'statusCode': 404, 'error': 'Not Found', 'message': 'Species not found'}
    """
    message = clean(message)
    phrase = PHRASES.get(status) or HTTPStatus(status).phrase
    return {"statusCode": status, "error": phrase, "message": message}


def response(refusal: Refusal) -> JSONResponse:
    """Return the answer to who is refused."""
    content = body(refusal.status, refusal.message)
    return JSONResponse(content, refusal.status, refusal.headers)
