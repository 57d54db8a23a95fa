"""Where the nodes and edges of a flow graph stand on paper: layers from top to bottom (Sugiyama, Tagawa, Toda 1981).

Edges that lead back are turned round, nodes are ranked by the longest way, long edges get a bend in each layer that they
cross, layers are ordered by barycentres, then nodes are moved towards their neighbours. All of it is deterministic.
Lengths are in pixels.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS = 12
PASSES = 32
GAP = 36.0  # between neighbours in a layer
BEND_GAP = 18.0  # beside a bend of an edge
LAYER_GAP = 44.0  # between layers, besides the room of labels
PORTS = 0.7  # of a box's width, over which its wires are spread
STRAIGHT = 14.0  # a bend that is moved by less is taken out

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Box:
    """What is to be placed: its size."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Wire:
    """An edge to be placed, with the size of its label."""

    source: str
    target: str
    label: Box


@dataclass(slots=True)
class Layout:
    """`centres` of the nodes, and of each wire the points that it goes through and the centre of its label."""

    width: float
    height: float
    centres: dict[str, tuple[float, float]]
    routes: dict[int, list[tuple[float, float]]]
    labels: dict[int, tuple[float, float]]


@dataclass(slots=True, eq=False)
class _Place:
    """A node, a bend of a wire, or its label."""

    name: str
    size: Box
    layer: int
    bend: bool
    up: "list[_Place]" = field(default_factory=list)
    down: "list[_Place]" = field(default_factory=list)
    x: float = 0.0


def lay_out(boxes: Mapping[str, Box], wires: Sequence[Wire], margin: float = 24.0) -> Layout:
    """Place boxes and wires. Wires from a box to itself are drawn as loops by whoever draws; they have no route."""
    forward = _acyclic(list(boxes), wires)
    ranks = _ranks(list(boxes), forward, wires)
    places = {name: _Place(name, size, 2 * ranks[name], False) for name, size in boxes.items()}
    chains = _chains(places, wires, forward)
    layers = _layers([*places.values(), *(p for chain in chains.values() for p in chain if p.bend)])
    _order(layers)
    _straighten(layers)
    return _drawn(places, chains, layers, wires, forward, margin)


def _acyclic(names: list[str], wires: Sequence[Wire]) -> dict[int, bool]:
    """Return for each wire whether it leads forward; those found to lead back by depth first search do not."""
    outgoing: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, wire in enumerate(wires):
        if wire.source != wire.target:
            outgoing[wire.source].append((number, wire.target))
    forward: dict[int, bool] = {}
    state: dict[str, int] = {}
    for root in names:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(outgoing[root]))]
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[name] = 2
                stack.pop()
                continue
            number, target = following
            forward[number] = state.get(target) != 1
            if target not in state:
                state[target] = 1
                stack.append((target, iter(outgoing[target])))
    return forward


def _ends(wire: Wire, forward: bool) -> Pair:
    return (wire.source, wire.target) if forward else (wire.target, wire.source)


def _ranks(names: list[str], forward: Mapping[int, bool], wires: Sequence[Wire]) -> dict[str, int]:
    """Return the layer of each node: below all that lead to it, then as near to what it leads to as can be."""
    pairs = {_ends(wires[number], ahead) for number, ahead in forward.items()}
    ranks = dict.fromkeys(names, 0)
    for _ in names:  # the longest way in a graph without cycles is shorter than that
        changed = False
        for above, below in pairs:
            if ranks[below] <= ranks[above]:
                ranks[below] = ranks[above] + 1
                changed = True
        if not changed:
            break
    entered = {below for _, below in pairs}
    for name in names:  # what nothing leads to stands just above what it leads to
        following = [ranks[below] for above, below in pairs if above == name]
        if name not in entered and following:
            ranks[name] = min(following) - 1
    return ranks


def _chains(
    places: Mapping[str, _Place], wires: Sequence[Wire], forward: Mapping[int, bool]
) -> dict[int, list[_Place]]:
    """Return the places that each wire goes through from top to bottom; its label is the middle of the first gap."""
    chains: dict[int, list[_Place]] = {}
    for number, ahead in forward.items():
        above, below = (places[name] for name in _ends(wires[number], ahead))
        chain = [above]
        labelled = above.layer + 1 if ahead else below.layer - 1  # beside where the wire begins
        for layer in range(above.layer + 1, below.layer):
            size = wires[number].label if layer == labelled else Box(0, 0)
            chain.append(_Place(f"{number}.{layer}", size, layer, True))
        chain.append(below)
        for one, other in pairwise(chain):
            one.down.append(other)
            other.up.append(one)
        chains[number] = chain
    return chains


def _layers(places: list[_Place]) -> list[list[_Place]]:
    layers: list[list[_Place]] = [[] for _ in range(max((p.layer for p in places), default=0) + 1)]
    for place in places:
        layers[place.layer].append(place)
    return layers


# --- order in a layer ---------------------------------------------------------------------------------------------


