#!/usr/bin/env python3
"""Small BLIP and CLIP checkpoints that are as awkward as published ones, and what transformers answers for them.

    python3 make_words.py OUT          # needs torch, transformers, safetensors

OUT/{blip-untied,blip-tied,clip} are checkpoints, OUT/golden/{the same}.safetensors and .json what they answer: the
checkpoints are read back from their files by from_pretrained and run in float32. README.md in Fixtures says what each
tensor is. Widths are no multiples of sixteen and heads are no powers of two, in every network.
"""

import json
import os
import sys
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from transformers import BlipConfig, BlipForConditionalGeneration, CLIPConfig, CLIPModel

MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
BIAS, HEAD = "text_decoder.cls.predictions.bias", "text_decoder.cls.predictions.decoder"
SHARP = ("q_proj.", "self.query.", "qkv.")    # attention that looks at something rather than at everything
GAP = 0.02     # least difference between the two best logits of a step that a golden's ids may hang on


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=1)


def fill(net, seed):
    """Random weights that leave no part of the network without effect."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in net.named_parameters():
        noise = torch.randn(value.shape, generator=generator)
        if value.dim() == 0:
            value.fill_(2.7)
        elif value.dim() == 1 and "class_embedding" not in name:
            value.copy_(noise * 0.1 + (1.0 if name.endswith("weight") else 0.0))
        elif "embed" in name and "patch" not in name:
            value.copy_(noise * 0.5)
        else:
            value.copy_(noise * (2.5 if any(part in name for part in SHARP) else 1.0) / value[0].numel() ** 0.5)
    return net


def picture(seed, height, width):
    """Pixel values [1, 3, height, width]: something smooth and a little noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 3, 4, 4, generator=generator)
    smooth = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    return smooth + 0.3 * torch.randn(1, 3, height, width, generator=generator)


def word_pieces(count):
    """A vocabulary of `count` pieces with the special ones where BERT's has them, and BLIP's two at the end."""
    marks = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    marks |= {count - 2: "[DEC]", count - 1: "[ENC]"}
    words = iter(["a", "photo", "of", "dog", "red", "the", "##s", "##ing", ",", "."] + [f"w{i}" for i in range(count)])
    return [marks.get(i) or (f"[unused{i - 1}]" if i < 104 else next(words)) for i in range(count)]


def byte_pairs():
    """CLIP's vocabulary and merges: 256 bytes, the same at a word's end, sixteen merges, two special tokens."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(i) for i in shown] + [chr(256 + i) for i in range(256 - len(shown))]
    merges = ["p h", "ph o", "pho t", "phot o</w>", "o f</w>", "d o", "do g</w>", "c a", "ca t</w>", "t h", "th e</w>",
              "i n", "in g</w>", "r e", "re d</w>", "s t"]
    tokens = letters + [letter + "</w>" for letter in letters] + [merge.replace(" ", "") for merge in merges]
    return {token: i for i, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}, merges


def blip_config(vision, text, tied):
    """As published: the id 2 that ends nothing, no encoder_hidden_size, a max_length that counts nothing."""
    text = dict(text, model_type="blip_text_model", hidden_act="gelu", layer_norm_eps=1e-12, eos_token_id=2,
                sep_token_id=102, pad_token_id=0, bos_token_id=text["vocab_size"] - 2, max_length=20, num_beams=1,
                is_decoder=True, tie_word_embeddings=tied)
    vision = dict(vision, model_type="blip_vision_model", hidden_act="gelu", layer_norm_eps=1e-5)
    return dict(model_type="blip", architectures=["BlipForConditionalGeneration"], logit_scale_init_value=2.6592,
                projection_dim=512, image_text_hidden_size=256, tie_word_embeddings=tied, text_config=text,
                vision_config=vision)


def write_blip(folder, config, tensors):
    os.makedirs(folder, exist_ok=True)
    save_file({name: value.contiguous() for name, value in tensors.items()}, f"{folder}/model.safetensors",
              metadata={"format": "pt"})
    write_json(f"{folder}/config.json", config)
    side = config["vision_config"]["image_size"]
    write_json(f"{folder}/preprocessor_config.json", dict(
        image_processor_type="BlipImageProcessor", do_normalize=True, do_resize=True, image_mean=MEAN, image_std=STD,
        resample=3, size=dict(height=side, width=side)))
    write_json(f"{folder}/tokenizer_config.json", dict(do_lower_case=True, tokenizer_class="BertTokenizer"))
    with open(f"{folder}/vocab.txt", "w") as file:
        file.write("".join(piece + "\n" for piece in word_pieces(config["text_config"]["vocab_size"])))


def make_blip_untied(folder):
    """F16; the output's weight its own and its bias alone, some gamma and beta, position_ids."""
    vision = dict(hidden_size=36, intermediate_size=60, num_hidden_layers=2, num_attention_heads=3, image_size=40,
                  patch_size=8)
    text = dict(hidden_size=40, intermediate_size=72, num_hidden_layers=2, num_attention_heads=5, vocab_size=134,
                max_position_embeddings=37)
    config = blip_config(vision, text, tied=False)
    net = fill(BlipForConditionalGeneration(BlipConfig(**config)), 14)
    net.text_decoder.cls.predictions.decoder.bias[[2, 102]] += torch.tensor([1.4, 1.5])
    tensors = {name: value.half() for name, value in net.state_dict().items() if name != BIAS}
    layers = "bert.encoder.layer"
    for norm in ("bert.embeddings", f"{layers}.0.attention.output", f"{layers}.1.crossattention.output",
                 "cls.predictions.transform"):
        for name, other in (("weight", "gamma"), ("bias", "beta")):
            tensors[f"text_decoder.{norm}.LayerNorm.{other}"] = tensors.pop(f"text_decoder.{norm}.LayerNorm.{name}")
    tensors["text_decoder.bert.embeddings.position_ids"] = torch.arange(text["max_position_embeddings"])[None]
    write_blip(folder, config, tensors)


