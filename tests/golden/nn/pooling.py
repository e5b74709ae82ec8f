"""Pooling, unpooling, padding and resizing."""
import math
import torch
import torch.nn.functional as F
from recipe import *
from convolution import batched

IMAGE, ALONE = randn(2, 2, 5, 6), randn(2, 5, 6)


def maxima(dims, *settings, **more):
    function = {2: F.max_pool2d, 3: F.max_pool3d}[dims]
    return batched(lambda x: function(x, *settings, **more), dims + 1)


def means(dims, *settings, **more):
    function = {2: F.avg_pool2d, 3: F.avg_pool3d}[dims]
    return batched(lambda x: function(x, *settings, **more), dims + 1)


MAX = ["nn.SpatialMaxPooling", "cudnn.SpatialMaxPooling"]
for x in IMAGE, ALONE:
    module(MAX, "3, 2, 2, 2, 1, 0", x, maxima(2, (2, 3), 2, (0, 1)))
    module(MAX, "2, 2", x, maxima(2, 2))
    module(["nn.SpatialMaxPooling", "cudnn.SpatialMaxPooling"], "", x, maxima(2, 3, 2, ceil_mode=True),
           make="CLASS(3, 3, 2, 2):ceil()")
    # inn rounds up.
    module("inn.SpatialMaxPooling", "3, 2, 2, 2, 1, 0", x, maxima(2, (2, 3), 2, (0, 1), ceil_mode=True))
    module(["nn.SpatialAveragePooling", "cudnn.SpatialAveragePooling"], "3, 2, 2, 2, 1, 1", x, means(2, (2, 3), 2, 1))
    module("inn.SpatialAveragePooling", "3, 2, 2, 2, 1, 1", x, means(2, (2, 3), 2, 1, ceil_mode=True))
    module("nn.SpatialAveragePooling", "2, 2", x, means(2, 2, 1))
    module("cudnn.SpatialAveragePooling", "2, 2", x, means(2, 2, 2))
    module("nn.SpatialAveragePooling", "", x, means(2, 2, 2, 1, count_include_pad=False),
           make="CLASS(2, 2, 2, 2, 1, 1):setCountExcludePad()")
    module("nn.SpatialAveragePooling", "", x, means(2, 3, 2, ceil_mode=True), make="CLASS(3, 3, 2, 2):ceil()")
    module("nn.SpatialAveragePooling", "", x, lambda x: 4 * means(2, 2, 2)(x),
           make="with(CLASS(2, 2, 2, 2), function(m) m.divide = false end)")
for x in randn(1, 2, 4, 5), randn(2, 4, 5):
    module("nn.SpatialDilatedMaxPooling", "2, 2, 1, 1, 0, 0, 2, 1", x, maxima(2, 2, 1, 0, (1, 2)))
    module("nn.SpatialAdaptiveMaxPooling", "2, 3", x, batched(lambda x: F.adaptive_max_pool2d(x, (3, 2)), 3))
    module("nn.SpatialAdaptiveAveragePooling", "2, 3", x, batched(lambda x: F.adaptive_avg_pool2d(x, (3, 2)), 3))
for x in randn(1, 2, 5, 4), randn(2, 5, 4):
    module("nn.SpatialAdaptiveMaxPooling", "2, 3", x, batched(lambda x: F.adaptive_max_pool2d(x, (3, 2)), 3))
    module("nn.SpatialAdaptiveAveragePooling", "2, 3", x, batched(lambda x: F.adaptive_avg_pool2d(x, (3, 2)), 3))
for x in randn(2, 2, 2, 4, 4), randn(2, 2, 4, 4):
    module(["nn.VolumetricMaxPooling", "cudnn.VolumetricMaxPooling"], "2, 2, 2", x, maxima(3, 2))
    module(["nn.VolumetricAveragePooling", "cudnn.VolumetricAveragePooling"], "2, 2, 2", x, means(3, 2))
    module("nn.VolumetricMaxPooling", "2, 3, 2, 1, 2, 2, 1, 1, 0", x, maxima(3, (2, 2, 3), (1, 2, 2), (1, 0, 1)))
