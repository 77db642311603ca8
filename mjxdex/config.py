"""Every setting of a run: one tree of frozen dataclasses, filled by a YAML file and the command line."""

from dataclasses import dataclass, field
from typing import Any, Literal

from mjxdex.config_adr import LIGHT_LEVELS, NUM_LEVELS, AdrConfig
from mjxdex.config_distill import DistillConfig
from mjxdex.config_rgb import RgbConfig

FABRIC_TERMS = ("fabric_pos", "fabric_vel", "fabric_acc")
OBJECT_TERMS = ("object_onehot", "object_scale")
POLICY_TERMS = (
    "joint_pos", "joint_vel", "hand_points", "hand_point_vel", "goal", "last_action", *FABRIC_TERMS,
)  # fmt: skip
CRITIC_TERMS = (
    "joint_pos", "joint_vel", "hand_points", "hand_twist", "hand_force", "joint_torque",
    "object_pos", "object_quat", "object_vel", "goal", *OBJECT_TERMS, "last_action", *FABRIC_TERMS,
)  # fmt: skip
ALL_TERMS = (*CRITIC_TERMS, "hand_point_vel", "fingertip_forces")


AUTO = -1
"""What the word auto stands for in a setting that is a number."""


@dataclass(frozen=True)
class EnvConfig:
    """The grasp-and-lift task. Numbers: the published DextrAH task."""

    num_envs: int = field(default=4096, metadata={"words": {"auto": AUTO}})
    """Environments in total, split evenly over the simulator devices; auto takes as many as the planner says
    fit (scripts/plan.py)."""
    objects: str = "primitives"
    """Name of the object set; env i holds object i modulo the size of the set."""
    episode_length_s: float = 10.0
    """Seconds until an episode is cut off."""
    success_timeout_s: float = 0.0
    """Seconds without a break in the goal region after which an episode is cut off; 0 for never. The
    published distillation has 2."""
    spread_first_episodes: bool = True
    """Start the first episodes at random ages, so that not all envs reset at the same step."""
    max_pose_angle_deg: float = 45.0
    """Half range of each commanded palm Euler angle, in degrees."""
    goal_pos: tuple[float, float, float] = (-0.5, 0.0, 0.75)
    """Where the object has to be held, metres in the world frame."""
    success_radius: float = 0.1
    """Largest distance of object and goal that counts as success, metres."""


@dataclass(frozen=True)
class ObservationConfig:
    """Observation groups: names of terms, concatenated in the order given."""

    policy: tuple[str, ...] = POLICY_TERMS
    """Terms of the policy's vector observation."""
    critic: tuple[str, ...] = CRITIC_TERMS
    """Terms of the critic's vector observation, noise-free."""
    depth: bool = True
    """Whether the policy sees the depth camera."""
    stereo: bool = False
    """Whether the policy sees the stereo RGB cameras. Only students do: scripts/distill_stereo.py."""


@dataclass(frozen=True)
class RewardConfig:
    """Constants of the four reward terms; those that change with the ADR level are in `adr`."""

    hand_to_object_weight: float = 1.0
    """Weight of exp(-sharpness * farthest hand point to object)."""
    hand_to_object_sharpness: float = 10.0
    """1/m."""
    object_to_goal_weight: float = 5.0
    """Weight of exp(-sharpness * object to goal)."""
    lift_sharpness: float = 8.5
    """1/m."""
    grip_force: float = 2.0
    """Force with which thumb and finger squeeze the object in a whole grip, N; see `adr.grip_weight`."""


@dataclass(frozen=True)
class PhysicsConfig:
    """Settings under which the hand really lifts things."""

    engine: Literal["warp", "c"] = "warp"
    """MJX-Warp, or MuJoCo C on the host's cores, several times faster where there is no GPU."""
    timestep: float = 1 / 120
    """Seconds per physics step."""
    substeps: int = 2
    """Physics steps per control step."""
    iterations: int = 10
    """Most solver iterations per step. The engine c takes 100, and 50 for the line search, as MuJoCo does."""
    ls_iterations: int = 20
    """Most line-search iterations per solver iteration; MuJoCo C drops objects below 20."""
    impratio: float = 10.0
    """Stiffness of friction against the normal direction; 1 lets held objects creep."""
    contacts_per_env: int = 20
    """Contact budget, shared by all envs of a device. scripts/probe_contacts.py finds what is needed."""
    constraints_per_env: int = 192
    """Constraint rows each env has room for."""

    @property
    def control_period(self) -> float:
        """Seconds from one control step to the next."""
        return self.timestep * self.substeps


