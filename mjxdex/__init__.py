"""mjxdex: dexterous grasping from depth, trained end to end in JAX on MuJoCo MJX."""

__version__ = "0.1.0"
