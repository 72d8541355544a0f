"""What readers on a telephone would miss of a drawing."""

from itertools import combinations

from matplotlib.text import Text

from helpers.figures import Drawing


def misfits(drawing: Drawing) -> list[str]:
    """Return what is too wide, too small or in the way of other words in the narrow layout of a drawing."""
    figure = drawing.narrow
    assert figure is not None
    figure.draw_without_rendering()
    page = figure.get_tightbbox()  # in inches
    found = [f"{page.width:.2f} inches wide"] if page.width > 3.72 else []
    words = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    found += [f"{text.get_text()!r} is too small" for text in words if text.get_fontsize() < 7.5]
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in words]  # a pixel of tolerance
    # labels of ticks beyond the axes are not drawn
    boxes = [(text, box) for text, box in boxes if page.x0 < box.x0 / figure.dpi < box.x1 / figure.dpi < page.x1]
    return found + [f"{a!r} meets {b!r}" for (a, one), (b, two) in combinations(boxes, 2) if one.overlaps(two)]
