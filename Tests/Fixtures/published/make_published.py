#!/usr/bin/env python3
"""Goldens of the published method whole: captions by transformers, weights by compel, passes by diffusers.

    python3 make_published.py [CASE]

Writes vocab.txt, tiny and sd2 here, and labels into ../tiny-odd/golden/published, each as .json and .safetensors;
README.md says what is in them. With CASE, a folder of `checkpoint` and `golden` as tiny-odd: into its golden/published,
with its own captioner. All is float32 on the CPU.
Made with torch 2.15.0, transformers 5.24.0, diffusers 0.42.1, compel 2.5.1; half a minute.
"""

import json
import pathlib
import re
import sys
import tempfile
import numpy as np
import torch
import torch.nn.functional as F
from compel import Compel
from PIL import Image
from safetensors.torch import save_file
from transformers import BertTokenizer, BlipForConditionalGeneration
from transformers import BlipImageProcessorPil as BlipImageProcessor

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent
sys.path.insert(0, str(FIXTURES / "shapes"))
from make_shapes import WEIGHTS, Model, minmax  # noqa: E402

ODD = FIXTURES / "tiny-odd"
# Participles in place of words that tiny-odd's captioner writes right behind labels, and BLIP-large's artefact.
SPELLED = {"donut": "running", "cake": "sitting", "snow": "hanging", "rocket": "arafed"}
# Labels that the captioner continues with some certainty, with words spelled so and as they are.
LABELS = {
    "tiny": ["dog", "cat", "grass", "potted plant", "traffic light", "hot dog", "motorbike"],
    "sd2": ["potted plant", "cat"],
    "tiny-odd": ["grass", "potted plant", "x-ray", "café", "zebra"],
}
# Words, weight, whether `++` comes on top. Below 1 compel blends with the prompt without the words: not our rule.
WEIGHTED = [("dog", 1.2, False), ("teddy bear", 1.5, False), ("teddy bear", 0.6, False), ("dog", 1.2, True)]
TEMPLATE, TIMESTEP, SEED, LIMIT = "a photograph of", 100, 0, 20
GAP = 0.01  # least difference between the two best logits of a step that a golden's words may hang on


class Captioner:
    """BLIP, with another spelling of some of its words."""

    def __init__(self, folder, spelled):
        self.net = BlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        self.prepare = BlipImageProcessor.from_pretrained(folder)
        self.words = [spelled.get(w, w) for w in (folder / "vocab.txt").read_text().splitlines()]
        with tempfile.TemporaryDirectory() as copy:
            (pathlib.Path(copy) / "vocab.txt").write_text("".join(w + "\n" for w in self.words))
            self.tokenizer = BertTokenizer.from_pretrained(copy, do_lower_case=True)

    def text(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=True)

    def say(self, picture, beginning):
        """The whole sentence, where what is behind its beginning starts in it, and the least gap of two logits."""
        pixels = self.prepare(picture, return_tensors="pt").pixel_values
        given = self.tokenizer(beginning, return_tensors="pt").input_ids if beginning else None
        answer = self.net.generate(pixels, given, max_length=LIMIT, num_beams=1, do_sample=False, output_logits=True,
                                   return_dict_in_generate=True)
        ids = answer.sequences[0, 1:].tolist()  # without the start, [DEC]
        best = torch.cat(answer.logits).topk(2).values
        start = self.text(self.tokenizer(beginning).input_ids)
        sentence = self.text(ids)
        # What is written right behind the beginning may change how that is tidied; it does in none of the cases.
        assert sentence.startswith(start), (sentence, start)
        return sentence, len(start), float((best[:, 0] - best[:, 1]).min())


class Prompts:
    """compel over a model's tokenizer and text encoder."""

    def __init__(self, model):
        self.model, self.tokenizer = model, model.tokenizer
        self.compel = Compel(tokenizer=model.tokenizer, text_encoder=model.text)

    def tokens(self, text):
        return self.tokenizer(text).input_ids[1:-1]

    def fragments(self, text):
        parsed = self.compel.parse_prompt_string(text).prompts
        assert len(parsed) == 1
        return [(part.text, round(part.weight, 6)) for part in parsed[0].children]

    def weighted(self, text, prompt, parts):
        """The states [positions, width] of compel's `text`, which must say `prompt` in the weighted `parts`."""
        assert self.fragments(text) == [part for part in parts if part[0]], (self.fragments(text), parts)
        context, (ids,) = self.compel(text, return_tokenization=True)
        length = self.compel.conditioning_provider.max_token_count
        whole = self.tokenizer(prompt, padding="max_length", max_length=length, truncation=True).input_ids
        assert ids.flatten().tolist() == whole, "fragments apart have other tokens than their prompt"
        return context[0]

    def moved(self, prompt, positions, weight):
        """z' = z_empty + w (z - z_empty) at the positions."""
        states, empty = self.model.context(prompt)[0].clone(), self.model.context("")[0]
        for i in positions:
            states[i] = empty[i] + weight * (states[i] - empty[i])
        return states


