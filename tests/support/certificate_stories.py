"""What happens to a certificate that a tenant brings, and after which steps of it the operator dies."""

from __future__ import annotations

from datetime import UTC, datetime

from authority import Authority
from certificate_tenant import CertificateTenant
from failpoint_stage import Scene
from failpoint_story import Story, kills_at
from frankenpanel_operator.failpoints import Failpoint

# The ends of stories are compared, so every telling has a certificate of the same times.
_START, _END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
_AUTHORITY = Authority("Example CA", start=_START, end=_END)


class Certificate(Story):
    """A Domain comes with a certificate of its own."""

    kills = kills_at(Failpoint.SECRET_CREATED, Failpoint.CLAIM_PATCHED, Failpoint.DOMAIN_STATUS_WRITTEN)

    def prepare(self, scene: Scene) -> None:
        scene.create_site()
        tenant = CertificateTenant(scene.installation)
        tenant.bring(_AUTHORITY.issue(tenant.host, start=_START, end=_END))
        installation = scene.installation
        scene.settle(
            lambda: installation.condition("shop", "WorkloadAvailable") == "True Available", "the Site runs"
        )

    def act(self, scene: Scene) -> None:
        CertificateTenant(scene.installation).create_domain()

    def is_over(self, scene: Scene) -> bool:
        tenant = CertificateTenant(scene.installation)
        return tenant.condition() == "True Issued" and tenant.copy() is not None and scene.serves()


class CertificateGivenUp(Certificate):
    """And leaves its certificate to the platform."""

    kills = kills_at(Failpoint.CLAIM_PATCHED, Failpoint.CERTIFICATE_COPY_DELETED)

    def prepare(self, scene: Scene) -> None:
        super().prepare(scene)
        super().act(scene)
        scene.settle(lambda: super(CertificateGivenUp, self).is_over(scene), "the certificate is brought")

    def act(self, scene: Scene) -> None:
        CertificateTenant(scene.installation).leave_it_to("Internal")

    def is_over(self, scene: Scene) -> bool:
        return CertificateTenant(scene.installation).has_left_nothing() and scene.serves()


CERTIFICATE_STORIES: tuple[Story, ...] = (Certificate(), CertificateGivenUp())
