"""Settings of the stereo RGB cameras: where they are, what they see, and how their images are spoilt."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RgbConfig:
    """The stereo pair of the student. Two numbers are a uniform range, (low, high).

    Everything is drawn at full strength at each env's reset: the published distillation does not scale it
    with the ADR level. Numbers: the published DextrAH task, where not said otherwise.
    """

    width: int = 160
    """Pixels per row. Published: 320. Half of it costs a quarter of the rays and of the CNN, and the left eye
    has the same pixels as the teacher's depth camera."""
    height: int = 120
    """Rows. Published: 240."""

    base_angle_deg: float = 3.0
    """Largest turn of the whole pair about each axis, degrees."""
    base_distance: float = 0.03
    """Largest shift of the whole pair along each axis, metres."""
    focal: float = 0.02
    """Largest relative error of the focal length, the same in both eyes. Our choice; published: 0."""
    pair_angle_deg: float = 2.0
    """Largest turn of the right camera against the left about each axis, degrees."""
    pair_distance: float = 0.003
    """Largest shift of the right camera against the left along each axis, metres."""

    randomize_looks: bool = True
    """Whether each env has looks of its own; False is the default look everywhere, without backgrounds."""
    light_probability: float = 0.3
    """Probability that an env's light is random instead of the default one. Published: at each call for a
    reset, for the one light that all envs share and that keeps what was last drawn."""
    light_intensity: tuple[float, float] = (1000, 4000)
    """Intensity of a random light; the default light has 1000."""
    light_exponent: float = 0.5
    """Brightness of the image grows with the intensity to this power. Our choice: 0.5 takes back half of the
    stops, as a camera's exposure control does, so that the brightest light does not burn out all colours."""
    light_share: tuple[float, float] = (0.2, 0.8)
    """Share of a random light that comes from the main direction; the rest comes from the dome. This and the
    next three stand in for the published textures of the dome light. Our choice."""
    light_height: tuple[float, float] = (0.2, 1)
    """Sine of the elevation of a random light. Our choice."""
    light_tint: tuple[float, float] = (0.7, 1)
    """Red, green and blue of a random main light, sky and ground, each. Our choice."""
    ground_light: tuple[float, float] = (0.2, 0.8)
    """Light from below as a share of that from the sky. Our choice."""

    object_texture_probability: float = 1.0
    """Probability that the object has a random texture."""
    object_texture_scale: tuple[float, float] = (7, 50)
    """Repetitions of the object's texture per metre, along each axis. Published: 0.7 to 5 per unit of texture
    coordinates, which we take for 0.1 m, the size of a middling object."""
    object_tint: tuple[float, float] = (0, 1)
    """Red, green and blue of the factor on the object's texture, linear."""
    object_roughness: tuple[float, float] = (0, 1)
    """Roughness of the object."""
    object_metallic: tuple[float, float] = (0, 1)
    """Metallic share of the object."""
    object_specular: tuple[float, float] = (0, 1)
    """Specular level of the object."""

    table_texture_probability: float = 1.0
    """Probability that the table has a random texture."""
    table_texture_scale: tuple[float, float] = (1, 8)
    """Repetitions of the table's texture per metre, along each axis. Our choice."""
    table_texture_turn: tuple[float, float] = (0, 6.283185307179586)
    """Rotation of the table's texture, rad."""
    table_red: tuple[float, float] = (0.3, 0.6)
    """Red of the factor on the table's texture, linear."""
    table_green: tuple[float, float] = (0.2, 0.4)
    """Green of it."""
    table_blue: tuple[float, float] = (0.1, 0.2)
    """Blue of it."""
    table_roughness: tuple[float, float] = (0.3, 0.9)
    """Roughness of the table."""
    table_specular: tuple[float, float] = (0, 1)
    """Specular level of the table."""

    robot_roughness: tuple[float, float] = (0.2, 1)
    """Roughness of arm and hand, drawn for each."""
    robot_metallic: tuple[float, float] = (0, 0.8)
    """Metallic share of arm and hand, drawn for each."""
    robot_specular: tuple[float, float] = (0, 1)
    """Specular level of arm and hand, drawn for each."""

    background_probability: float = 0.5
    """Probability that a random picture is seen where the scene is not; each eye sees its own crop."""

    augment: bool = True
    """Whether colours are changed and images blurred by motion. Published: only on request."""
    saturation: tuple[float, float] = (0.5, 1.5)
    """Factor on the difference of each pixel from its own grey."""
    contrast: tuple[float, float] = (0.5, 1.5)
    """Factor on the difference of each pixel from the image's mean grey."""
    brightness: tuple[float, float] = (0.5, 1.5)
    """Factor on all colours."""
    hue: tuple[float, float] = (-0.15, 0.15)
    """Shift of the hue, in turns of the colour circle."""
    blur_probability: float = 0.1
    """Probability per env and control step that both its images are blurred by motion. Published: per step
    for all envs together, and one env alone is then blurred."""
    blur_sizes: tuple[int, ...] = (9, 11, 13, 15, 17)
    """Lengths of the blur, one of which is drawn, in pixels of an image 320 wide; odd."""
    blur_share: float = 0.7
    """Share of the blurred image in the result; the rest is the sharp one."""
