"""The closed list of reasons per kind, each with its meaning.

Reasons are part of the API: programs compare them and the dashboard translates them. A new one is added
here, with its meaning, before anything may report it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """A reason, and what it means in one line."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make a member that is its value, and knows its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


class SiteReason(Reason):
    """Why a condition of a Site has its status."""

    PRESET_FOUND = ("PresetFound", "The preset and the version exist.")
    PRESET_NOT_FOUND = ("PresetNotFound", "No SitePreset has the name in spec.source.preset.name.")
    PRESET_VERSION_NOT_FOUND = (
        "PresetVersionNotFound",
        "The SitePreset does not list the version in spec.source.preset.version.",
    )
    RUNTIME_FOUND = ("RuntimeFound", "The PHP version is in the catalogue.")
    RUNTIME_NOT_FOUND = (
        "RuntimeNotFound",
        "The RuntimeCatalog does not list the PHP version in spec.runtime.php.",
    )
    CATALOG_NOT_FOUND = (
        "CatalogNotFound",
        'There is no RuntimeCatalog named "default"; an administrator has to create it.',
    )
    PROVISIONED = ("Provisioned", "What was asked for (volumes, database) exists and is usable.")
    NOT_REQUIRED = (
        "NotRequired",
        "The Site does not use this (no volumes, no database, nothing to install).",
    )
    STORAGE_INVALID = (
        "StorageInvalid",
        "An entry of spec.storage cannot be carried out; the message names it.",
    )
    VOLUME_PENDING = ("VolumePending", "A volume is not bound yet; the message names the claim.")
    VOLUME_LOST = (
        "VolumeLost",
        "The volume behind a claim is gone; restore it or delete the claim to start empty.",
    )
    ACCESS_MODE_CONFLICT = (
        "AccessModeConflict",
        "More than one replica asks for a volume that only one node may mount.",
    )
    VOLUME_RETAINED = (
        "VolumeRetained",
        "A volume of a deleted Site holds the name; take it up with spec.bootstrapFrom or delete it.",
    )
    DATABASE_SERVER_NOT_FOUND = (
        "DatabaseServerNotFound",
        "No DatabaseServer offers the engine in spec.database.engine.",
    )
    DATABASE_SERVER_UNREACHABLE = (
        "DatabaseServerUnreachable",
        "The database server did not answer or refused our account; it is tried again.",
    )
    DATABASE_NAME_TAKEN = (
        "DatabaseNameTaken",
        "A database of the derived name exists and is not this Site's; it is never adopted.",
    )
    DATABASE_LOST = (
        "DatabaseLost",
        "The Site's database is not on its server any more; it is not made again empty.",
    )
    DATABASE_REFUSED = (
        "DatabaseRefused",
        "The database server refused a statement; the message says which step.",
    )
    RETAINED_DATA_NOT_FOUND = (
        "RetainedDataNotFound",
        "spec.bootstrapFrom names data that does not exist in this namespace or was not retained.",
    )
    INSTALLED = ("Installed", "The application was set up.")
    INSTALLING = ("Installing", "The job that sets up the application is running.")
    INSTALL_FAILED = ("InstallFailed", "The job that sets up the application gave up; its log says why.")
    WAITING = ("Waiting", "A condition before this one in the order is not met yet.")
    SECRET_NOT_FOUND = ("SecretNotFound", "A Secret named in spec.envFrom does not exist in the namespace.")
    IMAGE_PULL_FAILED = ("ImagePullFailed", "A node cannot get an image; the message names it.")
    CONTAINER_FAILING = (
        "ContainerFailing",
        "A container exits or does not pass its health check; the message names it.",
    )
    ROLLOUT_IN_PROGRESS = ("RolloutInProgress", "New pods are starting.")
    UNSCHEDULABLE = (
        "Unschedulable",
        "No node has room for a pod; lower spec.resources.requests or add a node.",
    )
    QUOTA_EXCEEDED = ("QuotaExceeded", "The namespace's quota does not allow what the Site needs.")
    REFERENCE_UNREADABLE = (
        "ReferenceUnreadable",
        "An object that the Site needs has a value that this release cannot read; the message names both.",
    )
    OBJECT_NAME_TAKEN = (
        "ObjectNameTaken",
        "An object the Site needs exists and belongs to somebody else; the message names it.",
    )
    OBJECT_REFUSED = (
        "ObjectRefused",
        "The API server refused an object of the Site; the message says which and why.",
    )
    AVAILABLE = ("Available", "Pods serve the site.")
    NO_DOMAIN = ("NoDomain", "No Domain names this Site as Primary; create one to give it an address.")
    DOMAIN_NOT_READY = ("DomainNotReady", "A Domain of this Site is not ready; its own conditions say why.")
    ROUTED = ("Routed", "The gateway sends visitors of the Primary host to this Site.")
    SPEC_INVALID = (
        "SpecInvalid",
        "A field of the spec has a value that this release cannot read; the message names it.",
    )
    PROGRESSING = ("Progressing", "The operator is working towards the spec.")
    PENDING = ("Pending", "Not looked at yet.")
    PAUSED = ("Paused", "spec.paused is true: the site is served as it is and nothing is changed.")
    DELETING = ("Deleting", "Deletion was asked for and is under way.")
    CLUSTER_UNAVAILABLE = ("ClusterUnavailable", "The API server did not take a change; it is tried again.")
    INTERNAL_ERROR = (
        "InternalError",
        "A defect of the operator; its log has the trace and it is tried again.",
    )
    READY = ("Ready", "Everything holds.")


