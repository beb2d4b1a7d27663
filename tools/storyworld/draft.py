"""Drafts of frames: what words and layout tell of each pixel, before diffusion adds what they do not."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from diffusers import ConfigMixin, ModelMixin  # both names must be here: diffusers looks for them to load a component
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F

from kinograph.tools.storyworld.layout import CAMERA, FLIP, POSE, SUBJECTS, Pose, View, pose, view

PATCH = 8
"""Pixels a side of a latent."""
BOX = 1.36
"""Side of the square that a subject may cover, outline and glow included, over that of its unit box."""
GROUND = slice(1, 5)
"""Slots of the words that the scenery follows from: setting, time, camera, look."""
LOOK = 4
NOUNS = (5, 8)
"""First of the two slots, kind and colour, of each subject."""
OCTAVES = 5
SIDE = 64
"""Pixels a side of a subject's picture."""
FEATHER = 0.08
"""Over how much of a known frame's edge, of half its sides, it gives way to what words tell of the scenery."""
MARGIN = 0.25
"""How far the scenery's mean goes on beyond the picture, over its sides."""


class Drawn(NamedTuple):
    """Subjects on nothing."""

    pixels: torch.Tensor
    """Premultiplied, as RGB from -1 to 1 times cover, `[N,3,H,W]`."""
    cover: torch.Tensor
    """`[N,1,H,W]`, 0 to 1."""


class Known(NamedTuple):
    """A frame that is known, of N clips."""

    latents: torch.Tensor
    """Normalised, `[N,C,h,w]`."""
    layout: torch.Tensor
    """`[N,NUMBERS]`."""
    there: torch.Tensor
    """1 where there is such a frame, else 0, `[N]`."""


class Drafts(NamedTuple):
    """Of N frames, in normalised latents `[N,C,h,w]` and masks `[N,1,h,w]`."""

    base: torch.Tensor
    before: torch.Tensor
    """The known frame before, moved to where this frame's camera looks."""
    after: torch.Tensor
    masks: torch.Tensor
    """Cover of subjects here, and what the frame before and the one after do not tell of the scenery, `[N,3,h,w]`."""


class Field(nn.Module):
    """Colour and cover of a subject at points of its own box (a conditional coordinate network, as in Stanley 2007,
    "Compositional pattern producing networks", with the Fourier features of Tancik et al. 2020).
    """

    def __init__(self, words: int, width: int, depth: int) -> None:
        super().__init__()
        self.told = nn.ModuleList(nn.Linear(3 * words, width) for _ in range(SUBJECTS))
        self.points = nn.Linear(2 + 4 * OCTAVES, width)
        self.films = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(depth))
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.out = nn.Linear(width, 4)

    def forward(self, points: torch.Tensor, context: torch.Tensor, subject: int) -> torch.Tensor:
        """Points `[N,P,2]`, -1 to 1 over the box, and words `[N,slots,D]` to premultiplied RGB and cover, `[N,P,4]`."""
        first = NOUNS[subject]
        told = self.told[subject](torch.cat([context[:, LOOK], context[:, first], context[:, first + 1]], 1))
        waves = points[..., None] * torch.pi * 2.0 ** torch.arange(OCTAVES, device=points.device)
        hidden = self.points(torch.cat([points, waves.sin().flatten(-2), waves.cos().flatten(-2)], -1))
        for film, layer in zip(self.films, self.layers, strict=True):
            scale, shift = film(F.silu(told))[:, None].chunk(2, -1)
            hidden = hidden + layer(F.silu(hidden * (1 + scale) + shift))
        made = self.out(F.silu(hidden))
        cover = torch.sigmoid(made[..., 3:])
        return torch.cat([torch.tanh(made[..., :3]) * cover, cover], -1)


