"""Names and shapes of ImageNet files as torchvision, timm and the PVT authors save them, derived from the networks."""

from __future__ import annotations

Shapes = dict[str, tuple[int, ...]]

RESNETS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
PVT_CHANNELS = (64, 128, 320, 512)
PVT_DEPTHS = {"pvt_v2_b1": (2, 2, 2, 2), "pvt_v2_b2_linear": (3, 4, 6, 3)}


def batch_norm(name: str, channels: int) -> Shapes:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{part}": (channels,) for part in parts}, f"{name}.num_batches_tracked": ()}


def affine(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def torchvision_resnet(name: str) -> Shapes:
    shapes: Shapes = {"conv1.weight": (64, 3, 7, 7), **batch_norm("bn1", 64)}
    shapes |= _layers(RESNETS[name], wide=name != "resnet18", shortcut=("downsample.0", "downsample.1"))
    return {**shapes, **affine("fc", 1000, 512 if name == "resnet18" else 2048)}


def timm_resnet50d() -> Shapes:
    shapes: Shapes = {"conv1.0.weight": (32, 3, 3, 3), **batch_norm("conv1.1", 32)}
    shapes |= {"conv1.3.weight": (32, 32, 3, 3), **batch_norm("conv1.4", 32), "conv1.6.weight": (64, 32, 3, 3)}
    shapes |= {**batch_norm("bn1", 64), **_layers(RESNETS["resnet50"], True, ("downsample.1", "downsample.2"))}
    return {**shapes, **affine("fc", 1000, 2048)}


def _layers(depths: tuple[int, ...], wide: bool, shortcut: tuple[str, str]) -> Shapes:
    shapes: Shapes = {}
    inputs = 64
    for stage, depth in enumerate(depths):
        width = 64 * 2**stage
        outputs = 4 * width if wide else width
        for index in range(depth):
            block = f"layer{stage + 1}.{index}"
            if wide:
                convs = [(width, inputs, 1, 1), (width, width, 3, 3), (outputs, width, 1, 1)]
            else:
                convs = [(width, inputs, 3, 3), (width, width, 3, 3)]
            for number, shape in enumerate(convs, start=1):
                shapes |= {f"{block}.conv{number}.weight": shape, **batch_norm(f"{block}.bn{number}", shape[0])}
            if inputs != outputs:
                shapes[f"{block}.{shortcut[0]}.weight"] = (outputs, inputs, 1, 1)
                shapes |= batch_norm(f"{block}.{shortcut[1]}", outputs)
            inputs = outputs
    return shapes


def authors_pvt(name: str) -> Shapes:
    shapes: Shapes = {}
    for stage, depth in enumerate(PVT_DEPTHS[name]):
        shapes |= _patches(f"patch_embed{stage + 1}", stage)
        for index in range(depth):
            shapes |= _pvt_block(f"block{stage + 1}.{index}", stage, name, dwconv="mlp.dwconv.dwconv")
        shapes |= affine(f"norm{stage + 1}", PVT_CHANNELS[stage])
    return {**shapes, **affine("head", 1000, 512)}


def timm_pvt(name: str) -> Shapes:
    shapes = _patches("patch_embed", 0)
    for stage, depth in enumerate(PVT_DEPTHS[name]):
        if stage:
            shapes |= _patches(f"stages.{stage}.downsample", stage)
        for index in range(depth):
            shapes |= _pvt_block(f"stages.{stage}.blocks.{index}", stage, name, dwconv="mlp.dwconv")
        shapes |= affine(f"stages.{stage}.norm", PVT_CHANNELS[stage])
    return {**shapes, **affine("head", 1000, 512)}


def _patches(name: str, stage: int) -> Shapes:
    inputs, kernel = (PVT_CHANNELS[stage - 1], 3) if stage else (3, 7)
    channels = PVT_CHANNELS[stage]
    return {**affine(f"{name}.proj", channels, inputs, kernel, kernel), **affine(f"{name}.norm", channels)}


def _pvt_block(block: str, stage: int, network: str, dwconv: str) -> Shapes:
    channels, reduction = PVT_CHANNELS[stage], (8, 4, 2, 1)[stage]
    hidden = channels * (8, 8, 4, 4)[stage]
    linear = network == "pvt_v2_b2_linear"
    shapes = {**affine(f"{block}.norm1", channels), **affine(f"{block}.attn.q", channels, channels)}
    shapes |= {**affine(f"{block}.attn.kv", 2 * channels, channels), **affine(f"{block}.attn.proj", channels, channels)}
    if linear or reduction > 1:
        side = 1 if linear else reduction
        shapes |= affine(f"{block}.attn.sr", channels, channels, side, side)
        shapes |= affine(f"{block}.attn.norm", channels)
    shapes |= {**affine(f"{block}.norm2", channels), **affine(f"{block}.mlp.fc1", hidden, channels)}
    return {**shapes, **affine(f"{block}.{dwconv}", hidden, 1, 3, 3), **affine(f"{block}.mlp.fc2", channels, hidden)}


def timm_darknet(cross_stage: bool) -> Shapes:
    shapes = _conv("stem.conv1", 32, 3, 3)
    inputs = 32
    for stage, (outputs, depth) in enumerate(zip((64, 128, 256, 512, 1024), (1, 2, 8, 8, 4), strict=True)):
        name = f"stages.{stage}"
        shapes |= _conv(f"{name}.conv_down", outputs, inputs, 3)
        inside = outputs if stage == 0 or not cross_stage else outputs // 2
        hidden = inside // 2 if stage == 0 or not cross_stage else inside
        if cross_stage:
            shapes |= _conv(f"{name}.conv_exp", 2 * inside, outputs, 1)
        for index in range(depth):
            shapes |= _conv(f"{name}.blocks.{index}.conv1", hidden, inside, 1)
            shapes |= _conv(f"{name}.blocks.{index}.conv2", inside, hidden, 3)
        if cross_stage:
            shapes |= _conv(f"{name}.conv_transition_b", inside, inside, 1)
            shapes |= _conv(f"{name}.conv_transition", outputs, 2 * inside, 1)
        inputs = outputs
    return {**shapes, **affine("head.fc", 1000, 1024)}


def _conv(name: str, outputs: int, inputs: int, kernel: int) -> Shapes:
    return {f"{name}.conv.weight": (outputs, inputs, kernel, kernel), **batch_norm(f"{name}.bn", outputs)}
