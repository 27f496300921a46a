"""One JSON line per log record, ours, kopf's and every library's, with secrets blacked out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, TextIO

import orjson
import structlog
from pydantic import SecretBytes, SecretStr
from structlog.typing import Processor

REDACTED = "[redacted]"

# Whole words of a key, so that "secret_name" or "token_path" stay readable.
_SECRET_KEYS = frozenset(
    {"password", "passwd", "token", "authorization", "credentials", "cookie", "key_data", "secret", "api_key"}
)
_SECRET_SUFFIXES = tuple(f"_{word}" for word in ("password", "token", "secret"))
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
# Values within free text, such as another library's exception: "password=...", "token: ...".
_ASSIGNMENT = re.compile(r"(?i)\b(password|passwd|token|secret)(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&}]+")


def configure_logging(level: str, stream: TextIO = sys.stderr) -> None:
    """Send every log record of this process through one redacting JSON formatter; repeatable."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Loggers are made at import, before this function runs: they must not keep an older configuration.
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            redact,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # aiohttp logs each served probe; kopf narrates each handler of each event.
    for name in ("aiohttp.access", "kopf.objects"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Black out secret values by their type, their key, or their look."""
    return {key: _redact_value(key, value) for key, value in event.items()}


def _redact_value(key: str, value: Any) -> Any:
    if isinstance(value, SecretStr | SecretBytes):
        return REDACTED
    lowered = key.lower().replace("-", "_")
    if value is not None and (lowered in _SECRET_KEYS or lowered.endswith(_SECRET_SUFFIXES)):
        return REDACTED
    if isinstance(value, str):
        return _ASSIGNMENT.sub(rf"\1\2{REDACTED}", _BEARER.sub(rf"\1 {REDACTED}", value))
    if isinstance(value, Mapping):
        return {inner: _redact_value(str(inner), item) for inner, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_redact_value("", item) for item in value]
    return value


def _to_json(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
