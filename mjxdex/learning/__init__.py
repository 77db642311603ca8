"""Recurrent PPO as pure functions: arrays in, arrays out; no device, no environment."""
