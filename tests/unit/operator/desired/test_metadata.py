from __future__ import annotations

from frankenpanel_crds.labels import ANNOTATION_HASH, Component
from frankenpanel_operator.desired.evidence import are_secrets_written, secrets_digest, with_evidence
from frankenpanel_operator.desired.metadata import content_hash, owned_labels, seal, selector
from frankenpanel_operator.desired.site import desired_site
from frankenpanel_operator.observed import OwnedKind

PLAIN = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"b": "ö", "a": "1"}}


def hash_of(manifest):
    return manifest["metadata"]["annotations"][ANNOTATION_HASH]


def test_a_seal_depends_on_content_and_neither_on_order_nor_on_itself():
    reordered = dict(reversed(PLAIN.items()))
    assert hash_of(seal(PLAIN)) == hash_of(seal(seal(PLAIN))) == hash_of(seal(reordered))
    assert hash_of(seal(PLAIN)) != hash_of(seal({**PLAIN, "data": {}}))
    assert len(hash_of(seal(PLAIN))) == 16


def test_every_object_of_a_site_is_sealed_as_it_is(make_site, resolved):
    site = make_site()
    for item in desired_site(site, resolved(site).inputs).objects:
        assert item.manifest == seal(item.manifest)


def test_sealing_twice_changes_nothing():
    assert seal(seal(PLAIN)) == seal(PLAIN)


def test_other_annotations_stay_and_count():
    annotated = {**PLAIN, "metadata": {"name": "a", "annotations": {"x": "y"}}}
    assert seal(annotated)["metadata"]["annotations"]["x"] == "y"
    assert hash_of(seal(annotated)) != hash_of(seal(PLAIN))


def test_the_order_of_keys_does_not_count():
    assert content_hash({"a": 1, "b": [2, 3]}) == content_hash({"b": [2, 3], "a": 1})
    assert content_hash([2, 3]) != content_hash([3, 2])


def test_labels_of_the_site_itself_are_not_copied(make_site):
    site = make_site(metadata={"labels": {"argocd.argoproj.io/instance": "app", "mine": "x"}})
    assert not {"argocd.argoproj.io/instance", "mine"} & set(owned_labels(site, Component.WEB))


def test_what_selects_pods_is_among_their_labels(make_site):
    site = make_site()
    assert selector(site, Component.WEB).items() <= owned_labels(site, Component.WEB).items()
    assert not selector(site, Component.WEB).items() <= owned_labels(site, Component.INSTALL).items()


class TestEvidence:
    """The Deployment shows which Secrets were written before it."""

    def deployment(self, make_site, resolved, **spec):
        site = make_site(spec)
        return desired_site(site, resolved(site).inputs).find(OwnedKind.DEPLOYMENT)

    def running(self, deployment, available=1):
        return {**deployment, "status": {"availableReplicas": available}}

    def test_a_serving_deployment_of_the_same_secrets_is_a_proof(self, make_site, resolved):
        deployment = self.deployment(make_site, resolved)
        assert are_secrets_written(deployment, self.running(deployment))

    def test_without_pods_nothing_is_proven(self, make_site, resolved):
        deployment = self.deployment(make_site, resolved)
        assert not are_secrets_written(deployment, self.running(deployment, available=0))

    def test_without_a_deployment_nothing_is_proven(self, make_site, resolved):
        deployment = self.deployment(make_site, resolved)
        assert not are_secrets_written(deployment, None)
        assert not are_secrets_written(None, self.running(deployment))

    def test_another_secret_is_another_digest(self, make_site, resolved):
        install = {"preset": {"install": {"adminUser": "someone"}}}
        other = self.deployment(make_site, resolved, source=install)
        assert not are_secrets_written(self.deployment(make_site, resolved), self.running(other))

    def test_evidence_is_sealed_in(self, make_site, resolved):
        deployment = self.deployment(make_site, resolved)
        changed = with_evidence(deployment, "another")
        assert hash_of(changed) != hash_of(deployment)
        assert changed == seal(changed)

    def test_a_digest_covers_secrets_alone(self, make_site, resolved):
        credentials = resolved(make_site()).inputs.credentials
        secret = {"kind": "Secret", "data": {}}
        assert secrets_digest((secret,), credentials) == secrets_digest((secret, PLAIN), credentials)
        assert secrets_digest((secret,), credentials) != secrets_digest((), credentials)
