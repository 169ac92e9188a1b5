"""What transformers, bitsandbytes and PEFT make of a model and of our adapters on it."""

import logging
import warnings
from contextlib import contextmanager
from copy import copy
from functools import cached_property, partial
from types import SimpleNamespace
from unittest.mock import patch

import judge
import reference_kernels  # noqa: F401  before any model is loaded
import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn import Linear8bitLt
from judge import perplexity, quantized, rows_of
from peft import PeftModel
from quail import CALIBRATION, CONTEXT, EVALUATION, ROWS, skipping
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.utils.logging import disable_progress_bar

disable_progress_bar()


# The linear of latent attention to which transformers 5 gives inputs [rows, 1, tokens, latent], on which int8 of
# bitsandbytes fails. test_int8.py asks it.
FOUR_DIMENSIONS = "kv_b_proj"


class Reference:
    """One checkpoint: its full-precision and its quantized perplexities, its inputs and its weights."""

    flattened = True

    def __init__(
        self,
        path,
        double_quantization=True,
        quantizer="nf4",
        evaluation=EVALUATION,
        context=CONTEXT,
        rows=ROWS,
        tokenizer=None,
    ):
        self.path = str(path)
        self.context, self.count = context, rows
        self.options = SimpleNamespace(quantizer=quantizer, no_double_quant=not double_quantization)
        self.tokenizer = tokenizer or AutoTokenizer.from_pretrained(self.path)
        self.evaluation = {text.name: self.rows(text) for text in evaluation}
        self.full = AutoModelForCausalLM.from_pretrained(self.path, dtype=torch.float32).eval()

    def without_double_quantization(self, quantizer):
        """The same checkpoint and texts in another number format; what full precision has is computed once for both."""
        other = Reference.__new__(Reference)
        other.__dict__ |= {**self.__dict__, "full_precision": self.full_precision}
        other.options = SimpleNamespace(quantizer=quantizer, no_double_quant=True)
        other.__dict__.pop("quantized", None)
        return other

    @cached_property
    def full_precision(self):
        return self.perplexities(self.full)

    @cached_property
    def quantized(self):
        return self.perplexities(self.base())

    def rows(self, text):
        return rows_of(self.tokenizer, str(text), self.context, self.count)

    def perplexities(self, model):
        return {name: perplexity(model, rows) for name, rows in self.evaluation.items()}

    def base(self):
        """A freshly quantized base: PEFT changes the model that it is given."""
        telling = partial(BitsAndBytesConfig, **skipping(self.path))
        with patch.object(judge, "BitsAndBytesConfig", telling):
            base = quantized(self.path, self.options)
        # Everything around the quantized linears computes in float32, buffers as well: Gemma's factor of the embeddings
        # was rounded to bfloat16 with the weights.
        for name, buffer in self.full.named_buffers():
            base.get_submodule(name.rpartition(".")[0]).register_buffer(name.rpartition(".")[2], buffer.clone())
        if self.flattened:
            for name, linear in base.named_modules():
                if name.endswith(FOUR_DIMENSIONS) and isinstance(linear, Linear8bitLt):
                    linear.register_forward_pre_hook(lambda _module, inputs: (inputs[0].squeeze(1), *inputs[1:]))
                    linear.register_forward_hook(lambda _module, _inputs, outputs: outputs.unsqueeze(1))
        return base

    def adapted(self, adapter, **options):
        return PeftModel.from_pretrained(self.base(), str(adapter), **options)

    def fidelity(self, model):
        """Of each text, how the model stands to full precision."""
        return {name: fidelity(self.full, model, rows.split(8)) for name, rows in self.evaluation.items()}

    @torch.no_grad()
    def second_moments(self, linears):
        """H of each named linear, float64, over the calibration rows: the mean of x xᵀ over tokens."""
        grams, hooks = {}, []
        for name in linears:
            grams[name] = torch.zeros(0)
            hooks.append(self.full.get_submodule(name).register_forward_hook(adding_to(grams, name)))
        rows = self.rows(CALIBRATION)
        for batch in rows.split(8):
            self.full(input_ids=batch)
        for hook in hooks:
            hook.remove()
        return {name: gram / rows.numel() for name, gram in grams.items()}


@torch.no_grad()
def fidelity(full, model, batches):
    """Mean KL(full ‖ model) of the next token in nats, and the share of positions with the same most probable one.

    Each batch holds rows without padding, [rows, tokens]; the last position of a row predicts nothing that is known.
    """
    divergence, same, count = 0.0, 0, 0
    for batch in batches:
        exact, other = (one(input_ids=batch).logits[:, :-1].float() for one in (full, model))
        same += (exact.argmax(-1) == other.argmax(-1)).sum().item()
        log_p, log_q = (torch.log_softmax(logits.double(), -1) for logits in (exact, other))
        divergence += (log_p.exp() * (log_p - log_q)).sum().item()
        count += exact.shape[0] * exact.shape[1]
    return {"klDivergence": divergence / count, "sameTopToken": same / count, "tokens": count}


def adding_to(grams, name):
    def hook(_module, inputs, _output):
        x = inputs[0].reshape(-1, inputs[0].shape[-1]).double()
        grams[name] = x.T @ x if grams[name].numel() == 0 else grams[name] + x.T @ x

    return hook


def dequantized(linear):
    """Q of a Linear4bit as its forward pass in float32 sees it (not rounded to the state's bfloat16), float64 [out, in]."""
    state = copy(linear.weight.quant_state)
    state.dtype = torch.float32
    return dequantize_4bit(linear.weight.data, state).double()


def loaded_product(layer):
    """scaling · lora_B · lora_A as PEFT holds it, float64 [out, in]."""
    scale = layer.scaling["default"]
    return scale * layer.lora_B["default"].weight.double() @ layer.lora_A["default"].weight.double()


@contextmanager
def recorded_warnings():
    """Everything that Python's warnings and the libraries' loggers say meanwhile."""
    said = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())
    loggers = [logging.getLogger(name) for name in ("peft", "transformers")]
    for logger in loggers:
        logger.addHandler(handler)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
    for logger in loggers:
        logger.removeHandler(handler)
    said += [str(warning.message) for warning in caught]
