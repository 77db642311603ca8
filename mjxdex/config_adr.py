"""Settings of automatic domain randomization: when its level rises, and every range that follows it."""

from dataclasses import dataclass, replace

NUM_LEVELS = 50
"""ADR level at which every range has its full width."""
LIGHT_LEVELS = 10
"""Levels before level 0, numbered from -LIGHT_LEVELS, in which the object gains its weight."""


@dataclass(frozen=True)
class AdrConfig:
    """Automatic domain randomization: its level rises with success, in 50 steps from none to full.

    Every range is linear in the level. Two numbers are a value at level 0 and at level 50; four are a uniform
    range, (low, high) at level 0, then at level 50. Numbers: the published DextrAH task, where not said
    otherwise.
    """

    start_level: int = 0
    """Level at the start of a run; below 0, down to -10, it starts with objects that weigh less."""
    max_level: int = 50
    """Highest level allowed, -10 to 50; 0 keeps every range at its start."""
    success_threshold: float = 0.4
    """Share of successful envs above which the level may rise."""
    min_resets: int = 3000
    """Control steps with at least one reset that must pass between two rises."""
    light_min_resets: int = 600
    """The same below level 0. Our choice: one episode."""
    weight: tuple[float, float] = (0.1, 1)
    """Share of its weight that the object has at level -10, and from level 0 on. Our choice, after IsaacLab's
    Dexsuite, whose ADR begins without gravity."""
    grip_weight: tuple[float, float] = (0, 0)
    """Reward weight of the object squeezed between thumb and a finger, at level -10 and from level 0 on. Our
    choice, after Dexsuite's reward for contact of both. With (0, 0) no contact forces are measured."""

    robot_friction: tuple[float, float, float, float] = (1, 1, 0.4, 1.1)
    """Friction coefficient of the robot; PhysX's static and dynamic ranges, averaged. Contacts take the mean
    of object and partner."""
    object_friction: tuple[float, float, float, float] = (1, 1, 0.4, 1.1)
    """Friction coefficient of the object, likewise."""
    robot_contact_damping: tuple[float, float, float, float] = (1, 1, 0.3, 1)
    """Damping ratio of the robot's contacts, in place of PhysX's restitution: 1 never bounces. Our choice."""
    object_contact_damping: tuple[float, float, float, float] = (1, 1, 0.3, 1)
    """Damping ratio of the object's contacts, likewise."""
    stiffness_scale: tuple[float, float, float, float] = (1, 1, 0.5, 2)
    """Factor on each joint's servo stiffness."""
    damping_scale: tuple[float, float, float, float] = (1, 1, 0.5, 2)
    """Factor on each joint's servo damping."""
    joint_friction_scale: tuple[float, float, float, float] = (0, 0, 0, 5)
    """Factor on each joint's dry friction of 1 N m in the arm and 0.01 N m in the hand."""
    object_mass_scale: tuple[float, float, float, float] = (1, 1, 0.5, 3)
    """Factor on the object's mass and inertia."""

    object_acceleration: tuple[float, float] = (0, 10)
    """Largest acceleration by the random force on the object while the hand is near, m/s^2."""

    spawn_width_x: tuple[float, float] = (0, 0.5)
    """Width in x of the area over which the object is dropped, metres."""
    spawn_width_y: tuple[float, float] = (0, 0.8)
    """Width in y, metres."""
    spawn_rotation: tuple[float, float] = (0, 1)
    """Largest turn of the dropped object about x and about y, in units of pi."""
    joint_pos_spawn: tuple[float, float] = (0, 0.35)
    """Largest deviation of each joint from the reset pose, rad."""
    joint_vel_spawn: tuple[float, float] = (0, 1)
    """Largest joint velocity at the reset, rad/s."""

    joint_pos_noise: tuple[float, float] = (0, 0.08)
    """Largest noise width of joint positions, rad; each env draws its own width up to it."""
    joint_pos_bias: tuple[float, float] = (0, 0.08)
    """Largest width of the bias of joint positions, rad."""
    joint_vel_noise: tuple[float, float] = (0, 0.18)
    """Largest noise width of joint velocities, rad/s."""
    joint_vel_bias: tuple[float, float] = (0, 0.08)
    """Largest width of the bias of joint velocities, rad/s."""
    object_pos_noise: tuple[float, float] = (0, 0.03)
    """Largest noise width of the object position, metres."""
    object_pos_bias: tuple[float, float] = (0, 0.02)
    """Largest width of its bias, metres."""
    object_rot_noise: tuple[float, float] = (0, 0.1)
    """Largest noise width of the components of the object's quaternion."""
    object_rot_bias: tuple[float, float] = (0, 0.08)
    """Largest width of their bias."""

    camera_angle_deg: tuple[float, float] = (0, 3)
    """Largest turn of the camera about each axis, degrees."""
    camera_distance: tuple[float, float] = (0, 0.03)
    """Largest shift of the camera along each axis, metres."""
    camera_focal: tuple[float, float] = (0, 0.02)
    """Largest relative error of the focal length. Our choice."""
    depth_noise: tuple[float, float] = (0, 1)
    """Strength of the depth noise, as a share of the published one."""

    finger_curl_weight: tuple[float, float] = (-0.01, -0.005)
    """Reward weight of the squared distance of the finger joints from the curled pose."""
    object_to_goal_sharpness: tuple[float, float] = (15, 20)
    """Sharpness of the reward for the object near the goal, 1/m."""
    lift_weight: tuple[float, float] = (5, 0)
    """Reward weight of exp(-sharpness * height difference of object and goal)."""

    velocity_target: tuple[float, float] = (1, 0)
    """Share of the fabric's velocity that the servos are told."""
    fabric_damping: tuple[float, float] = (10, 20)
    """Joint-space damping gain of the fabric."""
    velocity_observation: tuple[float, float] = (0, 0)
    """Factor on the policy's velocity observations; the published task blanks them."""

    @property
    def rewards_grip(self) -> bool:
        return any(self.grip_weight)


def increment(level: float) -> float:
    """The paper's ADR increment: a level as a share of all NUM_LEVELS; 0 below level 0."""
    return max(0, level) / NUM_LEVELS


_NOT_DRAWN = ("fabric_damping", "velocity_target", "velocity_observation")
_REWARD = ("finger_curl_weight", "object_to_goal_sharpness", "lift_weight")
_LIGHT = ("weight", "grip_weight")
_PLACES = ("spawn_width_x", "spawn_width_y", "spawn_rotation")


def places_only(config: AdrConfig) -> AdrConfig:
    """With every range that is drawn from kept at level 0, but for the places and rotations of objects.

    That leaves what the simulated cell of `deploy` has. Rewards do not matter to it and stay.
    """
    drawn = {
        name: ends
        for name, ends in vars(config).items()
        if isinstance(ends, tuple) and name not in (*_NOT_DRAWN, *_PLACES, *_REWARD, *_LIGHT)
    }
    return replace(config, **{name: ends[: len(ends) // 2] * 2 for name, ends in drawn.items()})
