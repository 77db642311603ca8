"""Grasp and lift: what the robot sees, is rewarded for, and how an episode starts and ends."""