for x in randn(1, 1, 3, 3, 4), randn(1, 3, 3, 4):
    module("nn.VolumetricDilatedMaxPooling", "2, 2, 2, 1, 1, 1, 0, 0, 0, 1, 2, 1", x, maxima(3, 2, 1, 0, (1, 1, 2)))


def fractional(x, sizes, starts):
    """The largest of the windows of `sizes` that begin at `starts[sample][plane]` (one list a dim)."""
    def plane(values, lists):
        if not lists:
            return values.max()
        return torch.stack([plane(values.narrow(len(sizes) - len(lists), s, sizes[len(sizes) - len(lists)]), lists[1:])
                            for s in lists[0]])
    return torch.stack([torch.stack([plane(x[n, c], starts[n][c]) for c in range(x.shape[1])]) for n in range(x.shape[0])])


def places(count, size, pool, u):
    """Where the windows begin along one dim, for the random number u."""
    alpha = (size - pool) / (count - 1)
    return [int((i + u) * alpha) - int(u * alpha) for i in range(count - 1)] + [size - pool]


def fractional_image(x):
    draw = Twister()
    batch = x if x.dim() == 4 else x[None]
    # One number for the width, then one for the height, of each plane.
    starts = [[(lambda w, h: [places(2, 5, 2, h), places(3, 6, 2, w)])(draw.uniform(), draw.uniform())
               for _ in range(2)] for _ in batch]
    y = fractional(batch, (2, 2), starts)
    return y if x.dim() == 4 else y[0]


for x in IMAGE, ALONE:
    module("nn.SpatialFractionalMaxPooling", "2, 2, 3, 2", x, fractional_image)


def fractional_volume(x):
    draw = Twister()
    # Sizes 2, 3, 2 come of 4·0.7, … : the innermost dim is what Torch7 calls T here.
    starts = [[(lambda t, w, h: [places(2, 4, 2, h), places(2, 5, 2, w), places(2, 5, 2, t)])(
        draw.uniform(), draw.uniform(), draw.uniform()) for _ in range(2)] for _ in range(x.shape[0])]
    return fractional(x, (2, 2, 2), starts)


module("nn.VolumetricFractionalMaxPooling", "2, 2, 2, 0.5, 0.5, 0.7", randn(1, 2, 4, 5, 5), fractional_volume)


def power_means(x, width, stride, power):
    windows = [(x[..., i:i + width] ** power).sum(-1) for i in range(0, x.shape[-1] - width + 1, stride)]
    return torch.stack(windows, -1) ** (1 / power)


module("nn.FeatureLPPooling", "3, 2, 2, true", randn(2, 7, 2),
       lambda x: power_means(x.transpose(1, 2), 3, 2, 2).transpose(1, 2))
module("nn.FeatureLPPooling", "3, 2, 2, true", randn(2, 7), lambda x: power_means(x, 3, 2, 2))
module("nn.FeatureLPPooling", "3, 2, 2, false", randn(7), lambda x: power_means(x, 3, 2, 2))
module("nn.SpatialLPPooling", "2, 2, 2, 3", randn(1, 2, 4, 6), lambda x: (F.avg_pool2d(x * x, (3, 2)) * 6).sqrt())
module("nn.SpatialLPPooling", "2, 3, 2, 2, 1, 1", rand(2, 3, 4), lambda x: (F.avg_pool2d(x ** 3, 2, 1) * 4) ** (1 / 3))


def unpooled(x, function, pool):
    """Each number at the place that the pooling of a fixed image chose."""
    image = wave(pool, 150)
    indices = function(image, 2, return_indices=True)[1]
    flat = torch.zeros(*x.shape[:2], math.prod(pool[2:])).scatter(2, indices.flatten(2), x.flatten(2))
    return flat.view(pool)


module("nn.SpatialMaxUnpooling", "", randn(1, 2, 2, 2),
       lambda x: unpooled(x, F.max_pool2d, (1, 2, 4, 4)),
       make="CLASS(after(nn.SpatialMaxPooling(2, 2), {1, 2, 4, 4}))")
