"""Settings of distillation: what the student is told to learn from its teacher, and how it sees."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DistillConfig:
    """A student that acts, and a teacher that says what it would have done (DAgger).

    An iteration is `ppo.horizon` control steps. Sizes of CNN, LSTM and MLP are those of `network`; nothing
    else of `ppo` but `observation_clip` is read. Numbers: the published DextrAH distillation, where not said
    otherwise.
    """

    teacher: str = ""
    """Run folder of the teacher, or a bundle of it, as scripts/distill_stereo.py --teacher names it; empty in
    any other run. The teacher is copied into the student's run folder, so this is not needed again."""
    bptt_steps: int = 1
    """Control steps over which gradients go back through the LSTM, and after which the optimizer steps. Must
    divide ppo.horizon."""
    teacher_share: tuple[float, float] = (0.0, 0.0)
    """Probability that an env takes the teacher's action instead of the student's in a control step, at
    first and once teacher_share_iterations are over; linear in between."""
    teacher_share_iterations: int = 1000
    """Training iterations over which teacher_share changes. Published: 15000 optimizer steps, then
    overwritten by a share of 0 from the first step on."""
    learning_rate: float = 1e-4
    """Adam step size, constant."""
    max_grad_norm: float = 1.0
    """Gradients are clipped to this norm."""
    object_pos_coef: float = 10.0
    """Weight of the error of the predicted object position in metres; 1 in the published config, 10 in its
    instructions."""
    object_mlp: tuple[int, ...] = (512, 256)
    """Hidden layers of the object-position head."""

    backbone: Literal["scratch", "resnet18"] = "scratch"
    """What turns each stereo image into a map of features: the CNN of `network`, or a ResNet-18 without its
    last pooling and layer. The published student has the latter."""
    backbone_weights: str = ""
    """File with the weights of torchvision's resnet18 to start from: .npz, .safetensors, or .pth where
    PyTorch is installed; empty to start at random."""
    token_width: int = 128
    """Size of the transformer's tokens, one for each cell of an image's map of features."""
    heads: int = 4
    """Attention heads; must divide token_width."""
    blocks: int = 2
    """Transformer blocks."""
    token_mlp: int = 512
    """Hidden size of each block's MLP."""
    dropout: float = 0.1
    """Share of activations that are dropped in the transformer while learning, never while acting."""