@dataclass(frozen=True)
class CameraConfig:
    """The depth camera. Its pose and field of view are those of the published left camera."""

    width: int = 160
    """Pixels per row."""
    height: int = 120
    """Rows."""
    depth_min: float = 0.5
    """Nearest depth that is seen, metres; nearer pixels read 0."""
    depth_max: float = 1.3
    """Farthest depth that is seen, metres; farther pixels read 0."""
    every: int = 1
    """Control steps from one image to the next, counted from the start of an episode; in between the policy
    sees the last one again. 2 is a camera of 30 Hz."""
    noise: Literal["off", "metres", "centimetres"] = "metres"
    """Noise on depth, whose size follows the ADR level. The unit is the one that the published disparity
    constant is taken for: at 1 m depth comes in steps of 0.23 mm (metres) or 23 mm (centimetres)."""


@dataclass(frozen=True)
class RenderConfig:
    """What draws the images that the policy sees."""

    backend: Literal["warp", "mjwarp", "madrona"] = "warp"
    """Our own Warp kernels for primitives, the renderer of MJX-Warp, or Madrona's ray tracer (NVIDIA GPUs
    only, extra `madrona`). All give the same depth."""


@dataclass(frozen=True)
class FabricConfig:
    """The geometric fabric between the actions and the joint targets."""

    timestep: float = 1 / 60
    """Seconds of fabric time per fabric step."""
    steps: int = 2
    """Fabric steps per control step: the fabric runs at twice real time."""
    curvature_factor: float = 1.0
    """How often the curvature force enters: 1 in the textbook, 2 in the published code."""
    collision_avoidance: bool = True
    """Whether the fabric keeps the robot away from the table, the walls around it and its own upper arm."""


@dataclass(frozen=True)
class NetworkConfig:
    """Policy CNN -> embedding, joined with the vector observation -> LSTM -> MLP; LSTM critic."""

    cnn_filters: tuple[int, ...] = (16, 32, 64, 128)
    """Filters of each convolution."""
    cnn_kernels: tuple[int, ...] = (6, 4, 4, 4)
    """Kernel size of each convolution; all have stride 2 and no padding."""
    pooling: Literal["mean", "none"] = "mean"
    """What of the last convolution's map the depth embedding is made of: the mean over the image, as in the
    published monocular encoder, or every cell. Where things are in the image hardly shows in a mean."""
    embedding: int = 32
    """Size of the depth embedding."""
    depth_shift: float = 0.0
    """Metres taken off each pixel before the first convolution; a pixel that saw nothing has depth 0."""
    depth_scale: float = 1.0
    """Factor on what is left, 1/m. A shift of 0.9 and a scale of 2.5 make the camera's range -1 to 1."""
    lstm_layers: int = 2
    """LSTM layers of the policy; 0 makes it feed-forward."""
    lstm_units: int = 1024
    """Units of each policy LSTM layer."""
    lstm_skip: bool = False
    """Whether the policy's LSTM is followed by layer normalization and joined with its own input, as in the
    published state teacher. The paper's figure has neither."""
    mlp: tuple[int, ...] = (512, 512, 256)
    """Hidden layers between the policy's LSTM and its action head."""
    mlp_position: Literal["after", "before"] = "after"
    """Whether these layers come after the LSTM, as in the paper, or before it, as in IMPALA."""
    critic_mlp: tuple[int, ...] = (1024, 512)
    """Hidden layers between the critic's observation and its LSTM."""
    critic_lstm_units: int = 2048
    """Units of the critic's LSTM."""
    init_log_std: float = 0.0
    """Initial log standard deviation of the actions, state-independent."""
    compute_dtype: Literal["float32", "bfloat16"] = "bfloat16"
    """Precision of the matrix products and convolutions; parameters, carries and losses stay float32."""


