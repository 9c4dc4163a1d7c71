#!/usr/bin/env python3
"""Times one stage of the published pipeline in PyTorch on this CPU: the peer of `dseg-bench --peer`.

    pip install torch diffusers transformers
    stages.py check                                   # {"torch": ..., "diffusers": ..., "transformers": ...}
    stages.py STAGE VARIANT --model DIR --captioner DIR --filter DIR --threads N --repetitions R

STAGE is autoencoder, unet, text, explicit, caption, picture or texts. VARIANT is f32, bf16, f32-compiled or
bf16-compiled. The networks have random weights and the sizes of their folders' own configurations: a Stable Diffusion
model, a BLIP as captioner, a CLIP as filter. `explicit` is what the published reference runs for a label: a U-Net pass
over a batch of two that makes attention probabilities; `caption` a sentence of 20 tokens, the five of its prompt among
them, of BLIP-large where no captioner is named; `picture` and `texts` are CLIP's embeddings of one picture, and of a
batch of labels' texts that are as long as the longest. A JSON object a line on standard output: {"seconds": s} for each
run after the first, or {"skipped": "why"} where bf16 is emulated and would not end.
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


def autoencoder(torch, options, precision, optimise):
    from diffusers import AutoencoderKL
    config = configuration(options.model, "vae")
    net = AutoencoderKL.from_config(config).encoder.to(precision).eval()
    side = config["sample_size"]
    return optimise(net), (torch.randn(1, config["in_channels"], side, side, dtype=precision),)


def unet(torch, options, precision, optimise, batch=1, processor=None):
    from diffusers import UNet2DConditionModel
    config = configuration(options.model, "unet")
    net = UNet2DConditionModel.from_config(config).to(precision).eval()
    if processor:
        net.set_attn_processor(processor())
    side = config["sample_size"]
    positions = configuration(options.model, "text_encoder")["max_position_embeddings"]
    latent = torch.randn(batch, config["in_channels"], side, side, dtype=precision)
    context = torch.randn(batch, positions, config["cross_attention_dim"], dtype=precision)
    return optimise(net), (latent, 100, context)


def explicit(torch, options, precision, optimise):
    from diffusers.models.attention_processor import AttnProcessor
    return unet(torch, options, precision, optimise, 2, AttnProcessor)


def text(torch, options, precision, optimise):
    from transformers import CLIPTextConfig, CLIPTextModel
    config = configuration(options.model, "text_encoder")
    net = CLIPTextModel(CLIPTextConfig(**config)).to(precision).eval()
    return optimise(net), (torch.randint(0, config["vocab_size"], (1, config["max_position_embeddings"])),)


def caption(torch, options, precision, optimise):
    from transformers import BlipConfig, BlipForConditionalGeneration
    large = dict(vision_config=dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16,
                                    intermediate_size=4096),
                 text_config=dict(num_attention_heads=12))
    config = BlipConfig.from_pretrained(options.captioner) if options.captioner else BlipConfig(**large)
    net = BlipForConditionalGeneration(config).to(precision).eval()
    net.vision_model = optimise(net.vision_model)
    side, words = config.vision_config.image_size, config.text_config.vocab_size
    picture = torch.randn(1, 3, side, side, dtype=precision)

    def run():
        # The first id is replaced, the last one dropped.
        prompt = torch.arange(4, 10)[None] % words
        return net.generate(picture, prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=15,
                            min_new_tokens=15)
    return run, ()


def clip(options, precision):
    from transformers import CLIPConfig, CLIPModel
    config = CLIPConfig.from_pretrained(options.filter)
    return config, CLIPModel(config).to(precision).eval()


def picture(torch, options, precision, optimise):
    config, net = clip(options, precision)
    side = config.vision_config.image_size
    return optimise(net.get_image_features), (torch.randn(1, 3, side, side, dtype=precision),)


def texts(torch, options, precision, optimise):
    config, net = clip(options, precision)
    ids = torch.randint(0, config.text_config.vocab_size - 1, (options.labels, options.length))
    ids[:, -1] = config.text_config.vocab_size - 1
    return optimise(net.get_text_features), (ids,)


STAGES = {"autoencoder": autoencoder, "unet": unet, "text": text, "explicit": explicit, "caption": caption,
          "picture": picture, "texts": texts}


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
    if compiled:
        import torch._inductor.config as inductor
        inductor.freezing = True
    precision = {"f32": torch.float32, "bf16": torch.bfloat16}[kind]
    run, inputs = STAGES[options.stage](torch, options, precision, torch.compile if compiled else lambda net: net)
    run(*inputs)
    for _ in range(options.repetitions):
        say(seconds=seconds(lambda: run(*inputs)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("stage", choices=["check", *STAGES])
    parser.add_argument("variant", nargs="?", default="f32",
                        choices=["f32", "bf16", "f32-compiled", "bf16-compiled"])
    parser.add_argument("--model")
    parser.add_argument("--captioner")
    parser.add_argument("--filter")
    parser.add_argument("--labels", type=int, default=80, help="texts of `texts`")
    parser.add_argument("--length", type=int, default=10, help="ids of each, as many as the longest has")
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
