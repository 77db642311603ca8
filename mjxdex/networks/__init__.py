"""Networks: NNX modules that are split once and merged inside jit."""
