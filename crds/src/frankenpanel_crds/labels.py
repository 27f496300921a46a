"""Every label, annotation and finalizer key we write, and the name we write under."""

from __future__ import annotations

from enum import StrEnum

from frankenpanel_crds.group import API_GROUP

FIELD_MANAGER = "frankenpanel-operator"
PART_OF = "frankenpanel"
MANAGED_BY = "frankenpanel-operator"

LABEL_NAME = "app.kubernetes.io/name"
LABEL_INSTANCE = "app.kubernetes.io/instance"
LABEL_COMPONENT = "app.kubernetes.io/component"
LABEL_PART_OF = "app.kubernetes.io/part-of"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"

LABEL_SITE = f"{API_GROUP}/site"
LABEL_SITE_UID = f"{API_GROUP}/site-uid"
LABEL_RETAINED = f"{API_GROUP}/retained"
LABEL_DATA_ID = f"{API_GROUP}/data-id"
LABEL_STORAGE = f"{API_GROUP}/storage"
LABEL_HOST_ID = f"{API_GROUP}/host-id"
"""Stands for the host of a certificate; a host itself may be longer than a label's value."""
LABEL_TLS_MODE = f"{API_GROUP}/tls-mode"

ANNOTATION_HASH = f"{API_GROUP}/hash"
ANNOTATION_SETTINGS_HASH = f"{API_GROUP}/settings-hash"
ANNOTATION_CONFIG_DIGEST = f"{API_GROUP}/config-digest"
ANNOTATION_SECRETS_DIGEST = f"{API_GROUP}/secrets-digest"
ANNOTATION_FORCE_DELETE = f"{API_GROUP}/force-delete"
"""Written by people only: the object's name as its value ends the wait of a deletion (docs/deletion.md)."""

FINALIZER_DATA = f"{API_GROUP}/data"
FINALIZER_CLAIM = f"{API_GROUP}/claim"
FINALIZER_KOPF = f"{API_GROUP}/kopf"
"""The framework's own; no handler needs it, the name is only kept from being kopf's default."""


class Component(StrEnum):
    """What an owned object is for; the value of the component label."""

    WEB = "web"
    INSTALL = "install"
    REWRITE = "rewrite"
    DATA = "data"
    CONFIG = "config"
