"""What is launched under `compile_launched` is compiled and not run."""

import threading

import warp as wp

from mjxdex.physics.kernels import compile_launched


@wp.kernel(module="unique")
def add_one(numbers: wp.array(dtype=int)):  # pyright: ignore[reportInvalidTypeForm]
    numbers[wp.tid()] += 1


@wp.kernel(module="unique")
def add_ten(numbers: wp.array(dtype=int)):  # pyright: ignore[reportInvalidTypeForm]
    numbers[wp.tid()] += 10


@wp.kernel(module="unique")
def add_hundred(numbers: wp.array(dtype=int)):  # pyright: ignore[reportInvalidTypeForm]
    numbers[wp.tid()] += 100


@wp.kernel(module="unique")
def add_thousand(numbers: wp.array(dtype=int)):  # pyright: ignore[reportInvalidTypeForm]
    numbers[wp.tid()] += 1000


@wp.kernel(module="unique")
def add_two(numbers: wp.array(dtype=int)):  # pyright: ignore[reportInvalidTypeForm]
    numbers[wp.tid()] += 2


def add(kernel, numbers):
    wp.launch(kernel, dim=len(numbers), inputs=[numbers], device="cpu")


def test_launches_compile_and_do_not_run_whichever_way_a_branch_goes():
    with wp.ScopedDevice("cpu"):
        numbers, never = wp.zeros(3, dtype=int), wp.zeros(1, dtype=int)

        def launch():
            add(add_one, numbers)
            wp.capture_if(never, lambda: add(add_ten, numbers), lambda: add(add_hundred, numbers))
            wp.capture_while(never, lambda: add(add_thousand, numbers))

        kernels = (add_one, add_ten, add_hundred, add_thousand)
        assert not any(kernel.module.execs for kernel in kernels)
        compile_launched(launch)
        assert all(kernel.module.execs for kernel in kernels)
        assert numbers.list() == [0, 0, 0]
        launch()
        assert numbers.list() == [101, 101, 101]


def test_launches_of_other_threads_run():
    with wp.ScopedDevice("cpu"):
        numbers = wp.zeros(2, dtype=int)

        def launch():
            thread = threading.Thread(target=add, args=(add_two, numbers))
            thread.start()
            thread.join()

        compile_launched(launch)
    assert numbers.list() == [2, 2]
