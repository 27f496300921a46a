"""What an application is told when it is set up; what the Site leaves out is filled in here.

An application is never left with its own installer: whoever came first could make the site theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds.site import InstallSpec, Site


@dataclass(frozen=True, slots=True)
class Installation:
    """Every setting of the install hook, decided."""

    title: str
    admin_user: str
    admin_email: str
    locale: str


def installation_of(site: Site) -> Installation:
    """Return the Site's settings, or the defaults: its name, and an address that cannot exist (RFC 2606)."""
    chosen = site.spec.source.preset.install or InstallSpec()
    return Installation(
        title=chosen.title or site.metadata.name,
        admin_user=chosen.admin_user,
        admin_email=chosen.admin_email or f"admin@{site.metadata.name}.invalid",
        locale=chosen.locale,
    )
