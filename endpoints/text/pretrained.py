"""A BERT's weights as the start of TextPC's network: any local folder with config.json, weights and vocab."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.text.network import NetworkConfig, TextNetwork
from lossweep.endpoints.text.vocabulary import MASK, SPECIAL, UNKNOWN, Vocabulary
from lossweep.endpoints.text.word_forms import CASING_PUNCT_CLASSES

NEEDED = ("config.json", "model.safetensors", "vocab.txt")


def initialize_from(folder: Path, vocabulary: Vocabulary, layers: int, positions: int) -> TextNetwork:
    """The network with a BERT's lowest `layers` layers, and words embedded as the mean of their pieces.

    Upper layers of a BERT are the most bound to what it was trained for, so they are the ones left out.
    The output bias starts at the log of the words' frequencies.

    Args:
        folder: `config.json`, `model.safetensors` and `vocab.txt` of an uncased BERT.
    Raises:
        WeightsError: a file is missing, naming it, or it is no BERT with that many layers.
    """
    for name in NEEDED:
        if not (folder / name).exists():
            raise WeightsError(f"model folder {folder}: {name} is missing; it needs {', '.join(NEEDED)}")
    source = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = {k.removeprefix("bert."): v.float() for k, v in load_file(folder / "model.safetensors").items()}
    if source.get("model_type") != "bert" or source["num_hidden_layers"] < layers:
        raise WeightsError(f"model folder {folder}: not a BERT with at least {layers} layers")
    config = NetworkConfig(
        vocabulary=len(vocabulary),
        hidden=source["hidden_size"],
        layers=layers,
        heads=source["num_attention_heads"],
        intermediate=source["intermediate_size"],
        positions=positions,
        norm_eps=source["layer_norm_eps"],
    )
    network = TextNetwork(config)
    state = _layers(weights, layers)
    state["word.weight"] = _words(weights["embeddings.word_embeddings.weight"], folder, vocabulary)
    state["shape.weight"] = torch.zeros(CASING_PUNCT_CLASSES, config.hidden)
    state["position.weight"] = (
        weights["embeddings.position_embeddings.weight"][:positions]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    for ours, theirs in (("weight", ("weight", "gamma")), ("bias", ("bias", "beta"))):
        state[f"embedded_norm.{ours}"] = _either(weights, [f"embeddings.LayerNorm.{t}" for t in theirs])
    frequency = torch.tensor(vocabulary.frequency, dtype=torch.float32).clamp(min=1e-8)
    state["word_bias"] = frequency.log()
    missing = network.load_state_dict(state, strict=False).missing_keys
    assert all(key.startswith(("transform", "shape_head", "gates")) for key in missing), missing
    return network


def _either(weights: dict[str, Tensor], names: list[str]) -> Tensor:
    return next(weights[name] for name in names if name in weights)


def _layers(weights: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    state = {}
    for i in range(layers):
        source, target = f"encoder.layer.{i}.", f"layers.{i}."
        for kind in ("weight", "bias"):
            parts = [weights[f"{source}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            state[f"{target}query_key_value.{kind}"] = torch.cat(parts)
            state[f"{target}attended.{kind}"] = weights[f"{source}attention.output.dense.{kind}"]
            state[f"{target}up.{kind}"] = weights[f"{source}intermediate.dense.{kind}"]
            state[f"{target}down.{kind}"] = weights[f"{source}output.dense.{kind}"]
        for kind, old in (("weight", "gamma"), ("bias", "beta")):
            for ours, theirs in (("attended_norm", "attention.output"), ("norm", "output")):
                names = [f"{source}{theirs}.LayerNorm.{k}" for k in (kind, old)]
                state[f"{target}{ours}.{kind}"] = _either(weights, names)
    return state


def _words(pieces: Tensor, folder: Path, vocabulary: Vocabulary) -> Tensor:
    from transformers import BertTokenizerFast

    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True)
    words = [surface or "?" for surface in vocabulary.surfaces]
    cut = tokenizer(words, add_special_tokens=False)["input_ids"]
    table = torch.stack([pieces[torch.tensor(ids or [tokenizer.unk_token_id])].mean(0) for ids in cut])
    table[UNKNOWN] = pieces[tokenizer.unk_token_id]
    table[MASK] = pieces[tokenizer.mask_token_id]
    assert SPECIAL == 2
    return table