class EventReason(Reason):
    """What an Event tells that no condition can, because its object ends."""

    DATA_RETAINED = (
        "DataRetained",
        "The Site is gone and its data was kept; the message says how a new Site takes it up.",
    )
    DATA_LEFT_BEHIND = (
        "DataLeftBehind",
        "A deletion went on without what did not answer; the message names what was left, and where.",
    )


class DomainReason(Reason):
    """Why a condition of a Domain has its status."""

    CLAIMED = ("Claimed", "The host belongs to this Domain.")
    HOST_TAKEN = (
        "HostTaken",
        "Another Domain holds the host; choose another host or ask your administrator.",
    )
    HOST_INVALID = (
        "HostInvalid",
        "The host is not a name that visitors could ask for; the message says what to change.",
    )
    HOST_RESERVED = ("HostReserved", "The host belongs to the platform itself; choose another one.")
    PUBLIC_SUFFIX = (
        "PublicSuffix",
        "The host is one under which anybody can register names; choose a name below it.",
    )
    PARENT_TAKEN = (
        "ParentTaken",
        "Another namespace holds a host above this one; prove this one by a DNS record of its own.",
    )
    HOST_COOLING_DOWN = (
        "HostCoolingDown",
        "The host was released a short while ago and DNS still leads here; prove that it is yours, or wait.",
    )
    CLAIM_EXPIRED = (
        "ClaimExpired",
        "The host was not proven in time and is free for others; it is claimed again once it is proven.",
    )
    VERIFIED = ("Verified", "The host is known to be yours.")
    TRUSTED = ("Trusted", "Nothing has to be shown: an administrator trusts the namespace.")
    RECORD_NOT_FOUND = (
        "RecordNotFound",
        "Nothing was found that shows that the host is yours; status.verification says what to set.",
    )
    RECORD_WRONG = ("RecordWrong", "A record was found, but with another value; the message says which.")
    DNS_UNREACHABLE = ("DNSUnreachable", "The name servers of the host do not answer; it is tried again.")
    NOT_CHECKED = ("NotChecked", "Nothing to compare with: an administrator has not said where hosts lead.")
    RESOLVES = ("Resolves", "The name leads to this platform.")
    NOT_RESOLVING = ("NotResolving", "The name leads nowhere; status.dns says where it should.")
    POINTS_ELSEWHERE = ("PointsElsewhere", "The name leads somewhere else; status.dns says where it should.")
    NOT_REQUIRED = ("NotRequired", "The Domain does not use this.")
    ISSUED = ("Issued", "The certificate is there and valid.")
    ISSUING = ("Issuing", "A certificate is being ordered.")
    ISSUE_FAILED = ("IssueFailed", "The authority refused the certificate; the message says why.")
    SECRET_NOT_FOUND = ("SecretNotFound", "The Secret in spec.tls.secretRef does not exist.")
    SECRET_FORBIDDEN = (
        "SecretForbidden",
        "The operator may not read the Secret in spec.tls.secretRef; the message says how to allow it.",
    )
    CERTIFICATE_INVALID = (
        "CertificateInvalid",
        "The certificate in the Secret cannot be used for the host; the message says why.",
    )
    CERTIFICATE_EXPIRED = ("CertificateExpired", "The certificate has ended; bring a new one.")
    EXPIRES_SOON = ("ExpiresSoon", "The certificate ends within three weeks; bring a new one.")
    REDIRECT_INVALID = ("RedirectInvalid", "spec.redirect cannot be carried out; the message says why.")
    REDIRECT_LOOP = ("RedirectLoop", "The redirect would lead back to the host itself.")
    SITE_FOUND = ("SiteFound", "The Site exists.")
    SITE_NOT_FOUND = ("SiteNotFound", "No Site in this namespace has the name in spec.siteRef.name.")
    SITE_NOT_READY = ("SiteNotReady", "The Site cannot be sent visitors yet; its own conditions say why.")
    PRIMARY_CONFLICT = (
        "PrimaryConflict",
        "Another Domain is already Primary of the Site; make one of them an Alias.",
    )
    ROUTED = ("Routed", "The gateway sends visitors of the host to the Site.")
    WAITING = ("Waiting", "A condition before this one in the order is not met yet.")
    SPEC_INVALID = (
        "SpecInvalid",
        "A field of the spec has a value that this release cannot read; the message names it.",
    )
    PROGRESSING = ("Progressing", "The operator is working towards the spec.")
    PENDING = ("Pending", "Not looked at yet.")
    DELETING = ("Deleting", "Deletion was asked for and is under way.")
    CLUSTER_UNAVAILABLE = ("ClusterUnavailable", "The API server did not take a change; it is tried again.")
    INTERNAL_ERROR = (
        "InternalError",
        "A defect of the operator; its log has the trace and it is tried again.",
    )
    READY = ("Ready", "Everything holds.")


class DatabaseServerReason(Reason):
    """Why a condition of a DatabaseServer has its status."""

    REACHABLE = ("Reachable", "The server answered and took our account.")
    UNREACHABLE = ("Unreachable", "The server did not answer at spec.host and spec.port; it is tried again.")
    ACCESS_DENIED = (
        "AccessDenied",
        "The server refused the account in the Secret that spec.adminSecretRef names.",
    )
    SECRET_NOT_FOUND = (
        "SecretNotFound",
        "The Secret that spec.adminSecretRef names does not exist or lacks username or password.",
    )
    SPEC_INVALID = (
        "SpecInvalid",
        "A field of the spec has a value that this release cannot read; the message names it.",
    )
    PENDING = ("Pending", "Not looked at yet.")
    INTERNAL_ERROR = (
        "InternalError",
        "A defect of the operator; its log has the trace and it is tried again.",
    )
    READY = ("Ready", "Everything holds.")
