"""Multi-teacher on-policy distillation of a flow model, written out as one loop.

A student walks its own noisy path; at every step the teacher of the prompt's task, a
LoRA adapter in peft's format, says where it would have gone. For the tiny model:
    python examples/opd.py --teacher count=FOLDER --teacher word3=FOLDER
Notebook nbs/06_distill.ipynb derives it; flowopd.distill gives the same numbers.
"""

import argparse

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor
from flowopd.tiny.model import load_tiny
from flowopd.tiny.rewards import tiny_tasks
from flowopd.tiny.wishes import house_tasks
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--teacher", action="append", required=True, metavar="TASK=FOLDER")
parser.add_argument("--start", help="LoRA folder of the student; if none, a new one")
parser.add_argument("--iterations", type=int, default=30)
parser.add_argument("--prompts", type=int, default=64, help="in each iteration")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--guidance", type=float, default=1.0, help="of the teachers")
parser.add_argument("--out", default="runs/opd", help="for pipe.load_lora_weights")
args = parser.parse_args()
teachers = dict(t.split("=", 1) for t in args.teacher)

# One frozen transformer; the student and its teachers are adapters on it
pipe = load_tiny()
if args.start:
    model = PeftModel.from_pretrained(pipe.transformer, args.start, "student")
else:
    torch.manual_seed(args.seed)
    layers = r".*\.(to_[qkv]|to_out\.0|to_add_out|add_[qkv]_proj|net\.0\.proj|net\.2)"
    config = LoraConfig(r=16, lora_alpha=32, target_modules=layers)
    config.init_lora_weights = "gaussian"  # A is random, B zero
    model = get_peft_model(pipe.transformer, config, "student")
for task, folder in teachers.items():
    model.load_adapter(folder, task)
model.eval().set_adapter("student")
params = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(params, lr=3e-3, weight_decay=1e-4)
weights = get_peft_model_state_dict(pipe.transformer, adapter_name="student")
average = {name: w.clone() for name, w in weights.items()}  # each w is a view of params
pipe.scheduler.set_timesteps(8)
sigmas = pipe.scheduler.sigmas  # 9 noise levels, from 1 to 0


def velocity(adapter, x, embeds, pooled, sigma):
    model.set_adapter(adapter)
    return pipe.transformer(x, embeds, pooled, 1000 * sigma.expand(len(x))).sample


for it in range(args.iterations):
    # Draw prompts: every task is equally likely, and so is every kind of its prompts
    rng = np.random.default_rng((args.seed, it, 1))
    counts = rng.multinomial(args.prompts, np.ones(len(teachers)) / len(teachers))
    prompts, tasks = [], np.repeat(list(teachers), counts)
    for task, n in zip(teachers, counts):
        pool = (tiny_tasks() | house_tasks())[task].prompts
        for kind in rng.choice(list(dict.fromkeys(p.kind for p in pool)), n):
            prompts.append(rng.choice([p.text for p in pool if p.kind == kind]))
    embeds, null, pooled, null_pooled = pipe.encode_prompt(prompts, prompts, prompts)
    # Each sample has its own random generator, for its start and for every step
    seeds = np.random.default_rng((args.seed, it, 3)).integers(2**62, size=len(prompts))
    generators = [torch.Generator().manual_seed(int(s)) for s in seeds]
    x = randn_tensor((len(prompts), 16, 8, 8), generators)
    for sigma, sigma_next in zip(sigmas[:-2], sigmas[1:]):  # the last step has no noise
        v_teacher = torch.empty_like(x)
        with torch.no_grad():
            for task in set(tasks):  # every sample is sent to the teacher of its task
                i = np.flatnonzero(tasks == task)
                v_teacher[i] = velocity(task, x[i], embeds[i], pooled[i], sigma)
                if args.guidance != 1:  # v0 + g (v - v0), with v0 of the empty prompt
                    v0 = velocity(task, x[i], null[i], null_pooled[i], sigma)
                    v_teacher[i] = v0 + args.guidance * (v_teacher[i] - v0)
        v = velocity("student", x, embeds, pooled, sigma)
        # Flow-SDE: eta = 0.7 sqrt(sigma / (1 - sigma)), k = eta^2 / (2 sigma),
        # mean = (1 - k dt) x - (1 + k (1 - sigma)) dt v, std = eta sqrt(dt)
        dt = sigma - sigma_next
        k = 0.7**2 / 2 / (1 - (sigma if sigma < 1 else sigma_next))  # not 1 / 0
        c, std = (1 + k * (1 - sigma)) * dt, (2 * k * sigma * dt).sqrt()
        mean, mean_teacher = ((1 - k * dt) * x - c * u for u in (v, v_teacher))
        # KL = |mean - mean_teacher|^2 / (2 std^2) = w |v - v_teacher|^2, loss = KL / w
        kl = ((mean - mean_teacher) / std).square().mean() / 2
        w = (c / std) ** 2 / 2
        (kl / w / (len(sigmas) - 2)).backward()
        x = (mean + std * randn_tensor(x.shape, generators)).detach()
    torch.nn.utils.clip_grad_norm_(params, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    decay = min(0.9, (1 + it) / (10 + it)) if it else 0.0  # as diffusers' EMAModel
    for name, w in weights.items():
        average[name].lerp_(w, 1 - decay)
    print(f"iteration {it}: KL {kl.item():.3g} at the last step")

config = model.peft_config["student"].to_dict()
pipe.save_lora_weights(args.out, average, transformer_lora_adapter_metadata=config)
