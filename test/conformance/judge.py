# Origin: the project's judge, written by the people who set the task, independent of Quail's code; unchanged below this
# line. Licence MIT. The tests import its functions, so that one loaded model serves several adapters.
"""Judges an adapter with the libraries its users have: transformers + bitsandbytes on CPU + PEFT.

usage: judge.py MODEL ADAPTER|- EVALUATION.txt... [--quantizer nf4|fp4|int8] [--no-double-quant] [--rows 64] [--context 256]

Perplexity protocol: the text is tokenized in one piece without special tokens and cut into rows of `context` tokens
that start evenly spaced (row i starts at token i * floor(floor(tokens / context) / rows) * context); rows are
independent and the loss covers positions 2..context. Prints one JSON object: perplexity of the full-precision model, the
quantized base, the base with the adapter, and the share of the gap between the first two that the adapter closes.
"""
import argparse, json, math, os, sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig


def rows_of(tok, path, context, n):
    ids = tok(open(path, encoding='utf8').read(), add_special_tokens=False)['input_ids']
    n = min(n, len(ids) // context)
    step = len(ids) // context // n
    return torch.tensor([ids[i * step * context:i * step * context + context] for i in range(n)])


@torch.no_grad()
def perplexity(model, rows, batch=8):
    total = count = 0
    for i in range(0, len(rows), batch):
        x = rows[i:i + batch]
        logits = model(input_ids=x).logits[:, :-1].float()
        total += torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), x[:, 1:].reshape(-1), reduction='sum').double().item()
        count += x[:, 1:].numel()
    return math.exp(total / count)


def quantized(path, o):
    config = BitsAndBytesConfig(load_in_8bit=True) if o.quantizer == 'int8' else BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type=o.quantizer, bnb_4bit_use_double_quant=not o.no_double_quant, bnb_4bit_compute_dtype=torch.float32)
    pre = 'quantization_config' in json.load(open(f'{path}/config.json'))
    kw = {} if pre else {'quantization_config': config}
    m = AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16, device_map={'': 'cpu'}, **kw).eval()
    for mod in m.modules():  # everything that is not quantized computes in float32, as the reference does
        packed = type(mod).__name__ in ('Linear4bit', 'Linear8bitLt')
        for name, p in mod.named_parameters(recurse=False):
            if p.is_floating_point() and not (packed and name == 'weight'):
                p.data = p.data.float()
    return m


if __name__ == '__main__':
    a = argparse.ArgumentParser()
    a.add_argument('model'); a.add_argument('adapter'); a.add_argument('evaluation', nargs='+')
    a.add_argument('--quantizer', default='nf4'); a.add_argument('--no-double-quant', action='store_true')
    a.add_argument('--rows', type=int, default=64); a.add_argument('--context', type=int, default=256)
    a.add_argument('--base', help='a pre-quantized checkpoint to put the adapter on instead of quantizing MODEL')
    o = a.parse_args()
    tok = AutoTokenizer.from_pretrained(o.model)
    ev = {os.path.basename(e): rows_of(tok, e, o.context, o.rows) for e in o.evaluation}
    m = AutoModelForCausalLM.from_pretrained(o.model, dtype=torch.float32).eval()
    full = {k: perplexity(m, v) for k, v in ev.items()}
    del m
    q = quantized(o.base or o.model, o)
    quant = {k: perplexity(q, v) for k, v in ev.items()}
    res = {'full_precision': full, 'quantized': quant}
    if o.adapter != '-':
        from peft import PeftModel
        p = PeftModel.from_pretrained(q, o.adapter).eval()
        res['lora_modules'] = sum(k.endswith('lora_A.default') for k, _ in p.named_modules())
        ad = {k: perplexity(p, v) for k, v in ev.items()}
        res |= {'adapter': ad, 'gap_closed': {k: (quant[k] - ad[k]) / (quant[k] - full[k]) for k in ev}}
    print(json.dumps(res))
