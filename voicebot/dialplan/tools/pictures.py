"""The graph of a dialplan as SVG, Mermaid and DOT."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from voicebot.dialplan.tools.edges import Edge, Graph, Node
from voicebot.dialplan.tools.layout import Box, Wire, lay_out
from voicebot.dialplan.tools.usage import Usage

FONT = "system-ui, 'Noto Sans', 'Noto Sans CJK SC', 'DejaVu Sans', sans-serif"
NODE_SIZE, LABEL_SIZE = 14.0, 11.0  # of the letters, px
LINE = 1.35  # of a line, in letters
MAX_REASONS = 6  # lines of one label

_COLOURS = {  # by kind of node: fill, border
    "flow": ("#eef4fb", "#4a7ab0"),
    "step": ("#eef4fb", "#4a7ab0"),
    "anywhere": ("#fdf3dc", "#b98b22"),
    "end": ("#f4f4f4", "#8a8a8a"),
}
_STROKES = {"goto": "#5b6b7b", "call": "#7a5bb0", "end": "#8a8a8a", "next": "#9aa7b4"}


@dataclass(frozen=True, slots=True)
class _Drawn:
    """All edges of one kind from one node to another, as one line with several reasons."""

    source: str
    target: str
    kind: str
    labels: tuple[str, ...]
    share: float | None  # of the calls; None where calls are not counted


def _merged(graph: Graph, usage: Usage | None) -> list[_Drawn]:
    groups: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in graph.edges:
        groups.setdefault((edge.source, edge.target, edge.kind), []).append(edge)
    found = []
    for (source, target, kind), edges in groups.items():
        mixed = len(edges) > 1
        labels = dict.fromkeys(_told(edge, usage, mixed=mixed) for edge in edges)
        taken = sum(usage.taken[edge] for edge in dict.fromkeys(edges)) if usage is not None else 0
        share = None if usage is None else taken / max(usage.calls, 1)
        found.append(_Drawn(source, target, kind, tuple(item for item in labels if item), share))
    return found


def _told(edge: Edge, usage: Usage | None, *, mixed: bool) -> str:
    """Return an edge's label; one without a reason gets words where it is `mixed` with others."""
    label = edge.label or ("at its end" if mixed else "")
    if usage is None:
        return label
    return f"{label}: {usage.taken[edge]}" if label else str(usage.taken[edge])


def _notes(node: Node, usage: Usage | None) -> list[str]:
    if usage is None or node.kind not in ("flow", "anywhere"):
        return []
    if node.kind == "anywhere":
        return [f"{usage.calls} calls"]
    left = usage.left[node.id]
    return [f"entered {usage.entered[node.id]}", *([f"{left} hung up here"] if left else [])]


def _width(text: str, size: float) -> float:
    """Return about how wide a text is: letters are a little over half as wide as high, Han characters square."""
    return size * sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.6 for c in text)


# --- SVG ----------------------------------------------------------------------------------------------------------


