"""A vision tower for Gemma 3n without timm, which draws in torchvision: texts never pass through it."""

from torch import nn
from transformers import AutoModel, PreTrainedModel

try:
    from transformers import Gemma3nVisionConfig
except ImportError:  # an older release
    Gemma3nVisionConfig = None


class VisionStandIn(PreTrainedModel):
    config_class = Gemma3nVisionConfig
    main_input_name = "pixel_values"
    _supports_sdpa = True

    def __init__(self, config):
        super().__init__(config)
        self.timm_model = nn.Sequential(nn.Conv2d(3, config.hidden_size, 2))
        self.post_init()


if Gemma3nVisionConfig is not None:
    AutoModel.register(Gemma3nVisionConfig, VisionStandIn, exist_ok=True)
