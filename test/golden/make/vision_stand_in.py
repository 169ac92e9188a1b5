"""Vision towers without timm, which draws in torchvision: texts never pass through them."""

import transformers
from torch import nn
from transformers import AutoModel, PreTrainedModel


def stand_in(config_class):
    class VisionStandIn(PreTrainedModel):
        main_input_name = "pixel_values"
        _supports_sdpa = True

        def __init__(self, config):
            super().__init__(config)
            self.timm_model = nn.Sequential(nn.Conv2d(3, config.hidden_size, 2))
            self.post_init()

    VisionStandIn.config_class = config_class
    AutoModel.register(config_class, VisionStandIn, exist_ok=True)


for name in ("Gemma3nVisionConfig", "TimmWrapperConfig"):
    if hasattr(transformers, name):  # an older release lacks some
        stand_in(getattr(transformers, name))
