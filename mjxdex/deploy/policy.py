"""Policies as the control loop sees them, and the one that runs an exported ONNX file."""

import json
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from mjxdex import config_files
from mjxdex.config import Config, UserError
from mjxdex.deploy.fabric_targets import at_level
from mjxdex.deploy.interfaces import DepthImage, Image, StereoImage
from mjxdex.deploy.observations import Known, assemble, check_terms

NUM_ACTIONS = 11
BURN_IN = 5
"""Calls before the first real one, so that nothing is allocated in the loop. Source: published deployment."""
_INPUTS = ("depth", "left", "right", "observation", "lstm_state")


class PolicyError(UserError):
    """A file that is not a policy, or one that this runner cannot run."""


class PolicyOutput(NamedTuple):
    """Action [11], each -1 to 1, and where the policy thinks the object is [3], m; None without a head."""

    action: np.ndarray
    object_pos: np.ndarray | None


class Policy(Protocol):
    """Decides once a control step.

    Attributes:
      config: of its training.
      adr_level: that it reached.
    """

    config: Config
    adr_level: int

    def reset(self) -> None:
        """Forgets everything; called whenever the policy is engaged."""
        ...

    def act(self, known: Known, image: Image) -> PolicyOutput:
        """The mean action for what the robot knows and what its camera saw."""
        ...


class OnnxPolicy:
    """A policy from `deploy.export`, run by ONNX Runtime; everything it needs to know is in the file.

    Args:
      path: of the file.
      threads: of ONNX Runtime; 1 leaves the other cores to camera and robot.
      adr_level: to act at, in place of the one that the policy reached.

    Attributes:
      terms: names of the vector observation's terms, in order.
      image_shapes: of its inputs `depth` [H, W], or `left` and `right` [H, W, 3]; empty without a camera.

    Raises:
      PolicyError: onnxruntime is missing, there is no such file, or it is no policy.
      UserError: it is told what a robot does not know.
    """

    def __init__(self, path: Path, threads: int = 1, adr_level: int | None = None) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise PolicyError("onnxruntime is missing; run: pip install 'mjxdex[deploy]'") from None
        if not path.is_file():
            raise PolicyError(f"there is no file {path}; scripts/export_onnx.py RUN writes one")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own classes share no base
            raise PolicyError(f"{path} is not an ONNX file: {' '.join(str(error).split())}") from None
        about = self._session.get_modelmeta().custom_metadata_map
        missing = {"config", "observation_order", "adr_level"} - set(about)
        if missing:
            raise PolicyError(
                f"{path} does not say its {', '.join(sorted(missing))}; export it again with this version's "
                "scripts/export_onnx.py"
            )
        self.config = config_files.from_dict(json.loads(about["config"]))
        self.adr_level = int(json.loads(about["adr_level"])) if adr_level is None else adr_level
        self.terms = tuple(term["name"] for term in json.loads(about["observation_order"]))
        check_terms(self.terms)

        inputs = {entry.name: entry.shape[1:] for entry in self._session.get_inputs()}
        unknown = [name for name in inputs if name not in _INPUTS]
        if unknown:
            raise PolicyError(f"{path} wants {', '.join(unknown)}; this runner gives {', '.join(_INPUTS)}")
        self.image_shapes = {
            name: tuple(inputs[name]) for name in ("depth", "left", "right") if name in inputs
        }
        self._lstm_shape = tuple(inputs["lstm_state"]) if "lstm_state" in inputs else None
        self._outputs = [entry.name for entry in self._session.get_outputs()]
        self._velocity_factor = at_level(self.config.adr.velocity_observation, self.adr_level)
        size = inputs["observation"][0]
        blank = {name: np.zeros(shape, np.float32) for name, shape in self.image_shapes.items()}
        for _ in range(BURN_IN):
            self.reset()
            self._run(np.zeros((1, size), np.float32), blank)
        self.reset()

    def reset(self) -> None:
        self._lstm_state = np.zeros((1, *(self._lstm_shape or ())), np.float32)

    def act(self, known: Known, image: Image) -> PolicyOutput:
        return self._run(assemble(self.terms, known, self._velocity_factor), self._images(image))

    def _images(self, image: Image) -> dict[str, np.ndarray]:
        if not self.image_shapes:
            return {}
        wanted = DepthImage if "depth" in self.image_shapes else StereoImage
        if not isinstance(image, wanted):
            raise PolicyError(
                f"the policy sees a {wanted.__name__}, but its camera delivers a {type(image).__name__}"
            )
        if isinstance(image, DepthImage):
            return {"depth": image.depth}
        left, right = image.turned()
        return {"left": left.astype(np.float32) / 255, "right": right.astype(np.float32) / 255}

    def _run(self, observation: np.ndarray, images: dict[str, np.ndarray]) -> PolicyOutput:
        inputs = {"observation": observation} | {name: pixels[None] for name, pixels in images.items()}
        if self._lstm_shape is not None:
            inputs["lstm_state"] = self._lstm_state
        values = [np.asarray(value) for value in self._session.run(None, inputs)]
        found = dict(zip(self._outputs, values, strict=True))
        if self._lstm_shape is not None:
            self._lstm_state = found["lstm_state_out"]
        object_pos = found["object_pos"][0].astype(np.float64) if "object_pos" in found else None
        return PolicyOutput(found["action"][0].astype(np.float64), object_pos)