class Passes:
    """The U-Net over one picture's latent."""

    def __init__(self, model, picture):
        side = model.unet.config.sample_size
        pixels = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None].float() / 255
        resized = F.interpolate(pixels, (model.factor * side,) * 2, mode="bilinear", align_corners=False)
        latent = model.vae.encode(2 * resized - 1).latent_dist.mean * model.vae.config.scaling_factor
        noise = torch.randn((1, 4, side, side), generator=torch.Generator().manual_seed(SEED))
        self.noisy, self.model = model.scheduler.add_noise(latent, noise, torch.tensor([TIMESTEP])), model

    def map(self, context, positions):
        """Fused cross-attention of the tokens at the positions, completed, [side, side]."""
        log = self.model.run(self.noisy, context[None])
        latent = max(shape for _, shape, _, _ in log.values())
        cross = {}
        for is_cross, shape, _, p in log.values():
            if is_cross:
                cross.setdefault(shape, []).append(p[:, :, positions].mean(-1))
        fused = torch.zeros(latent)
        for shape, weight in zip(sorted(cross), WEIGHTS[len(cross)]):
            m = torch.cat(cross[shape]).mean(0).view(1, 1, *shape)
            fused += weight * minmax(F.interpolate(m, size=latent, mode="bilinear", align_corners=False)[0, 0])
        self_ = torch.cat([p for c, shape, _, p in log.values() if not c and shape == latent]).mean(0)
        return (self_ @ fused.reshape(-1, 1)).view(latent)


def label_golden(label, picture, captioner, prompts, passes):
    beginning = f"{TEMPLATE} {label}"
    caption, start, gap = captioner.say(picture, beginning)
    assert gap > GAP, (label, gap)
    rest = " ".join(word for word in caption[start:].split() if word != "arafed")
    prompt = f"{beginning} {rest}"
    first, words = 1 + len(prompts.tokens(TEMPLATE)), len(prompts.tokens(label))
    last = len(prompts.tokens(label.split(" ")[-1]))
    places = list(range(first, first + words))
    read = places + ([places[-1] + 1] if rest.split(" ")[0].endswith("ing") else [])
    *others, word = label.split(" ")
    opening = " ".join([TEMPLATE, *others])
    texts = dict(published=f"{TEMPLATE} ({label})++ {rest}", shipped=f"{beginning}++ {rest}")
    contexts = dict(
        published=prompts.weighted(texts["published"], prompt, [(TEMPLATE, 1), (label, 1.21), (rest, 1)]),
        shipped=prompts.weighted(texts["shipped"], prompt, [(opening, 1), (word, 1.21), (rest, 1)]))
    story = dict(label=label, caption=caption, prompt=prompt, read=read, words=places, last_word=places[-last:],
                 released=f"{beginning}++{caption[len(beginning):]}", compel=texts, least_gap=round(gap, 4))
    tensors = {}
    for name, context in contexts.items():
        if name == "published" or others:
            tensors |= {f"{label}.{name}.context": context, f"{label}.{name}.map": passes.map(context, read)}
        else:
            assert torch.equal(context, contexts["published"])
    return story, tensors


def weight_golden(words, weight, enhanced, prompts, passes):
    prompt = f"{TEMPLATE} {words}"
    first = 1 + len(prompts.tokens(TEMPLATE))
    places = list(range(first, first + len(prompts.tokens(words))))
    if weight < 1:
        text, context = None, prompts.moved(prompt, places, weight)
    else:
        text, factor = f"{TEMPLATE} ({words}){weight}", round(weight, 6)
        if enhanced:
            text, factor = f"{TEMPLATE} (({words}){weight})++", round(weight * 1.21, 6)
        context = prompts.weighted(text, prompt, [(TEMPLATE, 1), (words, factor)])
        assert torch.allclose(context, prompts.moved(prompt, places, factor), atol=1e-5)
    name = f"{words}:{weight}" + ("++" if enhanced else "")
    return (dict(name=name, words=words, weight=weight, enhanced=enhanced, prompt=prompt, places=places, compel=text),
            {f"{name}.context": context, f"{name}.map": passes.map(context, places)})


def make(checkpoint, picture, labels, weighted, captioner, out):
    """Writes the goldens `out`, a path without its ending."""
    model, picture = Model(checkpoint), Image.open(picture).convert("RGB")
    prompts, passes = Prompts(model), Passes(model, picture)
    free, _, gap = captioner.say(picture, "")
    assert gap > GAP, gap
    goldens = [label_golden(label, picture, captioner, prompts, passes) for label in labels]
    weights = [weight_golden(*each, prompts, passes) for each in weighted]
    story = dict(seed=SEED, timestep=TIMESTEP, caption=free, labels=[g[0] for g in goldens],
                 weights=[w[0] for w in weights])
    text = json.dumps(story, indent=1, ensure_ascii=False)
    text = re.sub(r"\[[\d\s,]*\]", lambda numbers: " ".join(numbers[0].split()), text)
    out.parent.mkdir(exist_ok=True)
    out.with_name(out.name + ".json").write_text(text + "\n")
    tensors = {name: t.contiguous() for _, each in goldens + weights for name, t in each.items()}
    save_file(tensors, out.with_name(out.name + ".safetensors"))


def make_case(case):
    make(case / "checkpoint", case / "golden/image.png", LABELS["tiny-odd"], [],
         Captioner(case / "checkpoint/blip", {}), case / "golden/published/labels")


def main(arguments):
    if arguments:
        return make_case(pathlib.Path(arguments[0]))
    captioner = Captioner(ODD / "checkpoint/blip", SPELLED)
    (HERE / "vocab.txt").write_text("".join(word + "\n" for word in captioner.words))
    for name, picture, weighted in (("tiny", "tiny-odd", WEIGHTED), ("sd2", "sd2", [])):
        make(FIXTURES / name / "checkpoint", FIXTURES / picture / "golden/image.png", LABELS[name], weighted, captioner,
             HERE / name)
    make_case(ODD)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    main(sys.argv[1:])
