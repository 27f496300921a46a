"""The rights that the chart grants are those that the code uses: none missing, none to spare."""

from frankenpanel_operator.cluster.lease_store import LEASE_NAME
from frankenpanel_operator.cluster.resources import EVENT, OUR_RESOURCES, SECRET, WATCHED_RESOURCES
from frankenpanel_operator.desired.certificate import OPERATOR_ACCOUNT, READER_ROLE
from frankenpanel_operator.observed import OwnedKind


def _granted(rendered, kind, name):
    return {
        (group, resource, verb)
        for rule in rendered.find(kind, name)["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def _group(resource):
    return resource.api_version.rpartition("/")[0]


def _used_by_the_operator():
    """List what the adapters do; kopf lists and watches our kinds and no more: its scanning is off."""
    used = set()

    def uses(resource, *verbs, part=""):
        used.update((_group(resource), resource.plural + part, verb) for verb in verbs)

    for resource in (*WATCHED_RESOURCES, *OUR_RESOURCES):
        uses(resource, "list", "watch")
    for resource in WATCHED_RESOURCES:
        if resource.kind in set(OwnedKind):
            uses(resource, "get", "create", "patch", "delete")
    for resource in OUR_RESOURCES:
        if resource.kind in {"Site", "Domain"}:
            uses(resource, "patch")
            uses(resource, "patch", part="/status")
        elif resource.kind == "DatabaseServer":
            uses(resource, "patch", part="/status")
        if resource.kind in {"Domain", "DomainClaim"}:
            # A Domain may want another one, for the form of its host with or without "www.".
            uses(resource, "get", "create", "patch", "delete")
    uses(SECRET, "create", "patch", "delete")
    uses(EVENT, "create")
    return used


def test_no_rule_has_a_wildcard(defaults):
    for manifest in defaults.objects:
        for rule in manifest.get("rules", []):
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], manifest["metadata"]


def test_nobody_may_raise_their_own_rights(defaults):
    for manifest in defaults.objects:
        for rule in manifest.get("rules", []):
            assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])
            assert "rbac.authorization.k8s.io" not in rule["apiGroups"]


def test_the_secrets_of_tenants_are_written_and_never_read_unless_a_tenant_allows_it(defaults):
    for manifest in defaults.objects:
        if manifest["kind"] == "ClusterRole" and manifest["metadata"]["name"] != READER_ROLE:
            name = manifest["metadata"]["name"]
            verbs = {
                verb
                for _, resource, verb in _granted(defaults, "ClusterRole", name)
                if resource.partition("/")[0] == "secrets"
            }
            assert verbs <= {"create", "patch", "delete"}, name


def test_the_role_that_reads_a_tenant_s_certificate_reads_single_secrets_and_is_bound_to_nobody(defaults):
    assert _granted(defaults, "ClusterRole", READER_ROLE) == {("", "secrets", "get")}
    bound = {m["roleRef"]["name"] for m in defaults.objects if m["kind"].endswith("RoleBinding")}
    assert READER_ROLE not in bound
    assert not [m for m in defaults.objects if "aggregationRule" in m]
    # Nor does a role that others add up, such as "view", take it in by its labels.
    labels = defaults.find("ClusterRole", READER_ROLE)["metadata"]["labels"]
    assert not [name for name in labels if name.startswith("rbac.authorization.k8s.io/aggregate-to")]


def test_the_account_that_tenants_are_told_to_bind_it_to_is_the_operator_s(defaults):
    assert defaults.find("ServiceAccount", OPERATOR_ACCOUNT)["metadata"]["namespace"] == "frankenpanel-system"
    pod = defaults.find("Deployment", "frankenpanel-operator")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == OPERATOR_ACCOUNT


def test_the_operator_may_do_what_its_adapters_do_and_no_more(defaults):
    granted = _granted(defaults, "ClusterRole", "frankenpanel-operator")
    assert granted == _used_by_the_operator()


def test_in_its_own_namespace_the_operator_reads_secrets_and_creates_them_and_keeps_its_lease(defaults):
    granted = _granted(defaults, "Role", "frankenpanel-operator")
    leases = {("coordination.k8s.io", "leases", verb) for verb in ("get", "create", "update")}
    assert granted == {("", "secrets", "get"), ("", "secrets", "create")} | leases


def test_of_the_leases_only_its_own_one_can_be_read_or_written(defaults):
    for rule in defaults.find("Role", "frankenpanel-operator")["rules"]:
        if rule["resources"] == ["leases"] and rule["verbs"] != ["create"]:
            assert rule["resourceNames"] == [LEASE_NAME]


def test_in_the_whole_cluster_the_gateway_reads_claims_and_says_what_became_of_their_certificates(defaults):
    claims = {("frankenpanel.io", "domainclaims", verb) for verb in ("list", "watch")}
    status = {("frankenpanel.io", "domainclaims/status", "patch")}
    assert _granted(defaults, "ClusterRole", "frankenpanel-gateway") == claims | status


def test_the_gateway_reads_and_writes_secrets_in_the_namespace_of_certificates_alone(defaults):
    (role,) = [
        m for m in defaults.objects if m["kind"] == "Role" and m["metadata"]["name"].endswith("-gateway")
    ]
    assert role["metadata"]["namespace"] == "frankenpanel-system-certificates"
    secrets = {("", "secrets", verb) for verb in ("list", "watch", "create", "patch", "delete")}
    leases = {("coordination.k8s.io", "leases", verb) for verb in ("get", "create", "update")}
    assert _granted(defaults, "Role", "frankenpanel-gateway") == secrets | leases
    (binding,) = [
        m
        for m in defaults.objects
        if m["kind"] == "RoleBinding" and m["metadata"]["name"].endswith("-gateway")
    ]
    assert binding["metadata"]["namespace"] == role["metadata"]["namespace"]


def test_every_account_is_bound_to_its_own_role_only(defaults):
    for manifest in defaults.objects:
        if manifest["kind"].endswith("RoleBinding"):
            (subject,) = manifest["subjects"]
            assert subject["name"] == manifest["roleRef"]["name"]
            assert subject["namespace"] == "frankenpanel-system"
