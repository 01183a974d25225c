"""What the compact reply holds of masks: the cells around each of them, on a grid of fixed size.

Legend: B images, N instances, h x w the mask grid, C = CROP_CELLS.
"""

import torch
from torch import Tensor, nn

from sparseinst.export.contract import CROP_CELLS, MASK_CODE_THRESHOLD


class Crops(nn.Module):
    """Cuts each mask's box out of its grid, and shrinks it where it has more than C cells a side."""

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.threshold = CROP_CELLS, MASK_CODE_THRESHOLD

    def forward(self, codes: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """The values in the boxes, and the boxes as the contract's "mask_boxes".

        A box reaches one cell beyond the mask, so that nothing is lost where the mask is enlarged between cells. Values
        of a box of at most C cells a side are copied; those of a larger one are interpolated between cells.

        Args:
            codes: The contract's "masks", uint8 [B, N, h, w].
            values: What to cut out, float32 [B, N, h, w].

        Returns:
            float [B, N, C, C] and int32 [B, N, 6].
        """
        height, width = codes.shape[2], codes.shape[3]
        top, bottom = self.extent(codes.amax(3) > self.threshold)
        left, right = self.extent(codes.amax(2) > self.threshold)
        upper, lower, down = self.lines(top, bottom, height)
        first, second, along = self.lines(left, right, width)
        # All masks' rows one below the other: whole rows are copied twenty times as fast as by `gather`.
        stacked = values.reshape(-1, width)
        begin = torch.arange(top.numel(), device=top.device).view(top.shape[0], top.shape[1], 1) * height
        shape = [top.shape[0], top.shape[1], self.cells, width]
        above = stacked.index_select(0, (begin + upper).flatten()).view(shape)
        below = stacked.index_select(0, (begin + lower).flatten()).view(shape)
        rows = above + down[..., None] * (below - above)
        before = rows.gather(3, first[:, :, None, :].expand(-1, -1, self.cells, -1))
        after = rows.gather(3, second[:, :, None, :].expand(-1, -1, self.cells, -1))
        crops = before + along[:, :, None, :] * (after - before)
        grid = torch.tensor([height, width], device=top.device).expand(top.shape[0], top.shape[1], 2)
        box = torch.stack([top, left, bottom, right], dim=2)
        return crops, torch.cat([box, grid], dim=2).to(torch.int32)

    def extent(self, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Of bool [B, N, n]: where what is inside begins and ends, each one place further out; 0 and 0 if nothing."""
        count = inside.shape[2]
        places = torch.arange(count, device=inside.device).expand_as(inside)
        last = torch.where(inside, places, torch.full_like(places, -2)).amax(2)
        first = torch.where(inside, places, torch.full_like(places, count)).amin(2)
        end = (last + 2).clamp(max=count)
        return torch.where(end > 0, (first - 1).clamp(min=0), torch.zeros_like(end)), end

    def lines(self, begin: Tensor, end: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """The two neighbouring lines of the grid that each line of a crop lies between, and the second one's weight.

        Args:
            begin: int64 [B, N].
            end: int64 [B, N], excluded.
            count: The lines of the grid.

        Returns:
            int64, int64 and float32, [B, N, C].
        """
        step = ((end - begin).float() / self.cells).clamp(min=1.0)[..., None]
        centres = torch.arange(self.cells, device=begin.device) + 0.5
        places = (begin[..., None] + centres * step - 0.5).clamp(min=0.0).clamp(max=count - 1)
        lower = places.floor()
        return lower.long(), (lower.long() + 1).clamp(max=count - 1), places - lower
