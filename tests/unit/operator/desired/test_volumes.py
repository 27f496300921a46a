from __future__ import annotations

import pytest
from frankenpanel_operator import naming
from frankenpanel_operator.desired.resolution import site_data_id
from frankenpanel_operator.desired.volumes import is_single_node


def storage_of(resolution):
    return [(p.name, p.mount_path, p.size, p.storage_class, p.access) for p in resolution.inputs.storage]


def storage_problem(resolution):
    problem = resolution.problem_of("StorageReady")
    return problem and (problem.reason, problem.message)


def test_the_preset_brings_its_volumes(make_site, resolved):
    assert storage_of(resolved(make_site())) == [("content", "wp-content", "1Gi", None, "ReadWriteOnce")]


def test_an_entry_of_the_same_name_changes_the_presets_volume(make_site, resolved):
    entry = {
        "name": "content",
        "mountPath": "wp-content",
        "size": "9Gi",
        "class": "fast",
        "access": "ReadWriteMany",
    }
    site = make_site({"storage": [entry]})
    assert storage_of(resolved(site)) == [("content", "wp-content", "9Gi", "fast", "ReadWriteMany")]


def test_an_entry_of_another_name_adds_a_volume(make_site, resolved):
    site = make_site({"storage": [{"name": "more", "mountPath": "wp-content-more"}]})
    assert storage_of(resolved(site))[1] == ("more", "wp-content-more", "1Gi", None, "ReadWriteOnce")


def test_volumes_are_named_after_site_volume_and_data(make_site, resolved):
    site = make_site()
    [path] = resolved(site).inputs.storage
    assert path.claim_name == f"shop-content-{site_data_id(site)[:5]}"


INVALID = {
    "no mount path": ([{"name": "more"}], "spec.storage[more] has no mountPath"),
    "another mount path than the preset": (
        [{"name": "content", "mountPath": "files"}],
        "spec.storage[content].mountPath must be wp-content",
    ),
    "the preset's own folder twice": ([{"name": "more", "mountPath": "wp-content"}], "overlap"),
    "inside the preset's folder": ([{"name": "more", "mountPath": "wp-content/uploads"}], "overlap"),
    "nothing of a size": ([{"name": "content", "size": "0"}], "spec.storage[content].size"),
}


@pytest.mark.parametrize("case", INVALID)
def test_nonsense_is_said_and_withholds_the_volumes(make_site, resolved, case):
    storage, expected = INVALID[case]
    resolution = resolved(make_site({"storage": storage}))
    reason, message = storage_problem(resolution)
    assert reason == "StorageInvalid"
    assert expected in message
    assert resolution.inputs.storage is None


def test_two_volumes_on_one_folder_are_reported_once(make_site, resolved):
    resolution = resolved(make_site({"storage": [{"name": "more", "mountPath": "wp-content"}]}))
    assert len(resolution.problems) == 1


def test_several_replicas_on_one_nodes_volume_are_said_and_the_site_runs_with_one(make_site, resolved):
    resolution = resolved(make_site({"scaling": {"replicas": 3}}))
    reason, message = storage_problem(resolution)
    assert reason == "AccessModeConflict"
    assert "spec.scaling.replicas is 3" in message
    assert "(content)" in message
    assert resolution.inputs.storage is not None


def test_several_replicas_on_shared_volumes_are_fine(make_site, resolved):
    site = make_site(
        {"scaling": {"replicas": 3}, "storage": [{"name": "content", "access": "ReadWriteMany"}]}
    )
    resolution = resolved(site)
    assert resolution.problems == ()
    assert not is_single_node(resolution.inputs.storage)


TAKING_OVER = {"bootstrapFrom": {"retained": {"uid": "old"}}}


class TestRetainedVolumes:
    def claim(self, storage="content", name="predecessor-content-abcde"):
        labels = {"frankenpanel.io/storage": storage, "frankenpanel.io/data-id": naming.data_id("old")}
        return {
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "demo", "labels": labels},
        }

    def test_they_keep_the_name_that_their_first_site_gave_them(self, make_site, resolved):
        resolution = resolved(make_site(TAKING_OVER), retained_claims=(self.claim(),))
        assert [path.claim_name for path in resolution.inputs.storage] == ["predecessor-content-abcde"]

    def test_a_volume_that_is_new_gets_a_name_of_its_own(self, make_site, resolved):
        site = make_site({**TAKING_OVER, "storage": [{"name": "more", "mountPath": "more"}]})
        resolution = resolved(site, retained_claims=(self.claim(),))
        assert resolution.inputs.storage[1].claim_name == f"shop-more-{naming.data_id('old')[:5]}"

    def test_none_found_is_said_instead_of_starting_empty(self, make_site, resolved):
        resolution = resolved(make_site(TAKING_OVER))
        reason, message = storage_problem(resolution)
        assert reason == "RetainedDataNotFound"
        assert "spec.bootstrapFrom.retained.uid" in message
        assert resolution.inputs.storage is None

    def test_a_site_without_volumes_needs_none(self, make_site, resolved, make_preset):
        resolution = resolved(make_site(TAKING_OVER), preset=make_preset({"persistentPaths": []}))
        assert (resolution.inputs.storage, resolution.problems) == ((), ())

    def test_no_database_is_made_up_either(self, make_site, resolved):
        assert resolved(make_site(TAKING_OVER)).inputs.database is None

    def test_what_was_taken_over_once_keeps_its_name_without_its_claim(self, make_site, resolved):
        site = make_site(TAKING_OVER, status={"storage": [{"name": "content", "claimName": "old-name"}]})
        resolution = resolved(site)
        assert [path.claim_name for path in resolution.inputs.storage] == ["old-name"]
        assert resolution.problems == ()
