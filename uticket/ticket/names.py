"""What the name of an array says: a weight, a mask, a state of a neuron, or something else.

The last part of a name is the parameter, the parts before it are the module: `features.3.weight`,
`params/Conv_0/kernel`.
"""

import re

# Parameters of layers. in_proj_weight: attention; weight_ih_l0: recurrent layers; kernel: Flax and Keras; w: Haiku.
_WEIGHT = re.compile(r"(\w+_)?(weight|kernel|filter)s?\d*(_(ih|hh)\w*)?|w", re.IGNORECASE)

# Reason -> the last part of the names to which it applies. The first that matches counts.
_REASONS = {
    "state of a neuron": r"(v_)?(mem|membrane|spk|spikes?|syn|cur|activations?|traces?)\d*"
    r"(_(rec|seq|out|hist\w*|pot\w*|prev|last|state|trace)\d*)?|[vhos]_seq"
    r"|hidden_state|membrane\w*|psp|refractory\w*",
    "statistics of a norm": r"running_(mean|var)|moving_(mean|var|variance)|num_batches_tracked|batch_stats",
    "state of an optimizer": r"exp_avg(_sq)?|max_exp_avg_sq|momentum_buffer|square_avg",
    "scale or zero point": r"(\w+_)?(zero_point|zp|scale|qzeros|g_idx|min_val|max_val|scales)|_packed_params\w*"
    r"|(fake_quant|observer)_enabled|eps",
    "embedding": r"(\w+_)?pos(ition(al)?)?_?(emb\w*|enc\w*|bias\w*|ids)|relative_position_\w+|pe"
    r"|(cls|class|dist|mask)_?tokens?|\w*position_(index|bias_table)",
    "biases": r"(\w+_)?bias\w*",
    "gain": r"gain|gamma\w*|layer_?scale\w*|ls\d",
}
_REASON_OF = {reason: re.compile(pattern, re.IGNORECASE) for reason, pattern in _REASONS.items()}
_MASK = re.compile(r"(^|[._/])masks?\d*($|[._/])", re.IGNORECASE)
_SCORES = re.compile(r"(\w+_)?(scores?|importance)", re.IGNORECASE)
_STATE_LETTERS = frozenset("viuhszo")  # names of states in a module; by themselves they may be anything
_EMBEDDING = re.compile(r"(?!patch)(\w+_)?(emb|embed|embeddings?|embeds|wte|wpe)\d*", re.IGNORECASE)
_TRANSPOSED = re.compile(r"deconv|conv\w*transp|transp\w*conv|tconv|upconv|up_conv|conv_up", re.IGNORECASE)
_DEPTHWISE = re.compile(r"depthwise|depth_wise|dwconv|dw_conv|conv_dw|(^|[._/])dw\d*($|[._/])", re.IGNORECASE)
_ATTENTION = re.compile(r"attn|attention", re.IGNORECASE)
_NEURON = re.compile(r"(\w*_)?(psn|sn|p?lif|neurons?|nodes?|spikes?|act)\d*", re.IGNORECASE)


def split(name: str) -> tuple[str, str]:
    """Return module, with the separator at its end, and parameter: ("features.3.", "weight")."""
    bare = name.removesuffix(":0")  # TensorFlow numbers the outputs of its variables
    end = max(bare.rfind("."), bare.rfind("/")) + 1
    return bare[:end], bare[end:]


def bare(name: str) -> str:
    """Return a name without .weight at its end."""
    return name.removesuffix(".weight")


def is_weight(name: str) -> bool:
    """Return whether the parameter is called as weights are."""
    leaf = split(name)[1]
    return bool(_WEIGHT.fullmatch(leaf)) and not _REASON_OF["scale or zero point"].fullmatch(leaf)


def is_kernel(name: str) -> bool:
    """Return whether the parameter is called as in Flax and Keras, which put the filters last."""
    return split(name)[1].lower().endswith("kernel")


def is_mask(name: str) -> bool:
    """Return whether the name speaks of a mask, and not of the one by which attention hides tokens."""
    module, leaf = split(name)
    return bool(_MASK.search(name)) and not (leaf in ("mask", "attn_mask") and _ATTENTION.search(module))


def is_scores(name: str) -> bool:
    """Return whether the parameter is called like the scores by which a mask is chosen when a network runs."""
    return bool(_SCORES.fullmatch(split(name)[1]))


def reason_to_skip(name: str, alone: bool) -> str | None:
    """Return why an array with this name is no weight, None if its name does not say so.

    alone: whether single letters such as v may be names that a user gave to layers.
    """
    module, leaf = split(name)
    for reason, pattern in _REASON_OF.items():
        if pattern.fullmatch(leaf):
            return reason
    if leaf.lower() in _STATE_LETTERS and (module or not alone):
        return "state of a neuron"
    if _EMBEDDING.fullmatch(_last(module)):
        return "embedding"
    return None


def says_transposed(name: str) -> bool:
    """Return whether the module is called like a transposed convolution."""
    return bool(_TRANSPOSED.search(name))


def says_depthwise(name: str) -> bool:
    """Return whether the module or the parameter is called like a depthwise convolution."""
    return bool(_DEPTHWISE.search(name))


def says_neuron(name: str) -> bool:
    """Return whether the module is called like neurons."""
    return bool(_NEURON.fullmatch(_last(split(name)[0])))


def _last(module: str) -> str:
    return re.split(r"[./]", module.rstrip("./"))[-1]
