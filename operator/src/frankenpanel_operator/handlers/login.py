"""One sign-in for kopf and for our own client: the pod's service account, else a kubeconfig."""

from __future__ import annotations

import kopf
from pydantic import SecretStr

from frankenpanel_operator.cluster.connection import SERVICE_ACCOUNT_TOKEN_PATH, Connection


def find_login(settings: kopf.OperatorSettings) -> kopf.ConnectionInfo:
    """Return how to reach the API server and as whom.

    Raises:
        kopf.LoginError: there is neither a service account nor a kubeconfig.
    """
    info = kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(settings=settings)
    if info is None:
        raise kopf.LoginError("neither a service account nor a kubeconfig was found")
    return info


def to_connection(info: kopf.ConnectionInfo) -> Connection:
    """Translate kopf's answer for our client, which must not know kopf."""
    is_pod = SERVICE_ACCOUNT_TOKEN_PATH.exists()
    has_basic = bool(info.username and info.password)
    return Connection(
        server=info.server,
        ssl=info.as_ssl_context(),
        token=SecretStr(info.token) if info.token else None,
        # The kubelet replaces the token in this file long before the old one expires.
        token_path=SERVICE_ACCOUNT_TOKEN_PATH if is_pod else None,
        headers=info.as_http_headers() if has_basic else {},
    )