module("nn.VolumetricMaxUnpooling", "", randn(1, 2, 2, 2, 2),
       lambda x: unpooled(x, F.max_pool3d, (1, 2, 4, 4, 4)),
       make="CLASS(after(nn.VolumetricMaxPooling(2, 2, 2), {1, 2, 4, 4, 4}))")
for x in randn(2, 5, 2), randn(5, 2):
    module("nn.TemporalMaxPooling", "2", x, lambda x: torch.stack([x[..., 0:2, :].max(-2)[0], x[..., 2:4, :].max(-2)[0]], -2))
    module("nn.TemporalMaxPooling", "3, 1", x, lambda x: torch.stack([x[..., t:t + 3, :].max(-2)[0] for t in range(3)], -2))


def largest(x, k):
    order = x.topk(k, -2)[1].sort(-2)[0]
    return x.gather(-2, order)


for x in randn(2, 5, 3), randn(5, 3):
    module("nn.TemporalDynamicKMaxPooling", "2, 0.5", x, lambda x: largest(x, 3))
    module("nn.TemporalDynamicKMaxPooling", "2", x, lambda x: largest(x, 2))

for x in randn(1, 2, 3, 4), randn(2, 3, 4):
    for name, mode in [("Zero", "constant"), ("Reflection", "reflect"), ("Replication", "replicate")]:
        module(f"nn.Spatial{name}Padding", "1, 2, 1, 0", x, batched(lambda x, mode=mode: F.pad(x, (1, 2, 1, 0), mode), 3))
    module("nn.SpatialZeroPadding", "1, -1, -1, 2", x, lambda x: F.pad(x, (1, -1, -1, 2)))
    module("nn.SpatialZeroPadding", "2", x, lambda x: F.pad(x, (2, 2, 2, 2)))
for x in randn(1, 1, 2, 2, 2), randn(1, 2, 2, 2):
    module("nn.VolumetricReplicationPadding", "1", x, batched(lambda x: F.pad(x, (1,) * 6, "replicate"), 4))
    module("nn.VolumetricReplicationPadding", "1, 0, 2, 0, 0, 1", x,
           batched(lambda x: F.pad(x, (1, 0, 2, 0, 0, 1), "replicate"), 4))
module("nn.Padding", "1, 2, 1, 5", randn(2, 3), lambda x: F.pad(x, (0, 2), value=5.0))
module("nn.Padding", "1, 2, 1, 5", randn(3), lambda x: F.pad(x, (0, 2), value=5.0))
module("nn.Padding", "1, -2, 2", randn(2, 3), lambda x: F.pad(x, (0, 0, 2, 0)))
module("nn.Padding", "2, 1, 2, 9, 2", randn(2, 3), lambda x: torch.cat([x[:, :2], torch.full((2, 1), 9.0), x[:, 2:]], 1))

for x in randn(1, 2, 2, 3), randn(2, 2, 3):
    module("nn.SpatialUpSamplingNearest", "2", x, lambda x: x.repeat_interleave(2, -1).repeat_interleave(2, -2))
    module("nn.SpatialUpSamplingBilinear", "2", x,
           batched(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True), 3))
    module("nn.SpatialUpSamplingBilinear", "{oheight = 3, owidth = 5}", x,
           batched(lambda x: F.interpolate(x, (3, 5), mode="bilinear", align_corners=True), 3))
module("nn.UpSampling", "2, 'linear'", randn(1, 2, 2, 2, 3),
       lambda x: F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=True))
module("nn.UpSampling", "2", randn(1, 2, 2, 3), lambda x: F.interpolate(x, scale_factor=2))
module("nn.UpSampling", "2, 'bilinear'", randn(1, 2, 2, 3),
       lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True))
for x in randn(1, 4, 2, 2), randn(4, 2, 2):
    module("nn.PixelShuffle", "2", x, lambda x: F.pixel_shuffle(x, 2))