def _order(layers: list[list[_Place]]) -> None:
    """Sort each layer by the mean place of its neighbours, downwards and upwards in turn; keep the best."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for layer in layers[1:] if down else reversed(layers[:-1]):
            at = {id(p): n for other in layers for n, p in enumerate(other)}
            means = {id(p): _mean([at[id(o)] for o in (p.up if down else p.down)], at[id(p)]) for p in layer}
            layer.sort(key=lambda p: means[id(p)])
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    for layer, order in zip(layers, best, strict=True):
        layer[:] = order


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _crossings(layers: list[list[_Place]]) -> int:
    """Return how often edges cross, all layers together."""
    found = 0
    for layer, following in pairwise(layers):
        at = {id(p): n for n, p in enumerate(following)}
        ends = [sorted(at[id(o)] for o in place.down) for place in layer]
        before: list[int] = []
        for own in ends:
            found += sum(1 for end in own for other in before if other > end)
            before += own
    return found


# --- places in a layer --------------------------------------------------------------------------------------------


def _room(one: _Place, other: _Place) -> float:
    gap = BEND_GAP if one.bend or other.bend else GAP
    return (one.size.width + other.size.width) / 2 + gap


def _straighten(layers: list[list[_Place]]) -> None:
    for layer in layers:
        x = 0.0
        for number, place in enumerate(layer):
            x += _room(layer[number - 1], place) if number else 0.0
            place.x = x
    for number in range(PASSES):
        down = number % 2 == 0
        for layer in layers if down else reversed(layers):
            _pull(layer, down=down, both=number > PASSES // 2)
    for layer in layers[1:]:
        _pull(layer, down=True, both=False)


def _pull(layer: list[_Place], *, down: bool, both: bool) -> None:
    """Move the places of a layer towards their neighbours' without overlap: the mean of packing left and right."""
    wished = []
    for place in layer:
        near = [*place.up, *place.down] if both else (place.up if down else place.down)
        # a bend weighs more than a node, so that long edges are straight
        weights = [(o.x, 8.0 if place.bend and o.bend else 1.0) for o in near]
        total = sum(weight for _, weight in weights)
        wished.append(sum(x * weight for x, weight in weights) / total if weights else place.x)
    left = list(wished)
    for n in range(1, len(layer)):
        left[n] = max(left[n], left[n - 1] + _room(layer[n - 1], layer[n]))
    right = list(wished)
    for n in range(len(layer) - 2, -1, -1):
        right[n] = min(right[n], right[n + 1] - _room(layer[n], layer[n + 1]))
    for place, one, other in zip(layer, left, right, strict=True):
        place.x = (one + other) / 2


# --- the drawing --------------------------------------------------------------------------------------------------


def _drawn(
    places: Mapping[str, _Place],
    chains: Mapping[int, list[_Place]],
    layers: list[list[_Place]],
    wires: Sequence[Wire],
    forward: Mapping[int, bool],
    margin: float,
) -> Layout:
    every = [place for layer in layers for place in layer]
    least = min((p.x - p.size.width / 2 for p in every), default=0.0)
    heights = [max((p.size.height for p in layer), default=0.0) for layer in layers]
    middles: list[float] = []
    top = margin
    for height in heights:
        middles.append(top + height / 2)
        top += height + LAYER_GAP / 2
    for place in every:
        place.x += margin - least
    for chain in chains.values():
        _smooth(chain)
    below = _ports({number: (chain[0], chain[1]) for number, chain in chains.items()})
    above = _ports({number: (chain[-1], chain[-2]) for number, chain in chains.items()})
    routes: dict[int, list[tuple[float, float]]] = {}
    labels: dict[int, tuple[float, float]] = {}
    for number, chain in chains.items():
        points: list[tuple[float, float]] = []
        for place in chain:
            middle = middles[place.layer]
            if place is chain[0]:
                points.append((below[number], middle + place.size.height / 2))
            elif place is chain[-1]:
                points.append((above[number], middle - place.size.height / 2))
            else:
                half = heights[place.layer] / 2
                points += [(place.x, middle - half), (place.x, middle + half)]
                if place.size.width:
                    labels[number] = (place.x, middle)
        routes[number] = points if forward[number] else points[::-1]
    return Layout(
        width=max((p.x + p.size.width / 2 for p in every), default=0.0) + margin,
        height=top - LAYER_GAP / 2 + margin,
        centres={name: (place.x, middles[place.layer]) for name, place in places.items()},
        routes=routes,
        labels=labels,
    )


def _ports(ends: Mapping[int, tuple[_Place, _Place]]) -> dict[int, float]:
    """Return where each wire touches its box: side by side, in the order of the places that they come from."""
    by_box: dict[str, list[int]] = defaultdict(list)
    for number, (box, _) in ends.items():
        by_box[box.name].append(number)
    found: dict[int, float] = {}
    for numbers in by_box.values():
        numbers.sort(key=lambda number: ends[number][1].x)
        for at, number in enumerate(numbers):
            box = ends[number][0]
            found[number] = box.x + (at - (len(numbers) - 1) / 2) * box.size.width * PORTS / len(numbers)
    return found


def _smooth(chain: list[_Place]) -> None:
    """Take small steps out of a wire that crosses several layers."""
    for one, other in pairwise(chain[1:-1]):
        if not other.size.width and abs(other.x - one.x) < STRAIGHT:
            other.x = one.x
