from frankenpanel_operator.databases.breaker import LONGEST_PAUSE_SECONDS, Breaker


def test_a_server_without_an_outage_is_always_tried():
    breaker = Breaker(trial_seconds=15)
    assert [breaker.enter(now) for now in (0.0, 1.0, 2.0)] == [0, 0, 0]


def test_pauses_double_up_to_a_bound():
    breaker, now, pauses = Breaker(trial_seconds=15), 0.0, []
    for _ in range(7):
        assert breaker.enter(now) == 0
        breaker.fail(now)
        pauses.append(breaker.enter(now))
        now += pauses[-1]
    assert pauses == [1, 2, 4, 8, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]


def test_failures_of_calls_under_way_together_count_once():
    breaker = Breaker(trial_seconds=15)
    for _ in range(8):
        assert breaker.enter(0.0) == 0
    for _ in range(8):
        breaker.fail(5.0)
    assert breaker.enter(5.5) == 0.5


def test_after_a_pause_one_may_try_and_the_others_wait_for_it():
    breaker = Breaker(trial_seconds=15)
    breaker.fail(0.0)
    assert breaker.enter(1.0) == 0
    assert breaker.enter(1.0) == 15
    breaker.succeed()
    assert breaker.enter(1.0) == 0


def test_a_failed_trial_lengthens_the_pause():
    breaker = Breaker(trial_seconds=15)
    breaker.fail(0.0)
    assert breaker.enter(1.0) == 0
    breaker.fail(3.0)
    assert breaker.enter(3.0) == 2


def test_a_trial_that_never_reports_back_ends_by_itself():
    breaker = Breaker(trial_seconds=15)
    breaker.fail(0.0)
    assert breaker.enter(1.0) == 0
    assert breaker.enter(16.0) == 0


def test_success_starts_the_pauses_over():
    breaker = Breaker(trial_seconds=15)
    for now in (0.0, 1.0, 3.0):
        breaker.enter(now)
        breaker.fail(now)
    breaker.succeed()
    breaker.fail(100.0)
    assert breaker.enter(100.0) == 1
