"""What the loop says, read by somebody who has to mend it."""

import pytest

from tickws.loop.events import Cause, LoopSlipped, LoopSlow


def slow(cause: Cause, *, hosted: bool, total: float = 0.030) -> LoopSlow:
    return LoopSlow(
        late=0.0193, period=1 / 60, cause=cause, name="it", seconds=0.030, total=total, every=0.036, tick=5,
        hosted=hosted,
    )  # fmt: skip


@pytest.mark.parametrize("cause", Cause)
def test_in_a_loop_of_your_own_it_says_how_frames_come(cause: Cause) -> None:
    text = str(slow(cause, hosted=True))
    assert text.startswith("frames come every 36.0 ms while ticks take 16.7 ms: ")
    assert "30.0 ms" in text
    assert "{" not in text


@pytest.mark.parametrize("cause", Cause)
def test_in_run_it_says_how_late_ticks_are(cause: Cause) -> None:
    text = str(slow(cause, hosted=False))
    assert text.startswith("ticks are 19.3 ms late: ")
    assert "30.0 ms" in text
    assert "loop.frame()" not in text


def test_the_usual_culprit_is_named() -> None:
    text = str(slow(Cause.HOST, hosted=True))
    for words in ("server.work(0.020) beside clock.tick(60)", "wait=0", "receive and flush", "loop.add(server)"):
        assert words in text


def test_several_are_summed() -> None:
    assert "it takes 30.0 ms of each" in str(slow(Cause.SYSTEM, hosted=False))
    assert "it takes 30.0 ms (50.0 ms with the others) of" in str(slow(Cause.SYSTEM, hosted=False, total=0.050))


def test_a_cause_is_its_word() -> None:
    assert [str(cause) for cause in Cause] == ["system", "network", "wait", "collector", "bus", "host"]
    assert slow(Cause.WAIT, hosted=True).cause == "wait"


def test_slipped() -> None:
    assert str(LoopSlipped(0.5, 2.25, 17)) == "0.500 s slipped before tick 17, 2.250 s in total"
