"""The planner's arithmetic: layouts, needs, the most envs, the fastest layout, and refusals that say why."""

import contextlib
from dataclasses import replace

import pytest

from mjxdex.runtime import layouts
from mjxdex.runtime.coefficients import Coefficients, Line
from mjxdex.runtime.layouts import Layout

GB = 1e9
COSTS = Coefficients(
    config="fake",
    settings="",
    device="GPU",
    origin="made up",
    sim_bytes=Line(0.5 * GB, 1e6),
    sim_outside_bytes=Line(1 * GB, 2e6),
    acting_bytes=Line(0.2 * GB, 3e6),
    learning_bytes=Line(1 * GB, 10e6),
    learner_outside_bytes=Line(0.5 * GB, 0),
    step_seconds=Line(0.002, 1e-6),
    act_seconds=Line(0.001, 1e-6),
    update_seconds=Line(0.01, 100e-6),
    message_bytes=40e3,
    rollout_bytes=640e3,
    gradient_bytes=100e6,
    updates=16,
    link_bytes_per_s=20e9,
)


def layout(spec: str) -> Layout:
    return Layout.parse(spec)


def test_layouts_of_some_devices() -> None:
    assert [one.spec for one in layouts.layouts(1)] == ["s0-l0"]
    assert [one.spec for one in layouts.layouts(3)] == ["s0,1-l2", "s0-l1,2", "s0,1,2-l2", "dp0,1,2"]
    for count in range(1, 9):
        assert all(one.devices == count for one in layouts.layouts(count))
    with pytest.raises(ValueError):
        Layout.parse("s0,1")


def test_needs_go_by_role() -> None:
    needs = layouts.needs(layout("s0,1-l1"), COSTS, 2000)
    assert needs[0] == layouts.Need(1.5 * GB, 3 * GB)
    assert needs[1] == layouts.Need(1.5 * GB + 21 * GB, 3 * GB)
    parallel = layouts.needs(layout("dp0,1"), COSTS, 2000)
    assert parallel[0] == parallel[1] == layouts.Need(1.5 * GB + 11 * GB, 3 * GB + layouts.NCCL_BYTES)


def test_needs_and_time_where_the_simulators_act() -> None:
    split = Layout.parse("s0,1,2-l3", "simulator")
    needs = layouts.needs(split, COSTS, 3000)
    assert needs[0] == layouts.Need(1.5 * GB + 3.2 * GB, 3 * GB)
    assert needs[3] == layouts.Need(31 * GB, 0.5 * GB)
    step = 0.002 + 1000e-6 + 0.001 + 1000e-6
    shipped = (3000 * 640e3 + 100e6) / 20e9
    assert layouts.iteration_seconds(split, COSTS, 3000, 16) == pytest.approx(16 * step + shipped + 0.31)
    one = Layout.parse("dp0,1", "simulator")
    assert not one.acts_on_sims and layouts.needs(one, COSTS, 2000) == layouts.needs(
        layout("dp0,1"), COSTS, 2000
    )


@pytest.mark.parametrize("spec", ["s0-l0", "s0-l1", "s0,1,2-l3", "s0,1-l2,3", "s0,1,2,3-l3", "dp0,1,2,3"])
@pytest.mark.parametrize("memory", [16 * GB, 48 * GB, 80 * GB])
def test_the_most_envs_fit_and_one_step_more_does_not(spec: str, memory: float) -> None:
    split = layout(spec)
    count, step = layouts.largest(split, COSTS, 4, memory), split.multiple(4)
    usable = memory * (1 - layouts.RESERVE)
    assert layouts.needed(split, COSTS, count) <= usable < layouts.needed(split, COSTS, count + step)
    assert count % len(split.sims) == 0 and count % (4 * len(split.learners)) == 0
    share = layouts.fraction(split, COSTS, count, memory)
    needs = layouts.needs(split, COSTS, count).values()
    assert max(need.jax for need in needs) <= share * memory
    assert max(need.outside for need in needs) <= (1 - share) * memory


def test_a_fixed_share_for_jax_holds_fewer() -> None:
    split, memory = layout("s0-l0"), 48 * GB
    free = layouts.largest(split, COSTS, 4, memory)
    assert layouts.largest(split, COSTS, 4, memory, share=0.5) < free
    outside = replace(COSTS, sim_outside_bytes=Line(11.9 * GB, 1e6))
    assert layouts.largest(split, outside, 4, memory, share=0.75) == 100  # 0.1 GB of the quarter is left
    assert layouts.fraction(split, COSTS, 100, memory) == 0.75


def test_refusal_says_by_how_much() -> None:
    with pytest.raises(layouts.DoesNotFitError, match=r"already 4 envs, the fewest .* are 0\.6 GB too many"):
        # 1.5 + 1 GB fixed, 4 * 13 MB, of which 96 % of 2 GB can be used.
        layouts.largest(layout("s0-l0"), COSTS, 4, 2 * GB)


def test_time_of_an_iteration() -> None:
    split = layout("s0,1,2-l3")
    step = 0.002 + 1000e-6 + 0.001 + 3000e-6 + 3000 * 40e3 / 20e9
    assert layouts.iteration_seconds(split, COSTS, 3000, 16) == pytest.approx(16 * step + 0.01 + 0.3)
    local = 0.002 + 1500e-6 + 0.001 + 1500e-6
    averaging = 16 * 100e6 / 20e9
    parallel = layouts.iteration_seconds(layout("dp0,1"), COSTS, 3000, 16)
    assert parallel == pytest.approx(16 * local + 0.01 + 0.15 + averaging)
    faster = layouts.iteration_seconds(split, COSTS, 3000, 16, link=40e9)
    assert faster == pytest.approx(16 * (step - 3000 * 40e3 / 40e9) + 0.31)


def test_the_fastest_is_chosen() -> None:
    def chosen(costs: Coefficients) -> str:
        found = []
        for one in layouts.layouts(4):
            with contextlib.suppress(layouts.DoesNotFitError):
                found.append(layouts.predict(one, costs, 4, 16, 48 * GB))
        best = layouts.best(found)
        assert best.env_steps_per_s == max(one.env_steps_per_s for one in found)
        return best.layout.spec

    slow_links = replace(COSTS, link_bytes_per_s=1e8)
    assert chosen(COSTS) == "dp0,1,2,3"
    # Where simulating is the slow part and barely anything fits beside it, three of four devices simulate.
    slow_sims = replace(
        COSTS,
        sim_bytes=Line(33 * GB, 1e6),
        step_seconds=Line(0.0, 1e-3),
        update_seconds=Line(0.0, 1e-6),
        acting_bytes=Line(1 * GB, 1e6),
        learning_bytes=Line(14 * GB, 1e6),
        message_bytes=0.0,
        gradient_bytes=100e9,
    )
    assert chosen(slow_sims) == "s0,1,2-l3"
    assert layouts.iteration_seconds(layout("s0-l1"), slow_links, 100, 16) > layouts.iteration_seconds(
        layout("s0-l1"), COSTS, 100, 16
    )
