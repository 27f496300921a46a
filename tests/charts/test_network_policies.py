"""Who may speak with whom in the platform's namespace."""


def _policy(rendered, name):
    return rendered.find("NetworkPolicy", name)["spec"]


def _ports(rule):
    return {port["port"] for port in rule["ports"]}


def test_every_workload_has_a_policy_that_selects_its_pods(defaults):
    for manifest in defaults.objects:
        if "template" not in manifest.get("spec", {}):
            continue
        labels = manifest["spec"]["template"]["metadata"]["labels"]
        selector = _policy(defaults, manifest["metadata"]["name"])["podSelector"]["matchLabels"]
        assert selector.items() <= labels.items()


def test_only_sites_and_the_operator_reach_the_database(defaults):
    policy = _policy(defaults, "frankenpanel-mariadb")
    (rule,) = policy["ingress"]
    sites, operator = rule["from"]
    assert sites == {
        "namespaceSelector": {},
        "podSelector": {"matchLabels": {"app.kubernetes.io/managed-by": "frankenpanel-operator"}},
    }
    assert "namespaceSelector" not in operator
    pods = defaults.find("Deployment", "frankenpanel-operator")["spec"]["template"]["metadata"]["labels"]
    assert operator["podSelector"]["matchLabels"].items() <= pods.items()
    assert _ports(rule) == {3306}


def test_the_database_calls_nobody(defaults):
    policy = _policy(defaults, "frankenpanel-mariadb")
    assert "Egress" in policy["policyTypes"]
    assert policy["egress"] == []


def test_the_operator_answers_probes_and_metrics_only(defaults):
    (rule,) = _policy(defaults, "frankenpanel-operator")["ingress"]
    assert _ports(rule) == {8080, 9090}


def test_every_open_port_is_one_that_a_container_has(defaults):
    for name, pod in defaults.workloads():
        declared = {port["containerPort"] for container in pod["containers"] for port in container["ports"]}
        opened = set().union(*map(_ports, _policy(defaults, name)["ingress"]))
        assert opened <= declared, name


def test_the_platforms_own_pods_do_not_pass_for_site_pods(defaults):
    for manifest in defaults.objects:
        assert manifest["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