class Draft(ModelMixin, ConfigMixin):
    """Mean scenery of words, and subjects where the layout has them."""

    @register_to_config
    def __init__(
        self,
        words: int = 192,
        channels: int = 48,
        told: int = 16,
        grid: int = 24,
        wide: int = 256,
        narrow: int = 96,
        width: int = 96,
        depth: int = 4,
    ) -> None:
        super().__init__()
        ground = GROUND.stop - GROUND.start
        self.ground = nn.Sequential(
            nn.Linear(ground * words + 1, wide),
            nn.SiLU(),
            nn.Linear(wide, narrow),
            nn.SiLU(),
            nn.Linear(narrow, told * grid * grid),
        )
        self.field = Field(words, width, depth)
        # The autoencoder's linear part: principal components of patches, in normalised latents.
        self.register_buffer("axes", torch.zeros(channels, 3, PATCH, PATCH))
        self.register_buffer("offset", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    @torch.no_grad()
    def set_components(self, encode, mean: torch.Tensor, std: torch.Tensor) -> None:
        """Reads the components off `encode`, pictures `[N,3,8,8]` to latents as they come `[N,C,1,1]`."""
        size = 3 * PATCH * PATCH
        offset = encode(torch.zeros(1, 3, PATCH, PATCH)).flatten(1)
        axes = encode(torch.eye(size).view(size, 3, PATCH, PATCH)).flatten(1) - offset
        cast(torch.Tensor, self.axes).copy_(axes.T.view(-1, 3, PATCH, PATCH))
        cast(torch.Tensor, self.offset).copy_(offset[0] - mean)
        cast(torch.Tensor, self.std).copy_(std)

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pictures `[N,3,H,W]` in -1..1 to normalised latents."""
        latents = F.conv2d(pixels, cast(torch.Tensor, self.axes), cast(torch.Tensor, self.offset), stride=PATCH)
        return latents / cast(torch.Tensor, self.std)[:, None, None]

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """The other way round, by the components alone: quick, and good enough for drafts."""
        plain = latents * cast(torch.Tensor, self.std)[:, None, None] - cast(torch.Tensor, self.offset)[:, None, None]
        return F.conv_transpose2d(plain, cast(torch.Tensor, self.axes), stride=PATCH)

    def scenery(self, context: torch.Tensor, looks: View, rows: int, columns: int) -> torch.Tensor:
        """Mean of what the words' scenery may be, `[N,C,rows,columns]` normalised latents; nothing in the finest."""
        channels, told, grid = (cast(int, self.config[name]) for name in ("channels", "told", "grid"))
        form = torch.full((len(context), 1), columns / rows, device=context.device).log()
        made = self.ground(torch.cat([context[:, GROUND].flatten(1), form], 1)).unflatten(1, (told, grid, grid))
        places = _window(looks, rows, columns) / (1 + 2 * MARGIN)
        seen = F.grid_sample(made, places, mode="bilinear", padding_mode="border", align_corners=False)
        return F.pad(seen, (0, 0, 0, 0, 0, channels - told))  # of what is finest the mean is nothing

    def pictures(self, context: torch.Tensor) -> torch.Tensor:
        """The subjects that words name, in their boxes, `[N,SUBJECTS,4,SIDE,SIDE]`: the same in every frame."""
        axis = (torch.arange(SIDE, device=context.device) + 0.5) / SIDE * 2 - 1
        down, across = torch.meshgrid(axis, axis, indexing="ij")
        points = torch.stack([across, down], -1).flatten(0, 1).expand(len(context), -1, -1)
        made = [self.field(points, context, subject).float() for subject in range(SUBJECTS)]
        return torch.stack(made, 1).transpose(2, 3).unflatten(3, (SIDE, SIDE))

    def draw(self, pictures: torch.Tensor, layout: torch.Tensor, height: int, width: int) -> Drawn:
        """Subjects where layouts `[N,NUMBERS]` have them; the first of the words before the second."""
        whole = torch.zeros(len(layout), 4, height, width, device=layout.device)
        for subject in reversed(range(SUBJECTS)):
            there = pictures[:, subject, 3].amax((1, 2)) > 0.5
            if not there.any():
                continue
            points = self._points(Pose(*(part[there] for part in pose(layout, subject))), height, width)
            made = F.grid_sample(pictures[there, subject], points, align_corners=False)
            whole[there] = whole[there] * (1 - made[:, 3:]) + made
        return Drawn(whole[:, :3], whole[:, 3:])

    def faced(self, latents: torch.Tensor, pictures: torch.Tensor, poses: torch.Tensor) -> torch.Tensor:
        """Poses `[N,SUBJECTS*POSE]` of subjects in known frames, each turned to the side that the frame shows: which
        of the two is like it is plain where a network that looks for a subject may not tell.
        """
        rows, columns = latents.shape[-2:]
        shown, turned = self.decode(latents), poses.clone()
        for subject in range(SUBJECTS):
            alone = torch.zeros_like(pictures)
            alone[:, subject] = pictures[:, subject]
            off = []
            for flip in (1.0, -1.0):
                turned[:, subject * POSE + FLIP] = flip
                drawn = self.draw(alone, F.pad(turned, (0, CAMERA)), rows * PATCH, columns * PATCH)
                missed = (drawn.pixels - shown * drawn.cover).square().sum((1, 2, 3))
                off.append(missed / drawn.cover.sum((1, 2, 3)).clamp(min=1.0))
            turned[:, subject * POSE + FLIP] = torch.where(off[1] < off[0], -1.0, 1.0)
        return turned

    @staticmethod
    def _points(at: Pose, height: int, width: int) -> torch.Tensor:
        """Every pixel in the coordinates of a subject's box, `[N,H,W,2]`."""
        short = min(height, width)
        down, across = torch.meshgrid(
            torch.arange(height, device=at.x.device) + 0.5,
            torch.arange(width, device=at.x.device) + 0.5,
            indexing="ij",
        )
        x = (across - at.x[:, None, None] * width) / short
        y = (down - at.y[:, None, None] * height) / short
        sine, cosine = at.sine[:, None, None], at.cosine[:, None, None]
        u = (x * cosine + y * sine) * at.flip[:, None, None] / at.wide[:, None, None]
        v = (y * cosine - x * sine) / at.high[:, None, None]
        return torch.stack([u, v], -1) * (2 / BOX)

    def first(
        self, context: torch.Tensor, pictures: torch.Tensor, layout: torch.Tensor, rows: int, columns: int
    ) -> Drafts:
        """Of a frame with nothing known around it."""
        ground = self.scenery(context, view(layout), rows, columns)
        drawn = self.draw(pictures, layout, rows * PATCH, columns * PATCH)
        base = self.encode(self.decode(ground) * (1 - drawn.cover) + drawn.pixels)
        masks = F.avg_pool2d(drawn.cover, PATCH)
        return Drafts(base, ground, ground, torch.cat([masks, torch.ones_like(masks), torch.ones_like(masks)], 1))

    def between(
        self,
        context: torch.Tensor,
        pictures: torch.Tensor,
        layout: torch.Tensor,
        share: torch.Tensor,
        before: Known,
        after: Known,
    ) -> Drafts:
        """Of frames with known ones around them; `share` `[N]` is 0 at the one before and 1 at the one after."""
        rows, columns = before.latents.shape[-2:]
        looks = view(layout)
        drawn = self.draw(pictures, layout, rows * PATCH, columns * PATCH)
        ground = self.decode(self.scenery(context, looks, rows, columns))
        total, weights = 0.05 * ground, torch.full_like(drawn.cover, 0.05)
        moved, holes = [], []
        for known, part in ((before, 1 - share), (after, share)):
            pixels, hole = self._moved(known, looks, pictures)
            weight = (part * known.there)[:, None, None, None] * (1 - hole)
            total, weights = total + weight * pixels, weights + weight
            moved.append(self.encode(pixels) * known.there[:, None, None, None])
            holes.append(F.avg_pool2d(hole, PATCH))
        base = self.encode(total / weights * (1 - drawn.cover) + drawn.pixels)
        return Drafts(base, moved[0], moved[1], torch.cat([F.avg_pool2d(drawn.cover, PATCH), *holes], 1))

    def _moved(self, known: Known, looks: View, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A known frame as the camera sees it now, and where it does not tell the scenery: beyond its edges, and
        behind its subjects."""
        rows, columns = known.latents.shape[-2:]
        pixels = self.decode(known.latents)
        then = view(known.layout)
        places = _window(looks, rows * PATCH, columns * PATCH)
        centre = torch.stack([then.x, then.y], 1)[:, None, None] * 2
        places = (places - centre) * then.zoom[:, None, None, None]
        cover = self.draw(pictures, known.layout, rows * PATCH, columns * PATCH).cover
        cover = F.max_pool2d(cover, 5, 1, 2)
        moved = F.grid_sample(torch.cat([pixels, cover], 1), places, padding_mode="border", align_corners=False)
        outside = ((places.abs().amax(-1) - 1 + FEATHER) / FEATHER).clamp(0, 1)[:, None]
        return moved[:, :3], torch.maximum(moved[:, 3:], outside) * known.there[:, None, None, None] + (
            1 - known.there[:, None, None, None]
        )


def _window(looks: View, rows: int, columns: int) -> torch.Tensor:
    """Where each cell of the picture is in the world, `[N,rows,columns,2]`, -1 to 1 over the picture at rest."""
    device = looks.x.device
    down, across = torch.meshgrid(
        (torch.arange(rows, device=device) + 0.5) / rows * 2 - 1,
        (torch.arange(columns, device=device) + 0.5) / columns * 2 - 1,
        indexing="ij",
    )
    screen = torch.stack([across, down], -1)[None]
    centre = torch.stack([looks.x, looks.y], 1)[:, None, None] * 2
    return screen / looks.zoom[:, None, None, None] + centre