@dataclass(frozen=True)
class PpoConfig:
    """Recurrent PPO. Where the paper is silent: the published state teacher."""

    horizon: int = 16
    """Control steps per rollout; a training sequence is one env's whole rollout."""
    epochs: int = 4
    """Passes over a rollout."""
    minibatches: int = 4
    """Minibatches per pass, each of whole sequences."""
    learning_rate: float = 1e-4
    """Adam step size of the policy at the start."""
    schedule: Literal["linear", "adaptive"] = "linear"
    """How the policy's step size goes on: linearly to final_learning_rate, or up and down, so that the policy
    moves by about target_kl in an iteration."""
    target_kl: float = 0.013
    """Divergence of new and old policy that the adaptive schedule aims at, nats."""
    max_learning_rate: float = 1e-2
    """Largest step size of the adaptive schedule. A fresh policy hardly moves at first, and so may get larger
    ones than it survives: with 1e-3 depth policies lost actions out of their range for good."""
    final_learning_rate: float = 1e-6
    """Policy step size once decay_iterations are over, reached linearly."""
    decay_iterations: int = 20000
    """Training iterations over which the policy's step size falls."""
    critic_learning_rate: float = 5e-5
    """Adam step size of the critic, constant."""
    discount: float = 0.998
    """Discount per control step."""
    gae_lambda: float = 0.95
    """Decay of the generalized advantage estimate."""
    clip: float = 0.2
    """Clipping range of the probability ratio and of the value."""
    clip_value: bool = True
    """Whether the value loss is clipped too."""
    entropy_coef: float = 0.002
    """Weight of the entropy bonus."""
    min_log_std: float = -5.0
    """Floor of the log standard deviation of the actions."""
    max_log_std: tuple[float, float] = (2.0, 2.0)
    """Its ceiling in the first iteration, and once max_log_std_iterations are over, reached linearly."""
    max_log_std_iterations: int = 1000
    """Training iterations over which the ceiling moves."""
    noise_correlation: float = 0.0
    """Correlation of a control step's exploration noise with that of the step before, below 1; 0 is white
    noise, as in the paper. Probabilities are those of an action given the noise before it, and the entropy
    is that of what is drawn anew."""
    bound_coef: float = 0.0
    """Weight of the squared distance of mean actions from their range, -1 to 1. Noise on an action does
    nothing out there, so nothing more is learned of it. 0 as published, where a misspelt name switches it
    off."""
    max_grad_norm: float = 1.0
    """Gradients of policy and critic are clipped to this norm, each by itself."""
    reward_scale: float = 0.01
    """Factor on rewards before anything else sees them."""
    observation_clip: float = 5.0
    """Normalized observations are clipped to plus or minus this."""
    predict: tuple[str, ...] = ()
    """Terms of the critic's observation that the policy's LSTM learns to tell, beside acting; the paper has
    none."""
    predict_coef: float = 1.0
    """Weight of the mean squared error of each of these terms, in standard deviations."""
    bootstrap_time_limits: bool = True
    """Bootstrap time limits from the observation before the reset; False treats them as terminations."""


@dataclass(frozen=True)
class RuntimeConfig:
    """Where things run, and what is written when."""

    topology: str = "auto"
    """Devices that simulate and that learn, such as s0,1,2-l3, s0-l1,2, s0-l0 or dp0,1; auto uses what is
    there."""
    trajectory: Literal["learner", "simulator"] = "learner"
    """Where the policy acts and the rollout grows: with the learner, who is sent every step, or with the
    simulator (IMPALA), who sends a rollout once it is whole and gets the new parameters."""
    overlap: bool = False
    """Simulate the next rollout while the last one is learned from. It is then acted by the parameters of one
    iteration before. For runtime.trajectory simulator, on devices that do not learn."""
    iterations: int = 20000
    """Training iterations: one rollout and its update each."""
    log_every: int = 1
    """Iterations between two rows of metrics."""
    timing_every: int = 0
    """Iterations between two whose phases are timed one by one (which slows those down); 0 for never."""
    profile_iteration: int = 0
    """Iteration whose profiler trace is written to RUN/trace, for TensorBoard or Perfetto; 0 for none."""
    checkpoint_every: int = 200
    """Iterations between two checkpoints."""
    keep_last: int = 2
    """Newest checkpoints kept."""
    keep_best: int = 1
    """Checkpoints of the best success kept besides."""
    matmul_precision: Literal["default", "tensorfloat32", "float32"] = "default"
    """Precision of float32 matrix products on GPUs; default is JAX's own."""
    watchdog_s: float = 300.0
    """Seconds after which an iteration counts as hung: what all threads do is then written to RUN/hangs.txt
    and to standard error, once, and the run goes on waiting. 0 for no watching."""
    first_watchdog_s: float = 1800.0
    """The same for building the first state and for the first iteration, which compile."""