def make_blip_tied(folder):
    """BF16; no weight of the output's own, two biases that differ, and fewer positions than a caption may have ids."""
    vision = dict(hidden_size=28, intermediate_size=52, num_hidden_layers=2, num_attention_heads=7, image_size=24,
                  patch_size=8)
    text = dict(hidden_size=20, intermediate_size=44, num_hidden_layers=1, num_attention_heads=5, vocab_size=134,
                max_position_embeddings=11)
    config = blip_config(vision, text, tied=True)
    net = fill(BlipForConditionalGeneration(BlipConfig(**config)), 15)
    tensors = {name: value.bfloat16() for name, value in net.state_dict().items() if name != f"{HEAD}.weight"}
    generator = torch.Generator().manual_seed(16)
    tensors[BIAS] = torch.randn(text["vocab_size"], generator=generator).bfloat16()
    write_blip(folder, config, tensors)


def load(kind, folder):
    net, report = kind.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    absent = [name for name in report["missing_keys"] if not name.endswith(BIAS.removeprefix("text_decoder."))]
    assert not absent and not report["mismatched_keys"], report
    return net.eval()


def caption(net, pixels, prefix, **limit):
    """Ids (the prompt's among them), logits [steps, vocabulary], and the least gap between two best logits."""
    given = torch.tensor([[101, *prefix, 102]]) if prefix else None
    answer = net.generate(pixels, given, output_logits=True, return_dict_in_generate=True, **limit)
    logits = torch.cat(answer.logits)
    best = logits.topk(2).values
    return answer.sequences[0], logits, float((best[:, 0] - best[:, 1]).min())


def caption_goldens(folder, prefix, wanted, limit):
    """For each of `wanted`, {name: wish of both captions' ids}, the first picture whose captions are as wished."""
    net = load(BlipForConditionalGeneration, folder)
    side, tensors, story = net.config.vision_config.image_size, {}, {}
    for name, wish in wanted.items():
        for seed in range(10_000):
            pixels = picture(seed, side, side)
            runs = {kind: caption(net, pixels, given, **limit) for kind, given in (("caption", []), ("prefix", prefix))}
            if all(wish(ids.tolist()) and gap > GAP for ids, _, gap in runs.values()):
                break
        else:
            raise SystemExit(f"{folder}: no picture is as {name} should be")
        tensors |= {f"{name}.pixel_values": pixels, f"{name}.vision": net.vision_model(pixels).last_hidden_state[0]}
        tensors |= {f"{name}.{kind}_logits": logits for kind, (_, logits, _) in runs.items()}
        story[name] = {kind: dict(ids=ids.tolist(), least_gap=gap) for kind, (ids, _, gap) in runs.items()}
    words = net.config.text_config
    most = limit.get("max_length", words.max_position_embeddings)
    prompts = dict(caption=[words.bos_token_id], prefix=[words.bos_token_id, *prefix])
    return tensors, dict(prompts=prompts, sep_token_id=words.sep_token_id, max_length=most, pictures=story)


