"""The page that reports for people are written on: lines, aligned rows and colours."""

from __future__ import annotations

from collections.abc import Sequence

from scenarios import wording

RED, GREEN, YELLOW, DIM, BOLD, RESET = (f"\x1b[{n}m" for n in (31, 32, 33, 2, 1, 0))
COLOURS = {
    "passed": GREEN,
    "succeeded": GREEN,
    "failed": RED,
    "broken": RED,
    "timed_out": RED,
    "interrupted": YELLOW,
    "unknown": YELLOW,
    "skipped": YELLOW,
}
Row = tuple[str, ...]


class Page:
    """Lines of a report; they are cut at `width` columns where there is one."""

    def __init__(self, width: int | None, colours: bool) -> None:
        self._lines: list[str] = []
        self.width = width
        self._colours = colours

    def paint(self, text: str, style: str) -> str:
        """The text in a colour, where colours are wanted."""
        return f"{style}{text}{RESET}" if self._colours and style else text

    def line(self, text: str = "", style: str = "", cut: bool = True) -> None:
        """One line, cut at the width unless it holds something to be copied."""
        if cut and self.width:
            text = wording.shorten(text, self.width)
        self._lines.append(self.paint(text, style))

    def rows(self, heading: str, rows: Sequence[Row], state: int | None = None) -> None:
        """A heading and rows with aligned columns; `state` is the column that is coloured."""
        if not rows:
            return
        self.line(heading, BOLD)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
            text = ("  " + "  ".join(cells)).rstrip()
            text = wording.shorten(text, self.width) if self.width else text
            if state is not None and (style := COLOURS.get(row[state])):
                at = 2 + sum(width + 2 for width in widths[:state])
                end = at + len(row[state])
                rest, mark, note = text[end:].partition("  (")
                text = text[:at] + self.paint(text[at:end], style) + rest
                text += self.paint(mark + note, DIM if mark else "")
            self._lines.append(text)

    def text(self) -> str:
        """The whole page, with a line end."""
        return "\n".join(self._lines) + "\n"