def svg(graph: Graph, title: str, usage: Usage | None = None) -> str:
    """Return the graph as an SVG document that needs nothing else. With `usage` edges and nodes carry counts."""
    drawn = _merged(graph, usage)
    boxes = {node.id: _box(node, usage) for node in graph.nodes}
    wires = [Wire(item.source, item.target, _label_box(item.labels)) for item in drawn]
    layout = lay_out(boxes, wires)
    width, height = round(layout.width), round(layout.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{FONT}">',
        f"<title>{escape(title)}</title>",
        "<defs>",
        *(_arrow(kind, colour) for kind, colour in _STROKES.items()),
        "</defs>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, route in layout.routes.items():
        lines.append(_path(drawn[number], _curve(route)))
    for number, item in enumerate(drawn):
        if number not in layout.routes:
            lines += _loop(item, layout.centres[item.source], boxes[item.source])
    for node in graph.nodes:
        lines += _node(node, layout.centres[node.id], boxes[node.id], usage)
    for number, centre in layout.labels.items():
        lines += _label(_shown(drawn[number].labels), centre)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _box(node: Node, usage: Usage | None) -> Box:
    notes = _notes(node, usage)
    wide = max([_width(node.title, NODE_SIZE) * 1.08, *(_width(note, LABEL_SIZE) for note in notes)])
    return Box(wide + 24, NODE_SIZE * LINE + 14 + len(notes) * LABEL_SIZE * LINE)


def _shown(labels: Sequence[str]) -> list[str]:
    if len(labels) <= MAX_REASONS:
        return list(labels)
    return [*labels[: MAX_REASONS - 1], f"and {len(labels) - MAX_REASONS + 1} more"]


def _label_box(labels: Sequence[str]) -> Box:
    shown = _shown(labels)
    if not shown:
        return Box(0, 0)
    return Box(max(_width(line, LABEL_SIZE) for line in shown) + 8, len(shown) * LABEL_SIZE * LINE + 4)


def _arrow(kind: str, colour: str) -> str:
    return (
        f'<marker id="{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" '
        f'orient="auto-start-reverse"><path d="M0 1L10 5L0 9z" fill="{colour}"/></marker>'
    )


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Return a path through the points that enters and leaves each of them vertically."""
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    for to_x, to_y in rest:
        if abs(to_x - x) < 0.5:
            path += f"L{to_x:.1f} {to_y:.1f}"
        else:
            middle = (y + to_y) / 2
            path += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
    return path


def _path(item: _Drawn, path: str) -> str:
    wide = 1.3 if item.share is None else 0.8 + 5 * min(item.share, 1.0)
    dashed = ' stroke-dasharray="5 4"' if item.kind == "call" else ""
    faint = ' opacity="0.35"' if item.share == 0 else ""
    colour = _STROKES[item.kind]
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{wide:.1f}"{dashed}{faint} '
        f'marker-end="url(#{item.kind})"/>'
    )


def _loop(item: _Drawn, centre: tuple[float, float], box: Box) -> list[str]:
    """A way from a flow to itself, at its right side."""
    x, y = centre[0] + box.width / 2, centre[1]
    path = f"M{x:.1f} {y - 6:.1f}C{x + 22:.1f} {y - 18:.1f} {x + 22:.1f} {y + 18:.1f} {x:.1f} {y + 6:.1f}"
    label = _label_box(item.labels)
    return [_path(item, path), *_label(_shown(item.labels), (x + 22 + label.width / 2, y))]


def _node(node: Node, centre: tuple[float, float], box: Box, usage: Usage | None) -> list[str]:
    fill, border = _COLOURS[node.kind]
    x, y = centre[0] - box.width / 2, centre[1] - box.height / 2
    round_ = box.height / 2 if node.kind in ("end", "anywhere") else 6
    notes = _notes(node, usage)
    hung_up = usage is not None and node.kind == "flow" and usage.left[node.id] > 0
    first = y + 7 + NODE_SIZE * LINE * 0.75
    return [
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{round_:.1f}" '
        f'fill="{fill}" stroke="{border}" stroke-width="1.3"/>',
        _text(node.title, centre[0], first, NODE_SIZE, "#1d2733", bold=node.kind == "flow"),
        *(
            _text(
                note,
                centre[0],
                first + (number + 1) * LABEL_SIZE * LINE,
                LABEL_SIZE,
                "#a52a2a" if hung_up and number else "#4d5a67",
            )
            for number, note in enumerate(notes)
        ),
    ]


def _label(lines: Sequence[str], centre: tuple[float, float]) -> list[str]:
    if not lines:
        return []
    box = _label_box(lines)
    x, y = centre[0] - box.width / 2, centre[1] - box.height / 2
    first = y + 2 + LABEL_SIZE * LINE * 0.75
    return [
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" fill="white"/>',
        *(
            _text(line, centre[0], first + number * LABEL_SIZE * LINE, LABEL_SIZE, "#3a4653")
            for number, line in enumerate(lines)
        ),
    ]


def _text(text: str, x: float, y: float, size: float, colour: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}"{weight} '
        f'text-anchor="middle">{escape(text)}</text>'
    )


# --- Mermaid and DOT ----------------------------------------------------------------------------------------------


def mermaid(graph: Graph, usage: Usage | None = None) -> str:
    """Return the graph as a Mermaid flowchart."""
    ids = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    brackets = {"flow": ("[", "]"), "step": ("[", "]"), "anywhere": ("([", "])"), "end": ("((", "))")}
    lines = ["flowchart TD"]
    for node in graph.nodes:
        opening, closing = brackets[node.kind]
        text = "<br/>".join(_mermaid_text(line) for line in [node.title, *_notes(node, usage)])
        lines.append(f'  {ids[node.id]}{opening}"{text}"{closing}')
    for item in _merged(graph, usage):
        arrow = "-.->" if item.kind == "call" else "-->"
        label = "<br/>".join(_mermaid_text(line) for line in item.labels)
        shown = f'|"{label}"|' if label else ""
        lines.append(f"  {ids[item.source]} {arrow}{shown} {ids[item.target]}")
    return "\n".join(lines) + "\n"


def _mermaid_text(text: str) -> str:
    return "".join(f"#{ord(char)};" if char in '#"<>&`' else char for char in text)


def dot(graph: Graph, title: str, usage: Usage | None = None) -> str:
    """Return the graph in the language of Graphviz."""
    lines = [f"digraph {_quoted(title)} {{", '  node [shape=box, style="rounded"];']
    for node in graph.nodes:
        shape = "" if node.kind in ("flow", "step") else ", shape=oval"
        lines.append(f"  {_quoted(node.id)} [label={_quoted(*[node.title, *_notes(node, usage)])}{shape}];")
    for item in _merged(graph, usage):
        style = ", style=dashed" if item.kind == "call" else ""
        lines.append(
            f"  {_quoted(item.source)} -> {_quoted(item.target)} [label={_quoted(*item.labels)}{style}];"
        )
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(*lines: str) -> str:
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(escaped) + '"'
