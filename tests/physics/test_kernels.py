"""What is launched under `compile_launched` is compiled and not run."""

import threading

import warp as wp

from mjxdex.physics.kernels import compile_launched


def adder(amount):
    @wp.kernel(module="unique")
    def kernel(numbers: wp.array(dtype=int)):  # pyright: ignore[reportInvalidTypeForm]
        numbers[wp.tid()] += amount

    return kernel


def add(kernel, numbers):
    wp.launch(kernel, dim=len(numbers), inputs=[numbers], device="cpu")


def test_launches_compile_and_do_not_run_whichever_way_a_branch_goes():
    with wp.ScopedDevice("cpu"):
        numbers, never = wp.zeros(3, dtype=int), wp.zeros(1, dtype=int)
        kernels = one, ten, hundred, thousand = [adder(amount) for amount in (1, 10, 100, 1000)]

        def launch():
            add(one, numbers)
            wp.capture_if(never, lambda: add(ten, numbers), lambda: add(hundred, numbers))
            wp.capture_while(never, lambda: add(thousand, numbers))

        assert not any(kernel.module.execs for kernel in kernels)
        compile_launched(launch)
        assert all(kernel.module.execs for kernel in kernels)
        assert numbers.list() == [0, 0, 0]
        launch()
        assert numbers.list() == [101, 101, 101]


def test_launches_of_other_threads_run():
    with wp.ScopedDevice("cpu"):
        numbers, two = wp.zeros(2, dtype=int), adder(2)

        def launch():
            thread = threading.Thread(target=add, args=(two, numbers))
            thread.start()
            thread.join()

        compile_launched(launch)
    assert numbers.list() == [2, 2]