def make_clip(folder):
    """F32; ids 0, 1 and 2 that mean nothing, plain numbers as sizes, another activation in each tower."""
    vocabulary, merges = byte_pairs()
    text = dict(hidden_size=24, intermediate_size=56, num_hidden_layers=2, num_attention_heads=3, projection_dim=20,
                vocab_size=len(vocabulary), max_position_embeddings=18, hidden_act="quick_gelu", layer_norm_eps=1e-5,
                bos_token_id=0, pad_token_id=1, eos_token_id=2, model_type="clip_text_model", max_length=20)
    vision = dict(hidden_size=36, intermediate_size=60, num_hidden_layers=3, num_attention_heads=6, projection_dim=20,
                  image_size=40, patch_size=8, hidden_act="gelu", layer_norm_eps=1e-5)
    config = dict(model_type="clip", architectures=["CLIPModel"], initializer_factor=1.0, projection_dim=20,
                  logit_scale_init_value=2.6592, text_config=text, text_config_dict=None, vision_config=vision,
                  vision_config_dict=dict(vision), torch_dtype="float32", transformers_version=None)
    net = fill(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=20)), 17)
    positions = {"text_model": text["max_position_embeddings"], "vision_model": 26}
    ids = {f"{tower}.embeddings.position_ids": torch.arange(count)[None] for tower, count in positions.items()}
    os.makedirs(folder, exist_ok=True)
    save_file(net.state_dict() | ids, f"{folder}/model.safetensors", metadata={"format": "pt"})
    write_json(f"{folder}/config.json", config)
    write_json(f"{folder}/preprocessor_config.json", dict(
        crop_size=40, do_center_crop=True, do_normalize=True, do_resize=True, image_mean=MEAN, image_std=STD,
        resample=3, feature_extractor_type="CLIPFeatureExtractor", size=40))
    write_json(f"{folder}/vocab.json", vocabulary)
    with open(f"{folder}/merges.txt", "w") as file:
        file.write("".join(line + "\n" for line in ["#version: 0.2", *merges]))


def texts(vocabulary, positions):
    """Ids [texts, positions]: the largest stands in the middle and again later, or at the end, or is a word's."""
    begin, end = vocabulary - 2, vocabulary - 1
    rows = [[begin, end], [begin, 320, 7, 514, end], [begin, *range(40, 40 + positions - 2), end],
            [begin, 320, 9, end, 515, 8, end, 3], [5, 300, 9, 521, 40, 521, 11]]
    padding = [end, 0, end, end, 0]
    return torch.tensor([row + [pad] * (positions - len(row)) for row, pad in zip(rows, padding)])


def value_path(net, pixels):
    """MaskCLIP's patches [patches, projection]: the last layer's values, without attention, residual, feed-forward."""
    tower = net.vision_model
    hidden = tower.pre_layrnorm(tower.embeddings(pixels, interpolate_pos_encoding=True))
    *others, layer = tower.encoder.layers
    for other in others:
        hidden = other(hidden, None)
    values = layer.self_attn.out_proj(layer.self_attn.v_proj(layer.layer_norm1(hidden)))
    return net.visual_projection(tower.post_layernorm(values))[0, 1:]


def clip_goldens(folder):
    net = load(CLIPModel, folder)
    config, tensors = net.config, {}
    ids = texts(config.text_config.vocab_size, config.text_config.max_position_embeddings)
    sizes = dict(square=(40, 40), larger=(80, 56), flat=(16, 96), smaller=(27, 27))
    for seed, (name, (height, width)) in enumerate(sizes.items()):
        pixels = picture(seed, height, width)
        answer = net(input_ids=ids, pixel_values=pixels, interpolate_pos_encoding=True)
        patches = value_path(net, pixels)
        tensors |= {
            f"{name}.pixel_values": pixels, f"{name}.image_embeds": answer.image_embeds,
            f"{name}.logits_per_image": answer.logits_per_image, f"{name}.patches": patches,
            f"{name}.vision": answer.vision_model_output.last_hidden_state[0],
            f"{name}.patches_normalised": F.normalize(patches, dim=-1),
        }
    tensors |= dict(text_ids=ids.int(), text_embeds=answer.text_embeds,
                    text=answer.text_model_output.last_hidden_state)
    places = [row.tolist().index(row.max()) for row in ids]
    return tensors, dict(text_ids=ids.tolist(), pooled=places, logit_scale=float(net.logit_scale.exp()),
                         sizes={name: list(size) for name, size in sizes.items()})


def main(out):
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    os.makedirs(f"{out}/golden", exist_ok=True)
    make_blip_untied(f"{out}/blip-untied")
    make_blip_tied(f"{out}/blip-tied")
    make_clip(f"{out}/clip")
    goldens = {
        "blip-untied": caption_goldens(f"{out}/blip-untied", [104, 105, 106], {
            "ended": lambda ids: 7 < len(ids) < 18 and ids[-1] == 102 and 2 in ids and len(set(ids)) > 5,
            "cut": lambda ids: len(ids) == 20 and 102 not in ids and 2 in ids and len(set(ids)) > 7,
        }, dict(max_length=20)),
        "blip-tied": caption_goldens(f"{out}/blip-tied", [106, 107], {
            "cut": lambda ids: len(ids) == 11 and len(set(ids)) > 3}, {}),
        "clip": clip_goldens(f"{out}/clip"),
    }
    for name, (tensors, story) in goldens.items():
        save_file({key: value.contiguous() for key, value in tensors.items()}, f"{out}/golden/{name}.safetensors")
        write_json(f"{out}/golden/{name}.json", story)
    write_json(f"{out}/golden/versions.json", {"torch": torch.__version__, "transformers": transformers.__version__})


if __name__ == "__main__":
    main(sys.argv[1])
