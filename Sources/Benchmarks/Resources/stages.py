#!/usr/bin/env python3
"""Times one stage of the published pipeline in PyTorch on this CPU: the peer of `dseg-bench --peer`.

    pip install torch diffusers transformers
    stages.py check                                   # {"torch": ..., "diffusers": ..., "transformers": ...}
    stages.py STAGE VARIANT --model DIR --threads N --repetitions R

STAGE is autoencoder, unet, text, explicit or caption. VARIANT is f32, bf16, f32-compiled or bf16-compiled. The networks
have random weights and the sizes of the model's own configuration. `explicit` is what the published reference runs for
a label: a U-Net pass over a batch of two that makes attention probabilities; `caption` its BLIP-large sentence of 20
tokens. A JSON object a line on standard output: {"seconds": s} for each run after the first, or {"skipped": "why"}
where bf16 is emulated and would not end.
"""
import argparse
import importlib
import json
import os
import sys
import time

LIBRARIES = ("torch", "diffusers", "transformers")
HOPELESS = 4    # times as slow as f32: below this bf16 may still win, for it moves half the bytes


def say(**fields):
    print(json.dumps(fields), flush=True)


def configuration(model, network):
    with open(f"{model}/{network}/config.json") as file:
        return json.load(file)


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def slowness(torch):
    """How many times as long bf16 takes as f32: a product and a convolution, the worse of the two."""
    ratios = []
    for layer, shape in ((torch.nn.Linear(512, 512), (512, 512)),
                         (torch.nn.Conv2d(64, 64, 3, padding=1), (1, 64, 32, 32))):
        times = []
        for precision in (torch.float32, torch.bfloat16):
            layer, given = layer.to(precision), torch.randn(shape, dtype=precision)
            layer(given)
            times.append(min(seconds(lambda: layer(given)) for _ in range(3)))
        ratios.append(times[1] / times[0])
    return max(ratios)


def autoencoder(torch, model, precision):
    from diffusers import AutoencoderKL
    config = configuration(model, "vae")
    net = AutoencoderKL.from_config(config).encoder.to(precision).eval()
    side = config["sample_size"]
    return net, (torch.randn(1, config["in_channels"], side, side, dtype=precision),)


def unet(torch, model, precision, batch):
    from diffusers import UNet2DConditionModel
    config = configuration(model, "unet")
    net = UNet2DConditionModel.from_config(config).to(precision).eval()
    side = config["sample_size"]
    positions = configuration(model, "text_encoder")["max_position_embeddings"]
    latent = torch.randn(batch, config["in_channels"], side, side, dtype=precision)
    return net, (latent, 100, torch.randn(batch, positions, config["cross_attention_dim"], dtype=precision))


def explicit(torch, model, precision):
    from diffusers.models.attention_processor import AttnProcessor
    net, inputs = unet(torch, model, precision, 2)
    net.set_attn_processor(AttnProcessor())
    return net, inputs


def text(torch, model, precision):
    from transformers import CLIPTextConfig, CLIPTextModel
    config = configuration(model, "text_encoder")
    net = CLIPTextModel(CLIPTextConfig(**config)).to(precision).eval()
    return net, (torch.randint(0, config["vocab_size"], (1, config["max_position_embeddings"])),)


def caption(torch, _, precision):
    from transformers import BlipConfig, BlipForConditionalGeneration
    vision = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096,
                  image_size=384, patch_size=16)
    words = dict(encoder_hidden_size=1024, vocab_size=30524)
    net = BlipForConditionalGeneration(BlipConfig(vision_config=vision, text_config=words)).to(precision).eval()
    prompt = torch.tensor([[30522, 1037, 9982, 1997, 3899]])
    picture, mask = torch.randn(1, 3, 384, 384, dtype=precision), torch.ones_like(prompt)
    return (lambda: net.generate(picture, prompt, attention_mask=mask, max_new_tokens=15, min_new_tokens=15)), ()


STAGES = {"autoencoder": autoencoder, "unet": lambda *given: unet(*given, 1), "text": text, "explicit": explicit,
          "caption": caption}


def measure(options):
    import torch
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    kind, _, compiled = options.variant.partition("-")
    if kind == "bf16":
        ratio = slowness(torch)
        if ratio > HOPELESS:
            return say(skipped=f"bf16 is {ratio:.0f} times slower than f32 here")
    net, inputs = STAGES[options.stage](torch, options.model, {"f32": torch.float32, "bf16": torch.bfloat16}[kind])
    if compiled:
        import torch._inductor.config as inductor
        inductor.freezing = True
        net = torch.compile(net)
    net(*inputs)
    for _ in range(options.repetitions):
        say(seconds=seconds(lambda: net(*inputs)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("stage", choices=["check", *STAGES])
    parser.add_argument("variant", nargs="?", default="f32",
                        choices=["f32", "bf16", "f32-compiled", "bf16-compiled"])
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=1)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    if options.stage != "check":
        return measure(options)
    try:
        say(**{name: importlib.import_module(name).__version__ for name in LIBRARIES})
    except ImportError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