@dataclass(frozen=True)
class Config:
    """A whole run."""

    name: str = "depth160_paper"
    """Name of the configuration; also the first part of the run folder's name."""
    seed: int = 42
    """Seed of every random stream."""
    env: EnvConfig = field(default_factory=EnvConfig)
    observation: ObservationConfig = field(default_factory=ObservationConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    adr: AdrConfig = field(default_factory=AdrConfig)
    physics: PhysicsConfig = field(default_factory=PhysicsConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    render: RenderConfig = field(default_factory=RenderConfig)
    rgb: RgbConfig = field(default_factory=RgbConfig)
    fabric: FabricConfig = field(default_factory=FabricConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    ppo: PpoConfig = field(default_factory=PpoConfig)
    distill: DistillConfig = field(default_factory=DistillConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)

    def __post_init__(self) -> None:
        check(self)


class UserError(Exception):
    """Something the user can mend; scripts print it as one line, without a traceback."""


class ConfigError(UserError, ValueError):
    """A setting that does not exist, has the wrong type, or does not fit the others."""


def check(config: Config) -> None:
    """Raises ConfigError for the first setting that cannot work, with what is allowed."""
    positive = {
        "env.num_envs": config.env.num_envs,
        "env.episode_length_s": config.env.episode_length_s,
        "ppo.horizon": config.ppo.horizon,
        "ppo.epochs": config.ppo.epochs,
        "ppo.minibatches": config.ppo.minibatches,
        "ppo.decay_iterations": config.ppo.decay_iterations,
        "ppo.max_log_std_iterations": config.ppo.max_log_std_iterations,
        "runtime.iterations": config.runtime.iterations,
        "runtime.checkpoint_every": config.runtime.checkpoint_every,
        "physics.substeps": config.physics.substeps,
        "fabric.steps": config.fabric.steps,
        "camera.every": config.camera.every,
        "rgb.width": config.rgb.width,
        "rgb.height": config.rgb.height,
    }
    for key, value in positive.items():
        if value <= 0 and (key, value) != ("env.num_envs", AUTO):
            raise ConfigError(f"{key} is {value}; it must be above 0")
    for key in ("watchdog_s", "first_watchdog_s"):
        if (value := getattr(config.runtime, key)) < 0:
            raise ConfigError(f"runtime.{key} is {value:g}; it must be a number of seconds, or 0 for none")
    if config.runtime.overlap and config.runtime.trajectory != "simulator":
        raise ConfigError(
            "runtime.overlap needs --runtime.trajectory simulator: a learner cannot act while it learns"
        )
    if config.env.num_envs != AUTO and config.env.num_envs % config.ppo.minibatches:
        raise ConfigError(
            f"env.num_envs {config.env.num_envs} cannot be split into ppo.minibatches "
            f"{config.ppo.minibatches} of whole sequences; choose a multiple"
        )
    for group in ("policy", "critic"):
        unknown = set(getattr(config.observation, group)) - set(ALL_TERMS)
        if unknown:
            raise ConfigError(
                f"observation.{group} names unknown terms {sorted(unknown)}; allowed: {', '.join(ALL_TERMS)}"
            )
    if untold := [term for term in config.ppo.predict if term not in config.observation.critic]:
        raise ConfigError(
            f"ppo.predict names {', '.join(untold)}, which the critic does not see; allowed: "
            f"{', '.join(config.observation.critic)}"
        )
    if config.ppo.min_log_std > min(config.ppo.max_log_std):
        raise ConfigError(
            f"ppo.min_log_std is {config.ppo.min_log_std:g} and ppo.max_log_std "
            f"{list(config.ppo.max_log_std)}; the floor must not be above the ceiling"
        )
    if not 0 <= config.ppo.noise_correlation < 1:
        raise ConfigError(
            f"ppo.noise_correlation is {config.ppo.noise_correlation:g}; it must be 0 for white noise, or "
            "above and less than 1"
        )
    lowest, level, highest = -LIGHT_LEVELS, config.adr.start_level, config.adr.max_level
    if not lowest <= level <= highest <= NUM_LEVELS:
        raise ConfigError(
            f"adr.start_level is {level} and adr.max_level {highest}; "
            f"allowed: {lowest} <= start_level <= max_level <= {NUM_LEVELS}"
        )
    if config.network.lstm_skip and not config.network.lstm_layers:
        raise ConfigError(
            "network.lstm_skip is true and network.lstm_layers 0; there is no LSTM to go around"
        )
    if len(config.network.cnn_filters) != len(config.network.cnn_kernels):
        raise ConfigError("network.cnn_filters and network.cnn_kernels must have the same length")
    if config.observation.depth:
        _check_cnn(config, "camera", config.camera.width, config.camera.height)
        if config.render.backend == "madrona":
            _check_madrona(config)
        if not 0 <= config.camera.depth_min < config.camera.depth_max <= 6.5:
            raise ConfigError("camera.depth_min and depth_max must satisfy 0 <= depth_min < depth_max <= 6.5")
    _check_rgb(config.rgb)
    _check_distill(config)


def _check_cnn(config: Config, section: str, width: int, height: int) -> None:
    rows, columns = height, width
    for kernel in config.network.cnn_kernels:
        rows, columns = (rows - kernel) // 2 + 1, (columns - kernel) // 2 + 1
        if min(rows, columns) < 1:
            raise ConfigError(
                f"{section} {width}x{height} is too small for network.cnn_kernels "
                f"{config.network.cnn_kernels} with stride 2; use at least 80x60"
            )


def _check_distill(config: Config) -> None:
    distill, horizon = config.distill, config.ppo.horizon
    if config.env.success_timeout_s < 0:
        raise ConfigError(
            f"env.success_timeout_s is {config.env.success_timeout_s:g}; it must be a number of seconds, or 0"
        )
    if distill.bptt_steps < 1 or horizon % distill.bptt_steps:
        raise ConfigError(
            f"distill.bptt_steps {distill.bptt_steps} does not divide ppo.horizon {horizon}; it must be "
            "above 0 and do so"
        )
    if distill.heads < 1 or distill.token_width % distill.heads:
        raise ConfigError(f"distill.heads {distill.heads} does not divide token_width {distill.token_width}")
    if not all(0 <= share <= 1 for share in distill.teacher_share):
        raise ConfigError(f"distill.teacher_share is {list(distill.teacher_share)}; both must be 0 to 1")
    if not 0 <= distill.dropout < 1:
        raise ConfigError(f"distill.dropout is {distill.dropout:g}; it must be at least 0 and below 1")
    if distill.teacher_share_iterations < 1:
        raise ConfigError(
            f"distill.teacher_share_iterations is {distill.teacher_share_iterations}; it must be above 0"
        )
    if distill.backbone_weights and distill.backbone != "resnet18":
        raise ConfigError(
            f"distill.backbone_weights names a file, but distill.backbone is {distill.backbone}; only "
            "resnet18 starts from one"
        )
    if config.observation.stereo and distill.backbone == "scratch":
        _check_cnn(config, "rgb", config.rgb.width, config.rgb.height)


def _check_rgb(rgb: RgbConfig) -> None:
    if not rgb.blur_sizes or any(size < 1 or size % 2 == 0 for size in rgb.blur_sizes):
        raise ConfigError(f"rgb.blur_sizes is {list(rgb.blur_sizes)}; it must be odd numbers above 0")
    settings: dict[str, Any] = vars(rgb)
    for name, value in settings.items():
        if name.endswith("_probability") and not 0 <= value <= 1:
            raise ConfigError(f"rgb.{name} is {value}; it must be 0 to 1")
        if name != "blur_sizes" and isinstance(value, tuple) and value[0] > value[1]:
            raise ConfigError(f"rgb.{name} is {list(value)}; the first number must not be above the second")


def _check_madrona(config: Config) -> None:
    if config.camera.width % 8 or config.camera.height % 8:
        raise ConfigError(
            f"camera {config.camera.width}x{config.camera.height} does not suit render.backend madrona; it "
            "needs multiples of 8"
        )
    if any(config.adr.camera_focal):
        raise ConfigError(
            "render.backend madrona has one focal length for all envs and episodes; set adr.camera_focal to "
            f"[0, 0] (it is {list(config.adr.camera_focal)}), or choose another backend"
        )
